"""Steps one after the other, each in a process of its own that is ended when its time is over.

python -m scripts.gpu_check [STEP ...] [--cpu] [--folder FOLDER] [--gguf FILE] [--list]
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from ai_pal.memory.cards import Cards
from ai_pal.memory.cards_here import NODES
from ai_pal.memory.devices import Device
from scripts.benchmarks.figures import Row, skipped
from scripts.benchmarks.models import SAFETENSORS, starter_file
from scripts.gpu_check.steps import STEPS

ENGINES = {"transformers": "torch", "llamacpp": "xllamacpp"}
TAIL = 1500
"""Bytes of what a step that failed has said last."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/check_gpu", description=__doc__)
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)}; all without any")
    parser.add_argument("--cpu", action="store_true", help="play the steps on the CPU")
    parser.add_argument("--folder", type=Path, default=SAFETENSORS, help="a model for transformers")
    parser.add_argument("--gguf", type=Path, help="a model for llama.cpp")
    parser.add_argument(
        "--patience", type=float, default=1.0, help="times the deadlines, on a machine with other work"
    )
    parser.add_argument("--list", action="store_true", help="name the steps and their deadlines")
    args = parser.parse_args()
    if unknown := [name for name in args.steps if name not in STEPS]:
        parser.error(f"there is no step {unknown[0]}: {', '.join(STEPS)}")
    if args.list:
        for name, step in STEPS.items():
            print(f"{name:14} {step.seconds:4.0f} s  {(step.play.__doc__ or '').strip()}")
        return 0
    card = None if args.cpu else _card()
    if card is None and not args.cpu:
        print(f"no GPU to check: {_why_none()}", file=sys.stderr)
        print("hint: scripts/check_gpu --cpu plays the same steps on the CPU", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the step ends too
    print(f"{_machine(card)}\n\n| What | Measured | Target |\n|---|---|---|", flush=True)
    gguf = args.gguf or starter_file()
    failed = False
    for name in args.steps or STEPS:
        device = "cpu" if card is None else card.name
        for row in _played(name, device, args.folder, gguf, args.patience):
            failed |= row.reached is False
            print(_line(name, row), flush=True)
    return int(failed)


def _card() -> Device | None:
    cards = Cards()
    seen = [device for engine in ENGINES for device in cards.look(engine)]
    return seen[0] if seen else None


def _why_none() -> str:
    if not any(Path(node).exists() for node in NODES):
        return "this machine has no driver of NVIDIA's"
    return f"{_builds()} were built for the CPU, or no card may be seen (CUDA_VISIBLE_DEVICES)"


def _machine(card: Device | None) -> str:
    where = "the CPU" if card is None else f"{card.label or card.name}, {card.total / 1e9:.0f} GB"
    return f"On {where}, {_builds()}:"


def _builds() -> str:
    found = []
    for package in ENGINES.values():
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{package} {version(package)}")
    return " and ".join(found)


def _played(name: str, device: str, folder: Path, gguf: Path, patience: float) -> Iterator[Row]:
    """The rows of a step; of one that failed or took too long a row that says so."""
    command = [sys.executable, "-m", "scripts.gpu_check.steps", name, device, str(folder), str(gguf)]
    environ = dict(os.environ) | ({"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {})
    seconds = STEPS[name].seconds * patience
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        said, complained = process.communicate(timeout=seconds)
        why = "" if process.returncode == 0 else complained[-TAIL:].decode(errors="replace").strip()
        why = why.splitlines()[-1] if why else f"code {process.returncode}" if process.returncode else ""
    except subprocess.TimeoutExpired:
        _end(process)
        said, _ = process.communicate()
        why = f"it took more than {seconds:.0f} s"
    finally:
        if process.poll() is None:
            _end(process)
    yield from (msgspec.json.decode(line, type=Row) for line in said.splitlines() if line.endswith(b"}"))
    if why:
        yield msgspec.structs.replace(skipped("failed", why), at_least=1.0, samples=1)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With all that it has started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _line(step: str, row: Row) -> str:
    verdict = f"{row.target}{'' if row.reached is not False else ': **missed**'}"
    note = f"; {row.note}" if row.note else ""
    return f"| {step}: {row.name} | {row.measured}{note} | {verdict} |"


if __name__ == "__main__":
    sys.exit(main())
