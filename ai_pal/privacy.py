"""The one check that a local-only prompt stays on this machine. Pure; it stands in front of the egress
process, which checks the rest: that Ollama has the model stored here and does not pass it on to a cloud."""

import re

import msgspec

from ai_pal.errors import Code, fail
from ai_pal.messages.egress import OLLAMA_URL, Complete, Provider

HINT = "choose a model that runs here, or allow it: no --local-only, /local off, another goal than privacy"
"""What to do when a request is local-only and its model is elsewhere."""

_LOOPBACK = re.compile(r"https?://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?(/[\w./~%-]*)?", re.ASCII)


def is_loopback(url: str) -> bool:
    """Whether an HTTP URL names this machine itself. Strict: what parsers may read differently is none."""
    return _LOOPBACK.fullmatch(url) is not None


def stays_here(provider: Provider) -> bool:
    """Whether a provider can be asked without anything leaving this machine, as far as its address tells."""
    return provider.api == "ollama" and is_loopback(provider.base_url or OLLAMA_URL)


def admit(complete: Complete, *, local_only: bool) -> Complete:
    """What may be sent to the egress process, marked so that it knows too.

    Raises `AiPalError` (`local_only`) for a local-only request that would leave this machine.
    """
    if not (local_only or complete.local_only):
        return complete
    if not stays_here(complete.provider):
        refuse(complete.provider)
    return msgspec.structs.replace(complete, local_only=True)


def refuse(provider: Provider) -> None:
    """Raises `AiPalError` (`local_only`)."""
    message = f"{provider.name} is not on this machine, and the request is local-only"
    fail(Code.LOCAL_ONLY, message, HINT)
