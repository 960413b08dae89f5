"""Count the answers of a small model that run into their limit saying the same over and over.

Each line is one way to sample: everyday prompts, seeded, and `--rounds` times questions whose answers are
known, to see what a cure costs.
"""

import argparse
import asyncio
import random
import time
import zlib
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.client import Answer, AsyncClient
from ai_pal.protocol.options import GenerationOptions
from scripts.benchmarks.known_answers import PARIS, QUESTIONS, is_right
from scripts.benchmarks.supervisors import supervisor
from scripts.complexity import everyday

SLOTS = 6
END, LOOP = 1200, 0.2
"""A text repeats itself where its last so many characters can be packed into this share of them: prose takes
half, a list of like lines a third."""
KNOWN_TOKENS = 200
BEFORE, AFTER = '{"stop_repeating": false}', "{}"

EXAMPLES = """
examples:
  scripts/repeats                                  the starter without and with its stop: an hour on two cores
  scripts/repeats --prompts 24 --rounds 1 --show   a first look, with the ends of what ran into the limit
  scripts/repeats '{"repeat_penalty": 1.1}'        another way to sample
"""


class Found(msgspec.Struct):
    """What one way to sample gave: `limited` answers ran into their limit, `repeating` of them by saying the
    same, `stopped` ones were stopped for it; `right` of the `asked` known answers."""

    prompts: int = 0
    limited: int = 0
    repeating: int = 0
    stopped: int = 0
    tokens: int = 0
    right: int = 0
    asked: int = 0
    paris: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.limited} of {self.prompts} ran into the limit, {self.repeating} of them repeating; "
            f"{self.stopped} stopped; {self.tokens / max(self.prompts, 1):.0f} tokens an answer; "
            f"{self.right} of {self.asked} known answers, Paris {self.paris} times; {self.seconds:.0f} s"
        )


def repeats(text: str) -> bool:
    """Whether a text ends in saying the same over and over."""
    end = text[-END:].encode()
    return len(end) >= END // 4 and len(zlib.compress(end, 9)) < LOOP * len(end)


def prompts(count: int, seed: int) -> list[str]:
    """Everyday prompts in an order of the seed's: English ones first, which is what the starter knows."""
    rows = everyday.load()
    random.Random(seed).shuffle(rows)  # noqa: S311 - a sample
    rows.sort(key=lambda row: row.language != "en")
    return [row.prompt for row in rows[:count]]


class Asker:
    """Asks in one way, a few questions at a time; prompt N has the seed `seed` + N."""

    def __init__(self, client: AsyncClient, model: str, way: dict[str, Any]) -> None:
        named = {key: way.pop(key) for key in ("temperature", "top_p", "max_tokens") if key in way}
        self._client, self._model, self._options = client, model, GenerationOptions(**named, extra=way)
        self._together = asyncio.Semaphore(SLOTS)

    async def ask(self, prompt: str, seed: int, max_tokens: int | None = None) -> Answer:
        limit = max_tokens or self._options.max_tokens
        options = msgspec.structs.replace(self._options, seed=seed, max_tokens=limit)
        async with self._together:
            return await self._client.ask(prompt, model=self._model, options=options)


async def measure(endpoint: str, way: dict[str, Any], arguments: argparse.Namespace) -> Found:
    """One line of the result."""
    found, begun, seed = Found(), time.monotonic(), arguments.seed

    async def tell(prompt: str, number: int) -> None:
        answer = await asker.ask(prompt, seed + number)
        limited, repeating = answer.finish_reason == "length", repeats(answer.text)
        found.prompts += 1
        found.tokens += answer.usage.completion_tokens
        found.limited += limited
        found.repeating += limited and repeating
        found.stopped += any(notice.kind == "repeats" for notice in answer.notices)
        if arguments.show and limited:
            print(f"  {'repeats' if repeating else 'long'}: {prompt[:60]!r} ... {answer.text[-160:]!r}")
        if arguments.keep is not None:
            line = {"prompt": prompt, "finish_reason": answer.finish_reason, "text": answer.text}
            with arguments.keep.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")

    async def know(question: str, seed: int) -> None:
        right = is_right(question, (await asker.ask(question, seed, KNOWN_TOKENS)).text)
        found.asked += 1
        found.right += right
        found.paris += right and question == PARIS

    async with AsyncClient(endpoint) as client:
        asker = Asker(client, arguments.model, way)
        listed = prompts(arguments.prompts, seed)
        await asyncio.gather(*(tell(prompt, number) for number, prompt in enumerate(listed)))
        rounds = range(seed, seed + arguments.rounds)
        await asyncio.gather(*(know(question, number) for number in rounds for question in QUESTIONS))
    found.seconds = time.monotonic() - begun
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/repeats",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default=f"smollm2?slots={SLOTS}", help="default: %(default)s")
    parser.add_argument("--prompts", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="of known answers; default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--show", action="store_true", help="print the ends of what ran into the limit")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="append each answer as a line of JSON")
    parser.add_argument(
        "ways", nargs="*", metavar="JSON", default=[BEFORE, AFTER], help="options of a request"
    )
    arguments = parser.parse_args()
    for text in arguments.ways:
        with supervisor() as running:
            found = asyncio.run(measure(running.endpoint, msgspec.json.decode(text), arguments))
        print(f"{text}: {found}", flush=True)


if __name__ == "__main__":
    main()
