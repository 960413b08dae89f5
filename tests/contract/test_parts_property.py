"""A property of every adapter: whatever is thought, said and called, in whatever order and pieces, comes out
as just those parts. Real egress process, real SDKs, real sockets."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_pal.protocol import egress as out
from ai_pal.protocol.provider import Api
from tests.contract.bodies import Bodies, Body, bodies_of
from tests.contract.providers import APIS
from tests.egress_driver import Answer, EgressDriver
from tests.servers import forms

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
ARGUMENTS = st.dictionaries(TEXTS, st.integers() | TEXTS, max_size=2)


class Case(msgspec.Struct):
    """What is sent, and the parts that it is: kind and text, or name and arguments."""

    sent: bytes
    parts: list[tuple[str, Any]]


def _case(data: st.DataObject, api: Api) -> Case:
    made, parts = forms.begun(api, 5), list[tuple[str, Any]]()
    for place in range(data.draw(st.integers(1, 5))):
        kind = data.draw(st.sampled_from(["reasoning", "text", "call"]))
        if kind == "call":
            name, arguments = data.draw(st.sampled_from(["f", "g"])), data.draw(ARGUMENTS)
            written = json.dumps(arguments)
            at = data.draw(st.integers(1, len(written) - 1))
            made += forms.called(api, place, name, [written[:at], written[at:]])
            parts.append((name, arguments))
            continue
        text = data.draw(TEXTS)
        made += forms.thought(api, text) if kind == "reasoning" else forms.said(api, text)
        if parts and parts[-1][0] == kind:
            text = parts.pop()[1] + text
        parts.append((kind, text))
    return Case(forms.written(api, [*made, *forms.ended(api, "stop", 5, 7)]), parts)


def _check(case: Case, answer: Answer) -> None:
    heard = [
        (part.name, json.loads(part.text)) if part.kind == "tool_call" else (part.kind, part.text)
        for part in answer.parts.values()
    ]
    assert heard == case.parts
    if all(kind == "reasoning" for kind, _ in case.parts):
        assert isinstance(answer.end, out.CompletionFailed)
        return
    called = any(part.kind == "tool_call" for part in answer.parts.values())
    assert answer.done.finish_reason == ("tool_calls" if called else "stop")


@pytest.fixture(scope="module", params=APIS)
def server(request: pytest.FixtureRequest) -> Iterator[Bodies]:
    with bodies_of(request.param) as bodies:
        yield bodies


@pytest.mark.timeout(300)
@given(st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_parts_of_an_answer_are_those_that_were_sent(
    egress: EgressDriver, server: Bodies, data: st.DataObject
) -> None:
    cases = {str(number): _case(data, server.api) for number in range(4)}
    for name, answer in server.ask_all(egress, {name: Body([case.sent]) for name, case in cases.items()}):
        _check(cases[name], answer)
