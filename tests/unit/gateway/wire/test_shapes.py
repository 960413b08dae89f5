"""How deep a body may be, and of how many parts."""

import json
import random
import threading

import pytest

from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.gateway.wire.shapes import MOST_DEPTH, MOST_OBJECTS, MOST_VALUES, STEP, _marks, check_shape


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[" * MOST_DEPTH + b"]" * MOST_DEPTH,
        b"[" + b"[]," * 5000 + b"[]]",
        b'{"a": "' + b"[{" * 5000 + b'"}',
        b'{"a": "' + b'\\"[' * 5000 + b'"}',
        b'{"' + b"[" * 5000,
        b"]" * 50 + b"[" * 500,
    ],
)
@pytest.mark.parametrize("before", [0, STEP - 7], ids=["short", "long"])
def test_what_is_not_deep(body: bytes, before: int) -> None:
    check_shape(b" " * before + body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * (MOST_DEPTH + 1),
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'["\\\\",' * 5000,
    ],
)
@pytest.mark.parametrize("before", [0, STEP - 7], ids=["short", "long"])
def test_what_is_too_deep(body: bytes, before: int) -> None:
    with pytest.raises(BodyError, match="nested"):
        check_shape(b" " * before + body)


@pytest.mark.parametrize("part", [b"{}", b"[1]", b'{"a":"["}'])
def test_what_has_too_many_parts_is_not_read_at_all(part: bytes) -> None:
    check_shape(b"[" + (part + b",") * 1000 + part + b"]")
    with pytest.raises(BodyError, match="lists and objects"):
        check_shape(b"[" + (part + b",") * MOST_OBJECTS + part + b"]")


def test_what_has_too_many_values_is_not_read_at_all() -> None:
    check_shape(b"[" + b"1," * (MOST_VALUES - 1) + b"1]")
    with pytest.raises(BodyError, match="values"):
        check_shape(b"[" + b"1," * (MOST_VALUES + 1) + b"1]")


def test_what_stands_in_texts_counts_for_nothing() -> None:
    text = json.dumps({"code": [1, [2, {"a": ","}]]} | {str(n): {} for n in range(1000)})
    check_shape(json.dumps([json.dumps([text] * 100)] * 40).encode())


@pytest.mark.parametrize("seed", range(20))
def test_a_step_ends_anywhere(seed: int) -> None:
    """One quote or backslash that is misread, and all behind it is."""
    dice = random.Random(seed)
    parts = ["\\", '"', "[", "]", "{", ",", ":", "n", "x" * dice.choice([1, 1000, STEP])]
    texts = ["".join(dice.choices(parts, k=200)) for _ in range(40)]
    check_shape(json.dumps(texts).encode())
    with pytest.raises(BodyError, match="nested"):
        check_shape(json.dumps(texts)[:-1].encode() + b"," + b"[" * MOST_DEPTH)


@pytest.mark.parametrize("shift", [0, 1])
def test_backslashes_without_end_are_no_longer_step(shift: int) -> None:
    text = b"x" * shift + rb"\\" * 2 * STEP + rb"\"" + b"[" * 2 * MOST_DEPTH
    check_shape(b'["' + text + b'"]')
    with pytest.raises(BodyError, match="nested"):
        check_shape(b'["' + text + b'",' + b"[" * MOST_DEPTH)
    assert len(list(_marks(b'["' + text + b'"]'))) > 4


def test_others_go_on_meanwhile() -> None:
    """Also where a text is as large as a body may be: nothing takes long in one go."""
    body = (
        b'{"a": "'
        + b"a," * 30_000_000
        + b'", "b": '
        + b"[" * 150
        + b"]" * 150
        + b', "c": "'
        + b"[" * 10_000
        + b'"}'
    )
    steps, over = 0, threading.Event()

    def others() -> None:
        nonlocal steps
        while not over.wait(0.001):
            steps += 1

    going = threading.Thread(target=others)
    going.start()
    check_shape(body)
    over.set()
    going.join()
    assert steps > 5
