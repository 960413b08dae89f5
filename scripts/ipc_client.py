#!/usr/bin/env python
"""Talk to AI-PAL from a script: the blocking and the async client, each in a few lines.

.venv/bin/python scripts/ipc_client.py "What is the capital of France?"          one answer, streamed
.venv/bin/python scripts/ipc_client.py --async "Name a fruit." "Name a city."    several at once
"""

import argparse
import asyncio
import sys

from ai_pal.client import AsyncClient
from ai_pal.client.daemon import connect
from ai_pal.config import load_settings
from ai_pal.errors import AiPalError
from ai_pal.protocol.client import Delta, Done, Failed, Interrupted


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("prompt", nargs="+")
    parser.add_argument("--async", dest="at_once", action="store_true", help="ask all prompts at once")
    parser.add_argument("--model", default="", help="default: the one in the settings")
    arguments = parser.parse_args()
    try:
        with connect(load_settings().settings) as client:  # finds the supervisor, or starts one
            if arguments.at_once:
                asyncio.run(ask_all(client.endpoint, arguments.prompt, arguments.model))
                return
            for event in client.chat(" ".join(arguments.prompt), model=arguments.model):
                match event:
                    case Delta():
                        print(event.text, end="", flush=True)
                    case Done():
                        speed = event.timings.tokens_per_second
                        print(f"\n({event.usage.completion_tokens} tokens, {speed:.0f} a second)")
                    case Failed(reasons=[*_, reason]) | Interrupted(reason=reason):
                        raise AiPalError(reason)
    except AiPalError as error:
        sys.exit(f"error: {error} [{error.code}]\nhint: {error.failure.hint}")


async def ask_all(endpoint: str, prompts: list[str], model: str) -> None:
    """One connection, all answers at once; each is printed when it is whole."""
    async with AsyncClient(endpoint) as client, asyncio.TaskGroup() as tasks:

        async def ask(prompt: str) -> None:
            answer = await client.ask(prompt, model=model)
            print(f"{prompt} -> {answer.text}")

        for prompt in prompts:
            tasks.create_task(ask(prompt))


if __name__ == "__main__":
    main()
