"""What is kept of an answer while it comes, when it is over, and where there is none."""

from ai_pal.conversations.model import Conversation
from ai_pal.errors import Code, Failure
from ai_pal.gateway.page.kept_turn import add_turn
from ai_pal.gateway.page.markdown import block_parser
from ai_pal.gateway.page.shown import Shown
from ai_pal.protocol import client as wire


def begun(*events: wire.AnyEvent) -> tuple[Conversation, Shown]:
    conversation, shown = Conversation(), Shown(block_parser())
    conversation.ask("why?")
    for event in (wire.Started(1, 1, "local", "phi"), *events):
        shown.take(event, 0.0)
    return conversation, shown


def test_while_it_comes_it_is_kept_with_who_writes_it() -> None:
    conversation, shown = begun(wire.Delta(1, 0, 1, "because"))
    assert add_turn(conversation, shown, written_by="7 1.00")
    (turn,) = conversation.turns
    assert (turn.answer, turn.interrupted, turn.figures.written_by) == ("because", True, "7 1.00")


def test_when_it_is_over_its_doubt_is_kept_and_nobody_writes() -> None:
    unsure = wire.Notice(1, "unsure", "phi was unsure (0.81)")
    conversation, shown = begun(wire.Delta(1, 0, 1, "because"), unsure, wire.Done(1, doubt=0.81))
    assert add_turn(conversation, shown, 4096)
    (turn,) = conversation.turns
    took = turn.figures
    assert (turn.interrupted, took.doubt, took.unsure) == (False, 0.81, "phi was unsure (0.81)")
    assert (took.window, took.written_by) == (4096, "")


def test_a_draft_before_a_seam_is_not_kept() -> None:
    seam = wire.Notice(1, "seam", "phi was unsure (0.81) -> openai:gpt")
    other = (wire.Started(1, 3, "openai", "gpt", remote=True), wire.Delta(1, 1, 1, "better", index=1))
    conversation, shown = begun(wire.Delta(1, 0, 1, "draft"), seam, *other, wire.Done(1, doubt=0.81))
    add_turn(conversation, shown)
    assert [(turn.answer, turn.model, turn.remote) for turn in conversation.turns] == [
        ("better", "gpt", True)
    ]


def test_nothing_is_kept_of_none() -> None:
    for events in (
        [wire.Failed(1, [Failure(Code.INTERNAL, "no")])],
        [wire.Delta(1, 0, 1, "hm", "reasoning")],
    ):
        conversation, shown = begun(*events)
        assert not add_turn(conversation, shown)
