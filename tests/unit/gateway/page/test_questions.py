"""What the page asks becomes a request: of whom, and as far from this machine as was said."""

from typing import Any

import msgspec
import pytest

from ai_pal.config import Settings
from ai_pal.config.presets import Preset
from ai_pal.conversations.model import Conversation
from ai_pal.gateway.page import questions
from ai_pal.gateway.page.lists import Change
from ai_pal.gateway.page.page import Opinion
from ai_pal.gateway.wire.bodies import BodyError, decoded


def request(preset: Preset | None = None, **said: Any) -> Any:
    """How this is asked."""
    asked = questions.read(msgspec.json.encode({"prompt": "why?", **said}))
    conversation = Conversation()
    place = questions.place_in(conversation, asked, ())
    return questions.request(conversation, place, asked, preset or Preset(), Settings())[1]


def test_stronger_names_no_model_and_widens_nothing() -> None:
    how = request(Preset(model="phi-2"), model="echo", stronger=True, local_only=True)
    assert (how["model"], how["escalate"], how["local_only"]) == ("", "stronger", True)
    plain = request(Preset(model="phi-2"))
    assert plain["model"] == "phi-2"
    assert "escalate" not in plain


def test_what_is_no_question_is_refused() -> None:
    for body in ({"prompt": " "}, {"prompt": "x", "how": "again"}, {"prompt": "x", "strong": True}):
        with pytest.raises(BodyError):
            questions.read(msgspec.json.encode(body))


@pytest.mark.parametrize("number", [-1, 10**15, 2**63, 10**30])
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (questions.Question, {"conversation": 1}),
        (questions.Question, {"at": 1}),
        (Change, {"conversation": 1}),
        (Opinion, {"conversation": 1, "at": 0, "good": True}),
        (Opinion, {"at": 1, "conversation": 1, "good": True}),
    ],
)
def test_no_number_is_longer_than_a_database_can_hold(kind: Any, said: dict[str, Any], number: int) -> None:
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
    decoded(msgspec.json.encode(said), decoder)
    with pytest.raises(BodyError):
        decoded(msgspec.json.encode({**said, next(iter(said)): number}), decoder)
