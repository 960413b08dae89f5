"""Where no responses are kept, who wants one kept is told; who does not say is answered."""

import json
from pathlib import Path

import pytest

from ai_pal.client.answer import Answer
from ai_pal.gateway.asking.asked import Asked
from ai_pal.gateway.openai.responses.doors import Responses
from ai_pal.gateway.openai.responses.kept import Kept
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol import client as wire


def test_to_keep_one_where_none_are_kept_is_refused(tmp_path: Path) -> None:
    responses = Responses(Kept(tmp_path / "responses.db", 0.0))
    for said in (b"", b', "store": null', b', "store": false'):
        asked = responses.create(b'{"model": "echo", "input": "hi"' + said + b"}", "")
        assert isinstance(asked, Asked)
        assert json.loads(asked.writer.whole(Answer(finish_reason="stop")))["store"] is False
    with pytest.raises(BodyError, match="keeps no responses"):
        responses.create(b'{"model": "echo", "input": "hi", "store": true}', "")


@pytest.mark.parametrize(
    ("said", "sealed"),
    [
        (b"", False),
        (b', "store": false', True),
        (b', "include": ["reasoning.encrypted_content"]', True),
    ],
)
def test_thoughts_are_sealed_where_that_is_asked_for_or_nothing_is_stored(
    said: bytes, sealed: bool, tmp_path: Path
) -> None:
    responses = Responses(Kept(tmp_path / "responses.db", 60.0))
    asked = responses.create(b'{"model": "echo", "input": "hi"' + said + b"}", "")
    assert isinstance(asked, Asked)
    answer = Answer()
    for event in (wire.Delta(1, 0, 1, "hm", "reasoning", 0), wire.Done(1, "stop")):
        answer.take(event)
    item = json.loads(asked.writer.whole(answer))["output"][0]
    assert ("encrypted_content" in item) is sealed
