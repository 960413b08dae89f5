"""What the numbers of one answer come to."""

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.doubt import FIRST_TOKENS, Doubt
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from ai_pal.protocol.worker import Generate
from workers.watching import Watching, json_wanted


def test_numbers_wait_until_they_are_taken() -> None:
    watching = Watching()
    watching.see([1.0, 2.0], [-0.5, -0.1])
    watching.see([3.0], [-0.3])
    assert watching.take() == ([1.0, 2.0, 3.0], [-0.5, -0.1, -0.3])
    assert watching.take() == ([], [])


def test_the_doubt_is_the_mean_logprob_and_the_entropy_of_the_beginning() -> None:
    watching = Watching()
    for _ in range(FIRST_TOKENS):
        watching.see([2.0], [-1.0])
    watching.see([100.0] * 8, [-1.0] * 8)
    watching.hear("text", "All is well.")
    assert watching.take() == ([2.0] * FIRST_TOKENS, [-1.0] * FIRST_TOKENS), "others need not leave"
    doubt = watching.doubt("stop")
    assert (doubt.tokens, doubt.logprob, doubt.entropy) == (FIRST_TOKENS + 8, -1.0, 2.0)
    assert doubt.flaws == []


def test_without_numbers_flaws_are_found_all_the_same() -> None:
    watching = Watching()
    watching.hear("reasoning", "I think.")
    assert watching.doubt("length") == Doubt(flaws=["nothing_said", "cut_off"])
    watching.hear("tool_call", "{}")
    assert Watching().doubt("stop") == Doubt(flaws=["nothing_said"])
    assert watching.doubt("stop").flaws == []


@pytest.mark.parametrize(
    ("said", "options", "wanted"),
    [
        ("Give me JSON with a name.", GenerationOptions(), True),
        ("Give me a name.", GenerationOptions(response_format=JsonSchema({})), True),
        ("Give me a name.", GenerationOptions(), False),
    ],
)
def test_json_is_wanted_where_it_is_asked_for(said: str, options: GenerationOptions, wanted: bool) -> None:
    assert json_wanted(Generate(1, [Message("user", said)], options)) is wanted
