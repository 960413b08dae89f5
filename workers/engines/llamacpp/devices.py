"""Which layers llama.cpp has on which GPU. Pure, but for `cards`, which asks the binding."""

from typing import Any

from ai_pal.errors import Code, fail
from ai_pal.protocol.worker import LoadModel

HOST = "cpu"
ANY = ("", "cuda")
GPUS = ("GGML_BACKEND_DEVICE_TYPE_GPU", "GGML_BACKEND_DEVICE_TYPE_IGPU")
WITHOUT = "leave device and gpu_layers out, or install a build of xllamacpp for this GPU"


def cards(xllamacpp: Any) -> list[str]:
    """The GPUs that this build computes on, by what the binding calls them; the first one is `cuda:0`."""
    return [str(one["name"]) for one in xllamacpp.get_device_info() if one["type"].name in GPUS]


def place(xllamacpp: Any, parameters: Any, spec: LoadModel, found: list[str]) -> None:
    """Set what goes where: as the supervisor has placed it, else as it was asked for, else as llama.cpp fits
    it by itself. Raises `AiPalError` (`config_invalid`) for what is not there."""
    named = {f"cuda:{at}": at for at in range(len(found))}
    _check(xllamacpp, spec, named)
    if not found:
        return
    if spec.placement is not None or spec.device == HOST:
        parameters.speculative.draft.n_gpu_layers = 0  # a draft is counted on the host
    if spec.device == HOST or spec.gpu_layers == 0 or spec.placement == []:
        parameters.n_gpu_layers = 0
        parameters.no_op_offload = True  # or long prompts would be computed there all the same
        parameters.fit_params = False
    elif spec.placement:
        parameters.n_gpu_layers = sum(share.blocks for share in spec.placement)
        parameters.fit_params = False
        split = [0.0] * len(parameters.tensor_split)
        for share in spec.placement:
            split[named[share.device]] = float(share.blocks)
        parameters.tensor_split = split
        parameters.main_gpu = named[spec.placement[0].device]
    else:
        parameters.n_gpu_layers = spec.gpu_layers
        if spec.device not in ANY:
            parameters.split_mode = xllamacpp.llama_split_mode.LLAMA_SPLIT_MODE_NONE
            parameters.main_gpu = named[spec.device]


def _check(xllamacpp: Any, spec: LoadModel, named: dict[str, int]) -> None:
    """Refuse a device that is not there."""
    wanted = [share.device for share in spec.placement or ()]
    if spec.device not in (HOST, *ANY):
        wanted.append(spec.device)
    asked = [f"device={spec.device}"] if spec.device not in ("", HOST) else []
    asked += [f"gpu_layers={spec.gpu_layers}"] if spec.gpu_layers > 0 else []
    if not named and (asked or wanted):
        what = " and ".join(asked) or ", ".join(wanted)
        message = f"{what}: llama.cpp finds no GPU to compute on here (xllamacpp {xllamacpp.__version__})"
        fail(Code.CONFIG_INVALID, message, WITHOUT)
    if lacking := [name for name in wanted if name not in named]:
        there = f"there are: {', '.join(named)}"
        fail(Code.CONFIG_INVALID, f"llama.cpp finds no device {lacking[0]} here", there)
