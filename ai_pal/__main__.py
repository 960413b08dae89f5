"""The `ai-pal` command. `--version` is answered before anything heavier is imported."""

import atexit
import gc
import sys

from ai_pal import __version__

CTRL_C = 130
"""The exit code, as `ai_pal.cli.terminal.failures` has it, which is not imported yet."""

OBJECTS = 10_000
"""New ones before garbage is looked for. Imports make hardly any, and to look each 700 costs a one-shot some
4 % of its time."""


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments in (["--version"], ["-V"]):
        print(f"ai-pal {__version__}")
        return 0
    if sys.platform == "win32":
        print("error: Windows is not supported [unsupported_platform]", file=sys.stderr)
        print("hint: run ai-pal inside WSL 2, where it is a Linux program", file=sys.stderr)
        return 1
    gc.set_threshold(OBJECTS)
    atexit.register(gc.freeze)  # a last look through all memory takes a one-shot a tenth of its time
    try:
        from ai_pal.interrupts import after_imports

        with after_imports():
            from ai_pal.cli import run

            return run(arguments)
    except (Exception, KeyboardInterrupt) as error:  # before there is a command that could take it
        if _is_ctrl_c(error):
            return CTRL_C
        raise


def _is_ctrl_c(error: BaseException | None) -> bool:
    """Whether it is a `KeyboardInterrupt`, or came of one: argparse cannot tidy up after one, and fails."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


if __name__ == "__main__":
    sys.exit(main())
