"""From the states of an encoder to one vector per text, as its sentence-transformers files say."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch

from ai_pal.errors import Code, fail
from workers.engines.transformers.loading.folder import read_json

MODULES = "modules.json"
LAYERS = ("Transformer", "Pooling", "Normalize", "Dense")
ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "Identity": lambda states: states,
    "Tanh": torch.tanh,
    "ReLU": torch.relu,
    "GELU": torch.nn.functional.gelu,
}
Pool = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Layout(msgspec.Struct, frozen=True):
    """How vectors are made: by which poolings (several are put side by side), through which layers, from
    texts of at most `longest` tokens (0: not said), with `prompt` in front of each."""

    poolings: list[str]
    dense: list[Path] = []
    longest: int = 0
    prompt: str = ""


def read_layout(folder: Path) -> Layout:
    """Raises `AiPalError` (`model_invalid`) for what is not known here."""
    if not (folder / MODULES).is_file():
        return Layout(["mean_tokens"])
    poolings, dense = ["mean_tokens"], []
    for module in read_list(folder / MODULES):
        kind, path = str(module.get("type", "")).rsplit(".", 1)[-1], str(module.get("path", ""))
        if kind not in LAYERS or Path(path).name != path:
            fail(
                Code.MODEL_INVALID, f"{folder} makes its vectors with a layer that is not known here: {kind}"
            )
        if kind == "Transformer" and path:
            fail(Code.MODEL_INVALID, f"{folder} keeps its encoder in a folder of its own, {path}")
        if kind == "Pooling":
            poolings = _poolings(read_json(folder / path / "config.json"))
        if kind == "Dense":
            dense.append(folder / path)
    longest, prompt = 0, ""
    if (own := folder / "sentence_bert_config.json").is_file():
        longest = int(read_json(own).get("max_seq_length") or 0)
    if (own := folder / "config_sentence_transformers.json").is_file():
        said = read_json(own)
        prompt = str((said.get("prompts") or {}).get(said.get("default_prompt_name") or "", ""))
    return Layout(poolings, dense, longest, prompt)


def read_list(path: Path) -> list[dict[str, Any]]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
    except (OSError, msgspec.MsgspecError) as error:
        fail(Code.MODEL_INVALID, f"{path} cannot be read: {error}", "fetch the model again")


def _poolings(config: dict[str, Any]) -> list[str]:
    found = [name.removeprefix("pooling_mode_") for name, on in config.items() if on is True]
    found = [name for name in found if name in POOLS]
    mode = config.get("pooling_mode")
    found += (
        [f"{mode}_tokens" if mode in ("mean", "max") else f"{mode}_token"] if isinstance(mode, str) else []
    )
    unknown = [name for name in found if name not in POOLS]
    if unknown or not found:
        fail(Code.MODEL_INVALID, f"how this model pools its vectors is not known here: {unknown or config}")
    return found


def _mean(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (states * mask).sum(1) / mask.sum(1).clamp(min=1)


def _weighted(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    places = torch.arange(1, states.shape[1] + 1, dtype=states.dtype)[None, :, None].to(states.device)
    return (states * mask * places).sum(1) / (mask * places).sum(1).clamp(min=1)


def _last(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    ends = mask[:, :, 0].sum(1).long() - 1
    return states[torch.arange(len(states)), ends]


POOLS: dict[str, Pool] = {
    "cls_token": lambda states, mask: states[:, 0],
    "mean_tokens": _mean,
    "max_tokens": lambda states, mask: states.masked_fill(mask == 0, -torch.inf).amax(1),
    "mean_sqrt_len_tokens": lambda states, mask: (states * mask).sum(1) / mask.sum(1).clamp(min=1).sqrt(),
    "weightedmean_tokens": _weighted,
    "lasttoken": _last,
}


class Pooler:
    """The layers behind an encoder."""

    def __init__(self, layout: Layout, device: Any) -> None:
        self._pools = [POOLS[name] for name in layout.poolings]
        self._dense = [_load_dense(path, device) for path in layout.dense]

    def vectors(self, states: torch.Tensor, mask: torch.Tensor, dimensions: int) -> torch.Tensor:
        """One vector of length 1 for each row; `mask` tells its tokens from what fills it up. `dimensions` 0
        is all of them."""
        seen = mask[:, :, None].to(states.dtype)
        vectors = torch.cat([pool(states, seen) for pool in self._pools], dim=1)
        for layer in self._dense:
            vectors = layer(vectors)
        if dimensions:
            vectors = vectors[:, :dimensions]
        return torch.nn.functional.normalize(vectors.float(), dim=1)


def _load_dense(path: Path, device: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    from safetensors.torch import load_file

    config = read_json(path / "config.json")
    activation = str(config.get("activation_function", "")).rsplit(".", 1)[-1]
    if activation not in ACTIVATIONS:
        fail(Code.MODEL_INVALID, f"{path} has an activation that is not known here: {activation}")
    weights = path / "model.safetensors"
    if not weights.is_file():
        fail(Code.MODEL_INVALID, f"{path} has no weights as safetensors", "use another version of the model")
    tensors: dict[str, torch.Tensor] = load_file(weights, device=str(device))
    weight, bias = tensors["linear.weight"].float(), tensors.get("linear.bias")
    act = ACTIVATIONS[activation]

    def apply(states: torch.Tensor) -> torch.Tensor:
        return act(torch.nn.functional.linear(states, weight, None if bias is None else bias.float()))

    return apply


def all_texts(layout: Layout, texts: Sequence[str]) -> list[str]:
    """The texts with the model's own words in front."""
    return [layout.prompt + text for text in texts] if layout.prompt else list(texts)
