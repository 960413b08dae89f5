"""How errors look on stderr, and which exit code belongs to each."""

import sys
from typing import TextIO

from ai_pal.cli.terminal.neutral import neutral
from ai_pal.cli.terminal.wrapping import wrapped
from ai_pal.errors import Code, Failure

OK = 0
FAILED = 1
USAGE = 2
MODEL_MISSING = 3
INTERRUPTED = 4
OVERLOADED = 5
UNREACHABLE = 6
CONFIG = 7
CTRL_C = 130
BROKEN_PIPE = 141

EXIT_CODES = """exit codes:
  0    done
  1    failed
  2    wrong usage (an unknown option, an empty prompt)
  3    the model, conversation or preset is unknown, or not on this machine
  4    the answer was interrupted; what had come was printed
  5    overloaded: try again later
  6    the supervisor cannot be reached
  7    the configuration is invalid
  130  stopped with Ctrl-C (143 by SIGTERM, 129 by SIGHUP)
  141  the reader of the output went away"""

_BY_CODE: dict[str, int] = {
    Code.BAD_REQUEST: USAGE,
    Code.EMPTY_PROMPT: USAGE,
    Code.INPUT_NOT_UTF8: USAGE,
    Code.SCHEMA_INVALID: USAGE,
    Code.IMAGE_INVALID: USAGE,
    Code.IMAGE_TOO_LARGE: USAGE,
    Code.MODEL_NOT_FOUND: MODEL_MISSING,
    Code.MODEL_NOT_HERE: MODEL_MISSING,
    Code.CONVERSATION_NOT_FOUND: MODEL_MISSING,
    Code.PRESET_NOT_FOUND: MODEL_MISSING,
    Code.OVERLOADED: OVERLOADED,
    Code.SUPERVISOR_UNREACHABLE: UNREACHABLE,
    Code.SUPERVISOR_LOST: UNREACHABLE,
    Code.SUPERVISOR_SILENT: UNREACHABLE,
    Code.CONFIG_INVALID: CONFIG,
}


def exit_code(code: str) -> int:
    """The exit code of a command that ended with the error `code`."""
    return _BY_CODE.get(code, FAILED)


def describe(failure: Failure) -> str:
    """The lines that tell a person about `failure`: what happened, the evidence, what to do."""
    lines = [f"error: {failure.message} [{failure.code}]"]
    lines += [f"  {line}" for line in failure.detail.splitlines()]
    if failure.hint:
        from ai_pal.cli.terminal.hints import on_command_line

        lines.append(f"hint: {on_command_line(failure.hint)}")
    return neutral("\n".join(lines))


def report(*failures: Failure, stream: TextIO | None = None) -> None:
    """Print each failure to stderr. A stderr that is gone is no further error."""
    target = stream or sys.stderr
    try:
        for failure in failures:
            print(wrapped(describe(failure), target), file=target, flush=True)
    except (OSError, ValueError):
        return
