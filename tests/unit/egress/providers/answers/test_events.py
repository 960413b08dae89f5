"""Bodies of answers as events, in every way that servers write them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.egress.providers.answers.events import Event, Events, Told, Unreadable, objects
from ai_pal.egress.providers.answers.lines import Lines
from ai_pal.egress.providers.answers.rewriting import Rewriting

A, B = {"choices": [1]}, {"choices": [2]}


def shape(event: Event) -> list[Event]:
    return [Event(event.name, value) for value in objects(event, lambda value: "choices" in value)]


def _read(*pieces: bytes, charset: str = "") -> tuple[list[Any], bool]:
    events = Events(shape, charset)
    found = [event.value for piece in pieces for event in events.feed(piece)]
    return found + [event.value for event in events.close()], events.ended


def _sse(*values: Any, between: str = "\n\n") -> bytes:
    return "".join(f"data: {json.dumps(value)}{between}" for value in values).encode()


BODIES: dict[str, bytes] = {
    "events": _sse(A, B),
    "CR LF": _sse(A, B, between="\r\n\r\n"),
    "CR": _sse(A, B, between="\r\r"),
    "mixed endings": _sse(A, between="\r\n\n") + _sse(B, between="\r\r\n"),
    "no blank between": _sse(A, B, between="\n"),
    "the last without its end": _sse(A, B).rstrip(),
    "no blank after the colon": _sse(A, B).replace(b": {", b":{"),
    "a field that is indented": b"  " + _sse(A, B),
    "data of several lines": b'data: {"choices":\ndata:  [1]}\n\n' + _sse(B),
    "comments and unknown fields": b": hello\nretry: 5\nid: 1\nfoo: bar\n\n" + _sse(A) + b":\n\n" + _sse(B),
    "no data": b"data:\n\ndata: \n\nevent: ping\n\n" + _sse(A, None, 7, "x", [], {}, B),
    "lists of events": _sse([A, B]),
    "a list with nothing in it": _sse([None, A], [7, B]),
    "lines of JSON": b'{"choices": [1]}\n{"choices": [2]}\n',
    "lines of JSON without the last end": b'null\n\n{"choices": [1]}\n\r\n{"choices": [2]}',
    "one list": json.dumps([A, B], indent=2).encode(),
    "events, then a line": _sse(A) + b'{"choices": [2]}\n',
    "not a number": b'data: {"choices": [1], "x": NaN}\n\n'.replace(b', "x": NaN', b"") + _sse(B),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_was_said_is_read_however_it_is_cut(name: str) -> None:
    body = BODIES[name]
    assert _read(body) == ([A, B], False)
    assert _read(*(bytes([byte]) for byte in body)) == ([A, B], False)


@given(st.data())
def test_a_line_ends_wherever_it_is_cut(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))))
    ends = data.draw(
        st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=len(texts), max_size=len(texts))
    )
    body = "".join(text + end for text, end in zip(texts, ends, strict=True)).encode()
    expected = body.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    cut = data.draw(st.integers(0, len(body)))
    lines = Lines()
    assert [*lines.feed(body[:cut]), *lines.feed(body[cut:])] == expected


def test_a_line_that_ends_in_cr_does_not_wait_for_more() -> None:
    assert list(Lines().feed(b"one\r")) == ["one"]


def test_other_separators_end_no_line() -> None:
    assert list(Lines().feed("a\u2028b\x85c\x0bd\n".encode())) == ["a\u2028b\x85c\x0bd"]


@pytest.mark.parametrize(
    ("charset", "sent", "read"),
    [
        ("iso-8859-1", "é".encode(), "é"),
        ("iso-8859-1", "é".encode("latin-1"), "é"),
        ("gbk", "中".encode("gbk"), "中"),
        ("", b"\xff", "\ufffd"),
        ("nonsense", b"\xff", "\ufffd"),
        ("utf-16", "é".encode(), "é"),
        ("base64", "é".encode(), "é"),
    ],
)
def test_a_charset_is_believed_where_utf_8_is_not_it(charset: str, sent: bytes, read: str) -> None:
    assert _read(b'data: {"choices": "' + sent + b'"}\n\n', charset=charset)[0] == [{"choices": read}]


@pytest.mark.parametrize("end", ["[DONE]", "[DONE] ", '"[DONE]"', "[done]"])
def test_the_end_is_heard_and_nothing_after_it(end: str) -> None:
    body = _sse(A) + f"data: {end}\n\n".encode()
    assert _read(body + _sse(B)) == ([A], True)
    assert _read(body.rstrip(b"\n")) == ([A], True)
    assert _read(f"data: {end}\n\n".encode()) == ([], True)


def test_an_event_that_was_cut_is_none() -> None:
    assert _read(_sse(A) + b'data: {"choices": [') == ([A], False)
    assert _read(_sse(A) + b"data: [DON") == ([A], False)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (_sse({"error": "no"}), "no"),
        (_sse({"error": {"code": 429}, "choices": []}), {"code": 429}),
        (_sse([{"error": {"code": 400}}]), {"code": 400}),
        (_sse({"object": "error", "message": "m"}), {"object": "error", "message": "m"}),
        (_sse({"type": "error", "error": {"message": "m"}}), {"message": "m"}),
        (_sse({"message": "not found"}), {"message": "not found"}),
        (b'{"detail": "not found"}', {"detail": "not found"}),
        (b'event: error\ndata: {"code": 500}\n\n', {"code": 500}),
        (b"event: error\ndata: it broke\n\n", "it broke"),
        (b'error: {"code": 500}\n\n', {"code": 500}),
        (b"error: it broke", "it broke"),
    ],
)
def test_an_error_is_one_however_it_is_told(body: bytes, told: object) -> None:
    for sent in (body, _sse(A) + body):
        with pytest.raises(Told) as caught:
            _read(sent)
        assert caught.value.body == told


def test_an_error_in_many_lines_is_one() -> None:
    with pytest.raises(Told) as caught:
        _read(json.dumps({"error": {"message": "m"}}, indent=2).encode())
    assert caught.value.body == {"message": "m"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", ""),
        (b"\n\n: ping\n\n", ""),
        (b"<!DOCTYPE html>\n<title>Sign in</title>", "<!DOCTYPE html>\n<title>Sign in</title>"),
        (b"OK\n", "OK"),
        (b"Error: it is down\nReally: so", "Error: it is down\nReally: so"),
        (b'{"status": "ok"}', '{"status": "ok"}'),
        (_sse({"status": "ok"}), '{"status": "ok"}'),
        (b"data: Paris\n\n", "Paris"),
        (b'data: {"choices": [', '{"choices": ['),
        (b"null", "null"),
    ],
)
def test_what_is_no_answer_is_kept_to_be_quoted(body: bytes, said: str) -> None:
    with pytest.raises(Unreadable) as caught:
        _read(body)
    assert (caught.value.said.strip(), caught.value.begun) == (said, False)


@pytest.mark.parametrize("noise", [b'data: {"cho\n\n', b'{"cho\n'])
def test_noise_between_events_is_not_passed_over(noise: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        _read(_sse(A) + noise + _sse(B))
    assert caught.value.begun


def test_many_lines_of_data_are_read_in_time() -> None:
    with pytest.raises(Unreadable):
        _read(b"data: x\n" * 200_000 + b"\n")


ODD = st.none() | st.floats() | st.text() | st.lists(st.text())


@given(st.lists(ODD, min_size=1, max_size=4), st.text())
def test_what_an_sdk_gets_is_well_formed(values: list[Any], name: str) -> None:
    told = [{"choices": value} for value in values]
    events = [f"event: {name}".splitlines()[0].encode(), *(_sse(value) for value in told)]
    rewriting = Rewriting(shape)
    try:
        body = b"\n".join(events) + b"data: [DONE]\n\n"
        sent = b"".join([*rewriting.feed(body), *rewriting.close()])
    except Told:
        assert name.strip() == "error"
        return
    *blocks, end, rest = sent.split(b"\n\n")
    assert (end, rest) == (b"data: [DONE]", b"")
    read = [json.loads(block.split(b"data: ", 1)[1]) for block in blocks]
    assert json.dumps(read) == json.dumps(told)


def test_what_came_before_an_error_is_not_lost_with_it() -> None:
    rewriting = Rewriting(shape)
    given: list[bytes] = []
    with pytest.raises(Told):
        given.extend(rewriting.feed(_sse(A, B, {"error": "no"})))
    assert b"".join(given) == _sse(A, B)


def test_a_control_character_inside_a_text_is_a_part_of_it() -> None:
    said, _ = _read(b'data: {"choices": ["a\tb\x01"]}\n\n')
    assert said == [{"choices": ["a\tb\x01"]}]


def test_an_end_after_nothing_that_was_understood_is_no_answer() -> None:
    with pytest.raises(Unreadable) as caught:
        _read(b'data: {"reply": "hi"}\n\ndata: [DONE]\n\n')
    assert "hi" in caught.value.said


@pytest.mark.parametrize(
    "aside",
    [
        {"info": "queued"},
        {"base_resp": {"status_code": 0, "status_msg": "success"}},
        {"message": "still here"},
    ],
)
def test_words_that_are_no_error_cost_no_answer(aside: Any) -> None:
    assert _read(_sse(aside, A, aside, B) + b"data: [DONE]\n\n") == ([A, B], True)
    assert _read(_sse([aside, A], B) + b"data: [DONE]\n\n") == ([A, B], True)


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n"])
def test_words_that_nothing_follows_are_one(end: bytes) -> None:
    with pytest.raises(Told) as caught:
        _read(_sse({"message": "your plan has ended"}) + end)
    assert caught.value.body == {"message": "your plan has ended"}


def test_words_that_tell_of_an_error_do_not_wait_for_the_end() -> None:
    events = Events(shape)
    with pytest.raises(Told):
        list(events.feed(_sse({"message": "The model is overloaded"})))


def test_an_error_without_anything_in_it_is_none() -> None:
    empty = A | {"error": {"code": 0, "message": ""}}
    assert _read(_sse(empty) + b"data: [DONE]\n\n") == ([A], True)
