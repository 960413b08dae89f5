"""Becomes vLLM on one of several nodes: `python -P -m workers.rank`, with the arguments of a worker,
`--rank N` and what is loaded (`--load`, as JSON). The first answers at `--socket`; nobody speaks to the
others."""

import os
import signal
import sys

import msgspec

from ai_pal.errors import AiPalError
from ai_pal.protocol.worker import EXIT_NEVER, LoadModel
from ai_pal.transport import parent_death
from workers.engines.vllm import command as vllm_command
from workers.log import SERVING, log


def main(argv: list[str]) -> int:
    """Returns the exit code where there is no vLLM."""
    arguments = dict(zip(argv[::2], argv[1::2], strict=False))
    parent_death.follow(int(arguments["--parent"]))  # that stays so
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the client's
    spec, rank = msgspec.json.decode(arguments["--load"], type=LoadModel), int(arguments["--rank"])
    try:
        program = vllm_command.program()
    except AiPalError as error:
        log("error", "there is no vLLM", reason=error.failure.message)
        return EXIT_NEVER
    if rank:  # it may quote tokens of what is asked, and nobody tells it when that begins
        log("debug", SERVING, model=spec.model)
    words = vllm_command.arguments(spec, rank, arguments.get("--socket", ""))
    environment = os.environ | vllm_command.environment(spec, rank)
    os.execve(program, [program, *words], environment)  # noqa: S606 - nothing a shell would be for
    raise AssertionError(program)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    os._exit(code)
