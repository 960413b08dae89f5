"""Calls of tools out of what servers send of them."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.egress.calls import Arguments, Begun, Calls, Nameless
from ai_pal.egress.providers.answers.pieces import CallPiece as P


def put_together(*pieces: P, cut: bool = False) -> list[tuple[str, str, str]]:
    """Ids, names and arguments of the calls."""
    numbers = itertools.count(1)
    calls, found = Calls(lambda: f"made_{next(numbers)}"), dict[int, tuple[str, str, str]]()
    told = [event for piece in pieces for event in calls.take(piece)]
    for event in [*told, *calls.close(cut=cut)]:
        match event:
            case Begun(number, id_, name):
                assert number not in found
                found[number] = (id_, name, "")
            case Arguments(number, text):
                assert text
                id_, name, before = found[number]
                found[number] = (id_, name, before + text)
    return list(found.values())


WHOLE = '{"city": "Rome"}'
FIRST, SECOND = WHOLE[:7], WHOLE[7:]


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        ([P(0, "a", "f", ""), P(0, "", "", FIRST), P(0, "", "", SECOND)], [("a", "f", WHOLE)]),
        ([P(0, "a", "f", FIRST), P(0, "a", "f", SECOND)], [("a", "f", WHOLE)]),
        ([P(None, "a", "f", FIRST), P(None, "", "", SECOND)], [("a", "f", WHOLE)]),
        ([P(None, "a", "f", FIRST), P(None, "", "f", SECOND)], [("a", "f", WHOLE)]),
        ([P(0, "", "f", FIRST), P(0, "", "f", SECOND)], [("made_1", "f", WHOLE)]),
        ([P(0, "a", "f", FIRST), P(0, "b", "", SECOND)], [("a", "f", WHOLE)]),
        ([P(0, "a", "", FIRST), P(0, "", "f", SECOND)], [("a", "f", WHOLE)]),
        ([P(None, "", "f", {"a": 1})], [("made_1", "f", '{"a": 1}')]),
        (
            [P(None, "", "f", {"a": 1}), P(None, "", "f", {"a": 2})],
            [("made_1", "f", '{"a": 1}'), ("made_2", "f", '{"a": 2}')],
        ),
        ([P(0, "a", "f", {"a": 1}), P(0, "", "", '{"a": 1}')], [("a", "f", '{"a": 1}')]),
        ([P(0, "a", "f", None)], [("a", "f", "{}")]),
        ([P(0, "a", "f", "")], [("a", "f", "{}")]),
        ([P(0, "a", "f", "nu"), P(0, "", "", "ll")], [("a", "f", "{}")]),
        ([P(0, "a", "f", {})], [("a", "f", "{}")]),
        ([P(0, "a", "f", WHOLE), P(0, "b", "g", WHOLE)], [("a", "f", WHOLE), ("b", "g", WHOLE)]),
        ([P(0, "a", "f", WHOLE), P(0, "b", "f", WHOLE)], [("a", "f", WHOLE), ("b", "f", WHOLE)]),
        ([P(0, "a", "f", WHOLE), P(1, "a", "f", WHOLE)], [("a", "f", WHOLE), ("made_1", "f", WHOLE)]),
        ([P(None, "a", "f", ""), P(None, "b", "g", "")], [("a", "f", "{}"), ("b", "g", "{}")]),
        ([P(None, "", "f", ""), P(None, "", "g", "")], [("made_1", "f", "{}"), ("made_2", "g", "{}")]),
        ([P(7, "a", "f", FIRST), P(0, "", "", SECOND)], [("a", "f", WHOLE)]),
        (
            [P(0, "a", "f", FIRST), P(1, "b", "g", FIRST), P(0, "", "", SECOND), P(1, "", "", SECOND)],
            [("a", "f", WHOLE), ("b", "g", WHOLE)],
        ),
    ],
)
def test_what_servers_send_is_put_together(pieces: list[P], calls: list[tuple[str, str, str]]) -> None:
    assert put_together(*pieces) == calls


def test_a_call_without_a_name_is_none() -> None:
    with pytest.raises(Nameless):
        put_together(P(0, "a", "", WHOLE))


def test_a_call_that_the_limit_has_cut_is_told_as_it_is() -> None:
    assert put_together(P(0, "a", "f", FIRST), cut=True) == [("a", "f", FIRST)]
    assert put_together(P(0, "a", "f", ""), cut=True) == [("a", "f", "")]
    assert put_together(P(0, "a", "", FIRST), cut=True) == []


ARGUMENTS = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5), max_size=3)


@given(st.data())
def test_whatever_the_habits_of_a_server_the_calls_are_those_that_it_made(data: st.DataObject) -> None:
    made: list[tuple[str, dict[str, Any]]] = data.draw(
        st.lists(st.tuples(st.sampled_from("fgh"), ARGUMENTS), min_size=1, max_size=4)
    )
    places, ids, repeats = data.draw(st.booleans()), data.draw(st.booleans()), data.draw(st.booleans())
    if not (places or ids):  # then nothing but the arguments tells one from the next
        made = [(name, arguments or {"x": 1}) for name, arguments in made]
    queues: list[list[P]] = []
    for number, (name, arguments) in enumerate(made):
        place, told = number if places else None, f"id{number}" if ids else ""
        if data.draw(st.booleans()) and arguments:
            queues.append([P(place, told, name, arguments)])
            continue
        written = json.dumps(arguments)
        cuts = sorted(data.draw(st.lists(st.integers(1, len(written) - 1), max_size=2, unique=True)))
        texts = [written[a:b] for a, b in itertools.pairwise([0, *cuts, len(written)])]
        first = P(place, told, name, texts[0])
        more = [P(place, told if repeats else "", name if repeats else "", text) for text in texts[1:]]
        queues.append([first, *more])
    pieces: list[P] = []
    begun: list[list[P]] = []
    while any(begun) or queues:  # with places, calls grow side by side
        if queues and (not any(begun) or (places and data.draw(st.booleans()))):
            begun.append(queues.pop(0))
            pieces.append(begun[-1].pop(0))
            continue
        growing = data.draw(st.sampled_from([queue for queue in begun if queue]))
        pieces.append(growing.pop(0))
    found = put_together(*pieces)
    assert [(name, json.loads(text)) for _, name, text in found] == made
    assert len({id_ for id_, _, _ in found}) == len(made)
