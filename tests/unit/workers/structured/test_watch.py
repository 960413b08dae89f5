"""Whether an answer keeps to its grammar."""

import pytest

from workers.structured.rules import json_rule
from workers.structured.watch import Watch

SCHEMA = {"type": "object", "properties": {"ö": {"enum": ["größe", 3]}}, "required": ["ö"]}


def watch() -> Watch:
    return Watch(f"start: {json_rule(SCHEMA)}")


def test_an_answer_is_followed_as_it_comes() -> None:
    held = watch()
    for piece in ("", "\n\n", ' {"', 'ö": "gr', "öße"):
        assert held.take(piece)
        assert not held.complete
    assert held.take('"}')
    assert held.complete


@pytest.mark.parametrize("text", ["Sure", '{"ö": 4', '{"ö": 3} ', '{"ö":3', "{\udc80"])
def test_what_leaves_the_grammar_is_seen(text: str) -> None:
    assert not watch().take(text)


def test_what_the_watch_cannot_follow_is_not_the_answers_fault() -> None:
    held = Watch("start: nowhere")
    assert held.take("anything")
    assert held.complete
