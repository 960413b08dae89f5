"""Our transformers engine with several requests at once, and with the turns of one conversation."""

from collections.abc import Iterator

from ai_pal.protocol.content import Message
from scripts.benchmarks.children import Child
from scripts.benchmarks.conversing import ask
from scripts.benchmarks.figures import Row, alternate, of_medians
from scripts.benchmarks.hf_engines import library, ours
from scripts.benchmarks.streams import fresh

TOGETHER, TURNS, TOKENS, TURN_TOKENS = 8, 10, 48, 16
FEWER = 4
"""A round of eight takes half a minute: a part of the pairs is enough."""


def together(pairs: int) -> Iterator[Row]:
    """Eight at once against one after the other, and against the library's own batching."""
    rounds = max(1, pairs // FEWER)
    with ours() as mine:

        def seconds(number: int, part: str, at_once: bool) -> float:
            return ask(mine, _eight(number, part), TOKENS, at_once).seconds

        seconds(0, "warm", True)
        one_by_one, at_once = alternate(
            rounds, lambda n: seconds(n, "one", False), lambda n: seconds(n, "all", True)
        )
        yield of_medians("8 requests one by one / together, seconds", one_by_one, at_once, at_least=3)
        with library(mine) as theirs:  # last: it does not rest in between
            ask(theirs, _eight(0, "warm"), TOKENS, together=True)
            my_own, their_own = alternate(
                rounds,
                lambda n: seconds(n, "mine", True),
                lambda n: ask(theirs, _eight(n, "theirs"), TOKENS, together=True).seconds,
            )
    yield of_medians("  transformers' continuous batching / ours, seconds", their_own, my_own)


def turns(pairs: int) -> Iterator[Row]:
    """The first token of the tenth turn against that of the first."""
    with ours() as mine:
        firsts = [_firsts(mine, number) for number in range(-1, pairs)][1:]
    yield of_medians(
        f"first token of turn {TURNS} / turn 1",
        [one[-1] for one in firsts],
        [one[0] for one in firsts],
        at_most=1.3,
    )


def _eight(number: int, part: str) -> list[list[Message]]:
    return [fresh(number * TOGETHER + index, part) for index in range(TOGETHER)]


def _firsts(engine: Child, number: int) -> list[float]:
    """Seconds to the first token of each turn; all questions have the same length."""
    messages, *_ = fresh(number, "turns")
    conversation, firsts = [messages], []
    for turn in range(TURNS):
        question = f"Tell me about the sea, its ships and its harbours, in the year {1700 + turn}."
        conversation.append(Message("user", question))
        told = ask(engine, [conversation], TURN_TOKENS)
        conversation.append(Message("assistant", told.texts[0]))
        firsts.append(told.streams[0].first)
    return firsts
