"""Settings of one model, as the page shows and changes them: those of its table in the config file."""

from typing import Any

import msgspec

from ai_pal.config import load_settings, paths
from ai_pal.config.durations import format_duration
from ai_pal.config.edit import set_values
from ai_pal.config.model_settings import ModelSettings
from ai_pal.gateway.wire.bodies import decoded


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /page/model-settings: all that is its own; None is as for all models."""

    model: str
    context: int | None = None
    threads: int | None = None
    slots: int | None = None
    keep_alive: str | None = None
    pin: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None


FIELDS = tuple(name for name in Own.__struct_fields__ if name != "model")
_OWN = msgspec.json.Decoder(Own)


def read(body: bytes) -> Own:
    """Raises `BodyError`."""
    return decoded(body, _OWN)


def told(model: str) -> dict[str, Any]:
    """What its table says, and what holds where it says nothing; of sampling that is the model's affair."""
    settings = load_settings().settings
    own = settings.models.get(model, ModelSettings())
    usual = {name: getattr(settings, name) for name in FIELDS if hasattr(settings, name)}
    return {
        "model": model,
        "file": str(paths.config_file()),
        "own": _in_words({name: getattr(own, name) for name in FIELDS}),
        "usual": _in_words(usual),
    }


def change(wanted: Own) -> None:
    """Write it. Raises `AiPalError` (`config_invalid`, `bad_request`, `file_unreadable`)."""
    said = {name: getattr(wanted, name) for name in FIELDS}
    set_values({f"models.{wanted.model}.{name}": _as_text(value) for name, value in said.items()})


def _in_words(values: dict[str, Any]) -> dict[str, Any]:
    seconds = values["keep_alive"]
    return {**values, "keep_alive": None if seconds is None else format_duration(seconds)}


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower()
