"""Harmony: the messages of an answer, however its text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.engines.channels import MARKS, Channels
from workers.engines.transformers.parts.call_forms import HARMONY
from workers.engines.transformers.parts.parts import Parts

Told = list[tuple[str, str]]
THOUGHT = "<|channel|>analysis<|message|>I think.<|end|><|start|>assistant"
CALL = '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a": 1}'


def told(pieces: list[str], *, calls: bool = True, begun: bool = False) -> Told:
    """The parts of a text that comes in these pieces, calls by their names."""
    parts = Parts(Channels(calls=calls, begun=begun), HARMONY if calls else None)
    found: dict[int, list[str]] = {}
    for made in [*map(parts.feed, pieces), parts.end()]:
        for part, text in made:
            found.setdefault(part.place, [part.name or part.kind, ""])[1] += text
    return [(kind, text) for _, (kind, text) in sorted(found.items())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{THOUGHT}<|channel|>final<|message|>Yes.", [("reasoning", "I think."), ("text", "Yes.")]),
        (f"{THOUGHT}{CALL}", [("reasoning", "I think."), ("f", '{"a": 1}')]),
        ('<|channel|>analysis to=functions.f<|message|>{"a": 1}<|call|>', [("f", '{"a": 1}')]),
        (' to=functions.f<|channel|>commentary json<|message|>{"a": 1}<|call|>', [("f", '{"a": 1}')]),
        (
            "<|channel|>commentary<|message|>I look.<|end|><|start|>assistant" + CALL,
            [("text", "I look."), ("f", '{"a": 1}')],
        ),
        (
            f"{THOUGHT}{THOUGHT}<|channel|>final<|message|>Yes",
            [("reasoning", "I think.I think."), ("text", "Yes")],
        ),
        ("<|channel|>commentary<|channel|>analysis<|message|>hm<|end|>", [("reasoning", "hm")]),
        ("<|channel|>final <|constrain|>json<|message|>{}<|return|>", [("text", "{}")]),
        ("<|channel|>commentary to=python code<|message|>1 + 1<|call|>", []),
        (f"<|channel|>{'long ' * 60}", [("text", "long " * 60)]),
        ("plain text", [("text", "plain text")]),
        ("{}", [("text", "{}")]),
        (f"{THOUGHT}!final:Hello <", [("reasoning", "I think."), ("text", "!final:Hello <")]),
        ("<|channel|>analysis<|message|>cut <|en", [("reasoning", "cut <|en")]),
        ("<|channel|>fin", []),
    ],
)
def test_messages_come_apart_by_their_channels(text: str, expected: Told) -> None:
    assert told([text]) == expected
    assert told(list(text)) == expected


def test_a_call_that_nobody_asked_for_is_left_out() -> None:
    assert told([THOUGHT + CALL], calls=False) == [("reasoning", "I think.")]


def test_an_answer_that_was_begun_goes_on() -> None:
    assert told(["The", " end<|return|>"], begun=True) == [("text", "The end")]


@given(
    st.lists(
        st.sampled_from([*MARKS, "assistant", "analysis", "final", " to=functions.f", "a b", "<", "{}"]),
        max_size=12,
    )
)
def test_no_mark_of_a_message_is_ever_told_and_no_cut_matters(pieces: list[str]) -> None:
    whole = told(["".join(pieces)])
    assert told(list("".join(pieces))) == whole == told(pieces)
    assert not any(
        mark in text for _, text in whole for mark in ("<|end|>", "<|call|>", "<|return|>", "<|start|>")
    )
