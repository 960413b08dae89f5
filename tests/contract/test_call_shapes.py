"""A call of a tool is that call, whatever else a server writes around it: the corpus of shapes that think and
call, through every adapter and its real SDK."""

import pytest

from ai_pal.errors import Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.provider import Api
from tests.contract.bodies import Body, bodies_of
from tests.contract.providers import APIS
from tests.egress_driver import Answer, EgressDriver
from tests.servers.call_shapes import ARGUMENTS, NAME, THOUGHT, CallShape, call_corpus

CALL = (NAME, "".join(ARGUMENTS))
AS_SENT = {CALL, (NAME, '{"city": "Rome"}')}
UNDERSTOOD = {Code.STREAM_BROKEN, Code.EMPTY_ANSWER, Code.PROVIDER_REFUSED, Code.PROVIDER_ERROR}


def _wrong(shape: CallShape, answer: Answer) -> str:
    """What is wrong with the answer to a shape, or nothing."""
    if shape.thought and THOUGHT not in answer.reasoning:
        return f"thought {answer.reasoning!r}, {answer.end}"
    if isinstance(answer.end, out.CompletionFailed):
        failure = answer.end.failure
        fine = failure.code in UNDERSTOOD and not (shape.told and shape.ends)
        return "" if fine else f"{failure}"
    if shape.told and not (len(answer.calls) == 1 and answer.calls[0] in AS_SENT):
        return f"called {answer.calls}"
    expected = "tool_calls" if answer.calls else "stop"
    return "" if answer.done.finish_reason == expected else f"{answer.end}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("api", APIS)
def test_a_field_that_is_something_else_costs_no_call(egress: EgressDriver, api: Api) -> None:
    shapes = {str(number): shape for number, shape in enumerate(call_corpus(api))}
    bodies = {number: Body([shape.body(api)]) for number, shape in shapes.items()}
    assert len(shapes) > 80
    with bodies_of(api) as server:
        wrong = [
            f"{shapes[number].label}: {told}"
            for number, answer in server.ask_all(egress, bodies)
            if (told := _wrong(shapes[number], answer))
        ]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(shapes)}", *wrong[:40]])
