"""What all doors understand alike."""

import pytest

from ai_pal.gateway.asking import wishes
from ai_pal.gateway.wire.bodies import BodyError


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"a": None}, None),
        ({"reasoning_effort": "none"}, "off"),
        ({"think": False, "reasoning_effort": "none"}, "off"),
        ({"think": True}, "on"),
        ({"think": True, "reasoning_effort": "low"}, "low"),
        ({"reasoning_effort": "minimal"}, "low"),
        ({"reasoning_effort": "xhigh"}, "high"),
        ({"thinking.type": "adaptive"}, "on"),
    ],
)
def test_thinking_is_switched_by_whichever_field(said: dict[str, object], meant: str | None) -> None:
    assert wishes.thinking(said) == meant


@pytest.mark.parametrize(
    "said", [{"a": "none", "b": True}, {"a": "low", "b": "high"}, {"a": "some"}, {"a": 3}]
)
def test_what_contradicts_itself_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(BodyError):
        wishes.thinking(said)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), (0, 0), (-1, -1), ("-1s", -1), ("10m", 600), ("-1", -1), (30.5, 30.5)],
)
def test_keep_alive_is_as_ollama_writes_it(value: str | float | None, seconds: float | None) -> None:
    assert wishes.keep_alive(value) == seconds
