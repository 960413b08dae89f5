"""Bodies as programs write them."""

from typing import Any

import msgspec
import pytest

from ai_pal.gateway.wire import bodies
from ai_pal.gateway.wire.bodies import BodyError, decoded

ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"cut \ud83d"', "cut \ufffd"),
        (rb'"\ude00 cut"', "\ufffd cut"),
        (rb'"\ud83dx"', "\ufffdx"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"\uDBFF\n\\ud83d \ud83d"', "\ufffd\n\\ud83d \ufffd"),
        (b'\xef\xbb\xbf"x"', "x"),
    ],
)
def test_halves_of_characters_are_marked_and_the_rest_is_read(body: bytes, text: str) -> None:
    assert decoded(body, ANY) == text


class Shape(msgspec.Struct):
    """A number that is whole, one that need not be, and what belongs to nobody."""

    n: int
    x: float = 0.0
    rest: Any = None


SHAPE = msgspec.json.Decoder(Shape)


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (b'{"n": 5.0}', Shape(5)),
        (b'{"n": 1e3, "x": 2.0, "rest": [{"a": 7.0}]}', Shape(1000, 2.0, [{"a": 7}])),
        (b'{"n": 5, "rest": 7.0}', Shape(5, rest=7.0)),
    ],
)
def test_whole_numbers_may_be_written_with_a_fraction_of_none(body: bytes, shape: Shape) -> None:
    assert decoded(body, SHAPE) == shape


@pytest.mark.parametrize("body", [b'{"n": 5.5}', b'{"n": "5.0"}', b'{"n": 1e300}', b'{"n": null}'])
def test_other_numbers_are_none(body: bytes) -> None:
    with pytest.raises(BodyError) as caught:
        decoded(body, SHAPE)
    assert caught.value.param == "n"


@pytest.mark.parametrize("body", [b'{"n": "5"}', b'{"n": true}', b'{"n": 5, "x": "2"}'])
def test_what_is_no_fraction_is_not_read_once_more(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large body that takes seconds."""
    monkeypatch.setattr(bodies, "as_whole", lambda _: pytest.fail("read once more"))
    with pytest.raises(BodyError):
        decoded(body, SHAPE)


@pytest.mark.parametrize(
    "body", [rb'"\ud83d', rb'"\ud83d" x', b'"\xed\xa0\xbd"', b"\xef\xbb\xbf", rb'"\u12"']
)
def test_what_is_no_json_stays_none(body: bytes) -> None:
    with pytest.raises(BodyError):
        decoded(body, ANY)
