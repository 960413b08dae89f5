"""Who follows an answer ends with what there is, whenever it began and however seldom it looked."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ai_pal.errors import Failure
from ai_pal.gateway.page.following import SILENT, Cursor
from ai_pal.gateway.page.markdown import block_parser
from ai_pal.gateway.page.shown import Shown, waiting
from ai_pal.protocol import client as wire

TEXTS = st.sampled_from(["a", "\n", "\n\n", "- x\n", "```py\n", "`", "# T\n", "$$", "|a|\n|-|\n", "word "])
KINDS = st.sampled_from(["text", "text", "reasoning", "tool_call"])
DELTAS = st.lists(st.tuples(KINDS, st.integers(0, 2), TEXTS, st.booleans()), max_size=30)


class Screen:
    """What a page has after all changes."""

    def __init__(self) -> None:
        self.pieces: dict[int, Any] = {}
        self.end: Any = None

    def take(self, changes: list[Any]) -> None:
        for kind, *said in changes:
            match kind:
                case "anew":
                    self.pieces = {}
                case "said":
                    self.pieces[said[0]] = [[], ""]
                case "block":
                    self.pieces[said[0]][0].append(said[1])
                case "open":
                    self.pieces[said[0]][1] = said[1]
                case "thought" | "seam":
                    self.pieces[said[0]] = "".join(said[1:])
                case "think":
                    self.pieces[said[0]] += said[1]
                case "call":
                    self.pieces[said[0]] = said[1:]
                case "end":
                    self.end = said[0]


def screen_of(shown: Shown) -> Screen:
    screen = Screen()
    screen.take(Cursor().news(shown))
    return screen


@settings(max_examples=60)
@given(DELTAS)
def test_it_does_not_matter_when_one_looks(deltas: list[Any]) -> None:
    shown, cursor, screen = Shown(block_parser()), Cursor(), Screen()
    for seq, (kind, index, text, looks) in enumerate(deltas):
        call = {"call": f"c{index}", "name": "tool"} if kind == "tool_call" else {}
        shown.take(wire.Delta(1, seq, 1, text, kind, index, **call), float(seq))
        if looks:
            screen.take(cursor.news(shown))
    shown.closed = ("end", {})
    screen.take(cursor.news(shown))
    late = screen_of(shown)
    assert screen.pieces == late.pieces
    assert screen.end == late.end == {}
    assert cursor.news(shown) == []


def test_another_who_answers_after_thoughts_begins_anew() -> None:
    shown, cursor, screen = Shown(block_parser()), Cursor(), Screen()
    shown.take(wire.Delta(1, 0, 1, "hm", "reasoning"), 0.0)
    screen.take(cursor.news(shown))
    shown.take(wire.Notice(1, "fallback", "it failed"), 1.0)
    shown.take(wire.Started(1, 3, "openai", "gpt", remote=True), 1.0)
    shown.take(wire.Delta(1, 1, 1, "yes"), 2.0)
    screen.take(cursor.news(shown))
    assert screen.pieces == {0: [[], "yes"]}
    assert shown.who is not None
    assert shown.who["left"]


def test_thoughts_are_over_when_something_else_comes() -> None:
    shown = Shown(block_parser())
    shown.take(wire.Delta(1, 0, 1, "hm", "reasoning"), 10.0)
    shown.take(wire.Delta(1, 1, 1, "yes", index=1), 13.0)
    assert ("thought-for", 0, 3.0) in Cursor().news(shown)
    assert shown.thought == 3.0


def test_what_is_answered_and_where_it_is_kept_is_told_when_it_is_another() -> None:
    shown, cursor = Shown(block_parser()), Cursor()
    shown.asked = {"at": 0, "conversation": 0}
    assert ("asked", {"at": 0, "conversation": 0}) in cursor.news(shown)
    assert cursor.news(shown) == []
    shown.asked = {"at": 0, "conversation": 7}
    assert cursor.news(shown) == [("asked", {"at": 0, "conversation": 7})]


def test_a_supervisor_that_does_not_answer_is_said_and_so_is_that_it_does_again() -> None:
    shown, cursor = Shown(block_parser()), Cursor()
    shown.take(wire.Loading(1, "phi", 0.5), 0.0)
    cursor.news(shown)
    shown.silent = True
    assert cursor.news(shown) == [("wait", SILENT)]
    shown.silent = False
    assert cursor.news(shown) == [("wait", {"text": "loading phi", "share": 0.5})]


def test_what_an_answer_waits_for_is_said() -> None:
    events: list[tuple[wire.AnyEvent, str]] = [
        (wire.Queued(1, 3), "in the queue, 2 requests before this one"),
        (wire.Queued(1, 1), "next"),
        (wire.Loading(1, "phi", 0.5), "loading phi"),
        (wire.Loading(1, "phi", 0.0, "memory is short"), "loading phi: memory is short"),
        (wire.Pulling(1, "phi", 1, 2_000_000_000), "downloading phi of 2.0 GB"),
        (wire.Reading(1, "phi", 1000, 4000), "reading the prompt, 1,000 of 4,000 tokens"),
    ]
    assert [(waiting(event) or {})["text"] for event, _ in events] == [text for _, text in events]


def test_the_end_takes_what_it_waited_for_away() -> None:
    shown, cursor = Shown(block_parser()), Cursor()
    cursor.news(shown)
    shown.take(wire.Failed(1, [Failure("internal", "no", "")]), 0.0)
    assert cursor.news(shown) == [("wait", None)]


def test_another_answer_stands_below_why_it_was_asked() -> None:
    shown, cursor, screen = Shown(block_parser()), Cursor(), Screen()
    shown.take(wire.Delta(1, 0, 1, "a draft"), 0.0)
    shown.take(wire.Notice(1, "seam", "phi was unsure (0.81) -> openai:gpt"), 1.0)
    shown.take(wire.Started(1, 3, "openai", "gpt", remote=True), 1.0)
    screen.take(cursor.news(shown))
    shown.take(wire.Delta(1, 1, 1, "better", index=1), 2.0)
    screen.take(cursor.news(shown))
    assert screen.pieces == {0: [[], "a draft"], 1: "phi was unsure (0.81) -> openai:gpt", 2: [[], "better"]}
    assert shown.parts.text == "better"
    assert shown.notices == []


def test_what_was_only_thought_leaves_why_another_was_asked() -> None:
    shown = Shown(block_parser())
    shown.take(wire.Delta(1, 0, 1, "hm", "reasoning"), 0.0)
    shown.take(wire.Notice(1, "seam", "phi was unsure (0.81) -> openai:gpt"), 1.0)
    shown.take(wire.Started(1, 3, "openai", "gpt", remote=True), 1.0)
    assert (shown.pieces, shown.notices) == ([], ["phi was unsure (0.81) -> openai:gpt"])


def test_a_doubt_is_said_once_and_below_the_answer() -> None:
    shown = Shown(block_parser())
    shown.take(wire.Delta(1, 0, 1, "yes"), 0.0)
    shown.take(wire.Notice(1, "unsure", "phi was unsure (0.81); openai:gpt could be asked"), 1.0)
    assert shown.unsure == "phi was unsure (0.81); openai:gpt could be asked"
    assert shown.notices == []
