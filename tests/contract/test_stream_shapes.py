"""Optional is optional: the corpus of stream shapes through every adapter and its real SDK. Whatever field is
null, absent or another thing, the text that a server said is the answer."""

import pytest

from ai_pal.errors import Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.provider import Api
from ai_pal.protocol.usage import Usage
from tests.contract.bodies import Body, bodies_of
from tests.contract.providers import APIS
from tests.egress_driver import Answer, EgressDriver
from tests.servers.shapes import ABSENT, ENDINGS, OTHERS, USED, Shape, corpus

USAGE = Usage(USED[0], 0, USED[1])


def _wrong(shape: Shape, answer: Answer) -> str:
    """What is wrong with the answer to a shape, or nothing."""
    if answer.text not in shape.texts:
        return f"said {answer.text!r}, {answer.end}"
    if isinstance(answer.end, out.CompletionDone):
        right = answer.end.finish_reason == "stop" and (not shape.figures or answer.end.usage == USAGE)
        return "" if right else f"{answer.end}"
    return "" if not shape.ends and answer.failed.failure.code == Code.STREAM_BROKEN else f"{answer.end}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("api", APIS)
def test_a_field_that_is_something_else_costs_nothing_else(
    egress: EgressDriver, api: Api, ending: str
) -> None:
    others = OTHERS if ending == "LF" else (None, ABSENT, 7)
    shapes = {str(number): shape for number, shape in enumerate(corpus(api, others))}
    bodies = {number: Body([shape.body(api, ENDINGS[ending])]) for number, shape in shapes.items()}
    assert len(shapes) > 80
    with bodies_of(api) as server:
        wrong = [
            f"{shapes[number].label}: {told}"
            for number, answer in server.ask_all(egress, bodies)
            if (told := _wrong(shapes[number], answer))
        ]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(shapes)}", *wrong[:40]])
