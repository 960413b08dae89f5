"""The switch of tier 1: whether models are loaded on this machine by AI-PAL itself."""

from collections.abc import Mapping

from ai_pal.errors import AiPalError, Code, Failure, fail

VARIABLE = "LOCAL_DIRECT_LOADING"

_ON = ("", "1", "true", "yes", "on")
_OFF = ("0", "false", "no", "off")


def direct_loading(wanted: bool, environ: Mapping[str, str]) -> bool:
    """Both the program and `LOCAL_DIRECT_LOADING` have to want it. Raises `AiPalError` (`config_invalid`)."""
    text = environ.get(VARIABLE, "").strip().lower()
    if text not in (*_ON, *_OFF):
        fail(Code.CONFIG_INVALID, f"{VARIABLE}: {text!r} is neither true nor false", "write true or false")
    return wanted and text in _ON


def switched_off(model: str = "") -> AiPalError:
    """Why nothing answers while tier 1 is off, where Ollama does not know `model` by any name."""
    twin = f", and Ollama has no model that {model} stands for" if model else ""
    hint = f"pass enable_direct_loading=True and unset {VARIABLE}, or name a model of Ollama: ollama:phi"
    return AiPalError(Failure(Code.DIRECT_LOADING_OFF, f"direct loading is off{twin}", hint))
