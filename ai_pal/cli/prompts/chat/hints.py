"""Hints within a conversation: what an option of `ai-pal chat` does is done by a `/command` there. No I/O."""

import re

import msgspec

from ai_pal.cli.prompts.chat import setting
from ai_pal.cli.terminal.failures import describe
from ai_pal.cli.terminal.hints import on_command_line
from ai_pal.errors import Failure

_MODEL = re.compile(r"(?:ai-pal chat )?--model (\S+)")
_OPTION = re.compile(r"--([a-z][a-z-]*)")


def in_conversation(failure: Failure) -> Failure:
    """The same with a hint that can be followed at the prompt."""
    hint = on_command_line(failure.hint).replace("leave out --local-only", "/local off")
    hint = hint.replace("leave out --mine", "/mine off")
    return msgspec.structs.replace(failure, hint=_OPTION.sub(_command, _MODEL.sub(r"/model \1", hint)))


def described(failure: Failure) -> str:
    """The lines that tell of `failure` in a conversation."""
    return describe(in_conversation(failure))


def _command(option: re.Match[str]) -> str:
    name = option[1].replace("-", "_")
    return f"/set {name}" if name in setting.NAMES else option[0]
