"""The one question before a key that was merely found is used. Enter is no, and the answer is remembered."""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ai_pal.cli.terminal.streams import YES, Terminal, typed
from ai_pal.errors import AiPalError

if TYPE_CHECKING:
    from ai_pal.config import Settings


def ask_consent(
    model: str, settings: "Settings", terminal: Terminal, environ: Mapping[str, str] = os.environ
) -> None:
    """Ask once for each cloud whose key lies in the environment, if `model` may mean it. Nothing is asked
    without a terminal."""
    if not (terminal.stdin and terminal.stderr):
        return
    for provider, variable in _undecided(model, settings, environ):
        answer = _ask(provider, variable, settings)
        if answer is not None:
            _remember(provider, environ, answer)


def question(provider: str, variable: str, where: str) -> str:
    """What the user should know before the answer."""
    return (
        f"{variable} is set: may AI-PAL use it?\n"
        f"  What: prompts that are too hard for this machine's models, each with its whole conversation.\n"
        f"  Where: {where}. It costs what {provider} charges; see: ai-pal usage\n"
        f"  Change it later: ai-pal consent {provider} [--revoke]; for one chat: --local-only\n"
        "send such prompts there? [y/N] "
    )


def _undecided(model: str, settings: "Settings", environ: Mapping[str, str]) -> list[tuple[str, str]]:
    from ai_pal.config.provider_access import CLOUDS, Access, read_access, variable_in

    try:
        known = read_access(environ)
    except AiPalError:
        return []  # it cannot be remembered either; nothing is sent
    found = []
    for provider in dict.fromkeys((*CLOUDS, *settings.providers)):
        variable, setting = variable_in(provider, environ), settings.providers.get(provider)
        given = setting is not None and (setting.consent is not None or setting.api_key)
        access = known.get(provider, Access())
        meant = not model or model.startswith(f"{provider}:")
        if variable and meant and not given and access.consent is None and not access.keyring:
            found.append((provider, variable))
    return found


def _ask(provider: str, variable: str, settings: "Settings") -> bool | None:
    """None when the user left without an answer."""
    setting = settings.providers.get(provider)
    where = (setting.base_url if setting is not None else None) or f"{provider}'s own servers"
    from ai_pal.cli.terminal.neutral import neutral

    print(neutral(question(provider, variable, where)), end="", file=sys.stderr, flush=True)
    answer = typed()
    return None if answer is None else answer in YES


def _remember(provider: str, environ: Mapping[str, str], answer: bool) -> None:
    from ai_pal.config.provider_access import remember

    try:
        remember(provider, environ, consent=answer)
    except AiPalError as error:
        print(f"that could not be remembered: {error}", file=sys.stderr)
