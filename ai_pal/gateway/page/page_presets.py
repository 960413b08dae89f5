"""Presets, as the page reads and writes them: the same files as those of the terminal."""

from typing import Annotated, Any

import msgspec

from ai_pal.config.presets import Preset, load_preset, remove, save_fields
from ai_pal.gateway.wire.bodies import decoded


class Sampling(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an answer is asked with; what is left out is as the preset says, or the engine has it."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_tokens: int | None = None
    seed: int | None = None


class Saved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /page/preset: what is said of it from now on; the rest of its file stays. `delete` is for good."""

    name: str
    system: Annotated[str, msgspec.Meta(max_length=100_000)] = ""
    sampling: Sampling = Sampling()
    delete: bool = False


_SAVED = msgspec.json.Decoder(Saved)


def read(body: bytes) -> Saved:
    """Raises `BodyError`."""
    return decoded(body, _SAVED)


def told(name: str) -> dict[str, Any]:
    """What the page can show of a preset. Raises `AiPalError`."""
    preset = load_preset(name)
    said = {field: getattr(preset, field) for field in Sampling.__struct_fields__}
    return {"name": name, "system": preset.system or "", "sampling": said}


def save(wanted: Saved) -> None:
    """Raises `AiPalError` (`config_invalid`, `preset_not_found`, `file_unreadable`)."""
    if wanted.delete:
        remove(wanted.name)
        return
    said = {
        name: value for name, value in msgspec.structs.asdict(wanted.sampling).items() if value is not None
    }
    if wanted.system:
        said["system"] = wanted.system
    dropped = {*Sampling.__struct_fields__, "system"} - said.keys()
    save_fields(wanted.name, Preset(**said), dropped)
