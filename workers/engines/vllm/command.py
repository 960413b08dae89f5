"""How vLLM is started on one of several nodes. Pure, but for the look where it is installed."""

import os
import shutil
import sys

from ai_pal.errors import Code, fail
from ai_pal.protocol.worker import Gang, LoadModel

SLOTS = 64
"""Requests at once where nothing else is asked for."""

QUIET = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
"""Nothing leaves unasked: it would report its use, and look on the hub for what it has."""


def program() -> str:
    """Beside this Python, else in the path. Raises `AiPalError` (`engine_missing`)."""
    beside, path = os.path.dirname(sys.executable), os.environ.get("PATH", "")
    found = shutil.which("vllm", path=os.pathsep.join((beside, path)))
    if not found:
        fail(Code.ENGINE_MISSING, "vLLM is not installed", f"run: {sys.executable} -m pip install vllm")
    return found


def gang_of(spec: LoadModel) -> Gang:
    """Raises `AiPalError` (`config_invalid`) for a load that is for one node."""
    if spec.gang is None:
        fail(Code.CONFIG_INVALID, "vLLM is for models over several nodes", "set nodes: docs/cluster.md")
    return spec.gang


def arguments(spec: LoadModel, rank: int, socket: str = "") -> list[str]:
    """Of the process with this rank: the first answers at `socket`, the others have no door."""
    gang = gang_of(spec)
    words: dict[str, object] = {
        "--served-model-name": "model",
        "--tensor-parallel-size": gang.cards,
        "--pipeline-parallel-size": len(gang.addresses),
        "--nnodes": len(gang.addresses),
        "--node-rank": rank,
        "--master-addr": gang.addresses[0],
        "--master-port": gang.port,
        "--gpu-memory-utilization": gang.part,
        "--max-num-seqs": spec.slots or SLOTS,
    }
    if spec.context:
        words["--max-model-len"] = spec.context
    door = ["--uds", socket, "--disable-uvicorn-access-log"] if rank == 0 else ["--headless"]
    return ["serve", spec.path, *(str(word) for pair in words.items() for word in pair), *door]


def environment(spec: LoadModel, rank: int) -> dict[str, str]:
    """What it needs beside what its worker has: the address by which the others know its node."""
    return QUIET | {"VLLM_HOST_IP": gang_of(spec).addresses[rank]}
