"""What may leave this machine, or the user's machines. Pure; it stands before the egress process, which
checks the rest: that Ollama has the model stored here and does not pass it on to its cloud."""

import re

import msgspec

from ai_pal.errors import Code, fail
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.provider import OLLAMA_URL, Provider

SAID = "the conversation, a preset, the key or a setting may say it too"
"""A level of privacy comes from the request or from any of these, and the strictest holds."""

ALLOW = f"allow it: leave out `local_only` ({SAID}), or another goal than privacy"

ALLOW_OTHERS = f"leave out `mine` ({SAID})"

HINT = f"choose a model that runs here, or {ALLOW}"
"""What to do when a request is local-only and its model is elsewhere."""

OTHERS_HINT = f"choose a model of your machines, or allow others: {ALLOW_OTHERS}"
"""What to do when a request may not leave the user's machines and its model is elsewhere."""

_LOOPBACK = re.compile(r"https?://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?(/[\w./~%-]*)?", re.ASCII)

_PASSED_ON = re.compile(r"[:-]cloud$", re.ASCII | re.IGNORECASE)


def is_loopback(url: str) -> bool:
    """Whether an HTTP URL names this machine itself. Strict: what parsers may read differently is none."""
    return _LOOPBACK.fullmatch(url) is not None


def is_passed_on(model: str) -> bool:
    """Whether the name of an Ollama model says that its prompts go on to Ollama's cloud
    (`kimi-k2:cloud`, `gpt-oss:120b-cloud`)."""
    return _PASSED_ON.search(model) is not None


def stays_here(provider: Provider, model: str = "") -> bool:
    """Whether a provider can be asked (for this model) without anything leaving this machine, as far as its
    address and the model's name tell."""
    is_here = provider.api == "ollama" and is_loopback(provider.base_url or OLLAMA_URL)
    return is_here and not is_passed_on(model)


def admit(complete: Complete, *, local_only: bool) -> Complete:
    """What may be sent to the egress process, marked so that it knows too.

    Raises `AiPalError` (`local_only`) for a local-only request that would leave this machine, and for one
    that would leave the user's own machines and may not.
    """
    if not (local_only or complete.local_only):
        if complete.mine and not is_mine(complete.provider, complete.model):
            refuse_others(complete.provider)
        return complete
    if not stays_here(complete.provider, complete.model):
        refuse(complete.provider, complete.model)
    return msgspec.structs.replace(complete, local_only=True)


def is_mine(provider: Provider, model: str = "") -> bool:
    """Whether what a provider is asked stays on machines of the user's: this one, and those that are named in
    the settings with a pinned identity."""
    machine = provider.machine
    if machine is None:
        return stays_here(provider, model)
    if provider.api == "machine":
        return bool(machine.host_key and machine.identity)
    return bool(machine.certificate) and provider.base_url.startswith("https://")


def admit_words(*, local_only: bool, mine: bool = False) -> None:
    """Whether words to search the hub for may leave this machine. Raises `AiPalError` (`local_only`)."""
    if local_only:
        what = "a search sends its words to the hub, and nothing may leave this machine"
        fail(Code.LOCAL_ONLY, what, "allow it: without `local_only` and with another goal than privacy")
    if mine:
        what = "a search sends its words to the hub, and nothing may leave your machines"
        fail(Code.LOCAL_ONLY, what, "allow it: without the setting `mine`")


def refuse(provider: Provider, model: str = "") -> None:
    """Raises `AiPalError` (`local_only`)."""
    what = f"{provider.name}:{model}" if is_passed_on(model) else provider.name
    fail(Code.LOCAL_ONLY, f"{what} is not on this machine, and the request is local-only", HINT)


def refuse_others(provider: Provider) -> None:
    """Raises `AiPalError` (`local_only`)."""
    message = f"{provider.name} is none of your machines, and the request is for those alone"
    fail(Code.LOCAL_ONLY, message, OTHERS_HINT)
