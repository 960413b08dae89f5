"""What headers say goes over what a body says."""

import pytest

from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.gateway.wire.wish_headers import asked_by


def test_headers_do_what_flags_do() -> None:
    said = asked_by(
        {
            "host": "x",
            "x-ai-pal-local-only": "1",
            "x-ai-pal-mine": "yes",
            "x-ai-pal-max-cost": "0.01",
            "x-ai-pal-deadline": "20s",
            "x-ai-pal-goal": "cost",
            "x-ai-pal-escalate": "auto",
            "x-ai-pal-session": "a",
        }
    )
    assert said == {
        "local_only": True, "mine": True, "max_cost": 0.01, "deadline": 20.0, "goal": "cost",
        "escalate": "auto", "principal": "a",
    }  # fmt: skip
    assert asked_by({"x-ai-pal-local-only": "False"}) == {"local_only": False}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-ai-pal-local-only", "maybe"),
        ("x-ai-pal-local-onyl", "1"),
        ("x-ai-pal-max-cost", "-1"),
        ("x-ai-pal-max-cost", "nan"),
        ("x-ai-pal-deadline", "soon"),
        ("x-ai-pal-goal", "fame"),
        ("x-ai-pal-goal", ""),
        ("x-ai-pal-session", " "),
        ("x-ai-pal-escalate", "never"),
    ],
)
def test_what_cannot_be_is_refused_with_the_headers_name(name: str, value: str) -> None:
    with pytest.raises(BodyError) as caught:
        asked_by({name: value})
    assert caught.value.param == name
