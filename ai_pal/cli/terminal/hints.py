"""Hints in the words of the command line: what every face calls `deadline` is `--deadline` here. Pure."""

import re

OPTIONS = {
    **{name: f"--{name.replace('_', '-')}" for name in ("context", "deadline", "keep_alive", "local_only")},
    **{name: f"--{name.replace('_', '-')}" for name in ("max_cost", "max_tokens", "mine", "pull")},
    "fallback": "leave out --no-fallback",
}
"""What requests call so, and the options of `ai-pal chat`."""

_MODEL = r"`model`=(\S+)"
_NAME = r"`([a-z_]+)`"


def on_command_line(hint: str) -> str:
    """A hint that names fields of requests, with the options that say the same."""
    hint = re.sub(_MODEL, r"--model \1", hint)
    return re.sub(_NAME, lambda found: OPTIONS.get(found[1], found[0]), hint)
