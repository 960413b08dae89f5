"""A property of every adapter: whatever shape an answer that says a text has, the answer is that text, or a
failure that quotes the server. Real egress process, real SDKs, real sockets."""

import gzip
import itertools
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_pal.errors import Code
from ai_pal.protocol.provider import Api
from tests.contract.bodies import Bodies, Body, bodies_of
from tests.contract.providers import APIS
from tests.egress_driver import Answer, EgressDriver
from tests.servers import forms
from tests.servers.shapes import ENDINGS, framed

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "none": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}
CHARSETS = ("utf-8", "utf-8", "utf-8-sig", "utf-16")
ERROR = "the model caught fire"

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)


class Case(msgspec.Struct, frozen=True):
    """`ends` is `reason`, `done`, `closed` or `error`."""

    pieces: list[bytes]
    headers: dict[str, str]
    text: str
    ends: str


def _noise(data: st.DataObject, api: Api, ending: str) -> bytes:
    """What is sent between events and says nothing."""
    kinds = ["", "empty", "junk", "thought"] + (["comment", "ping"] if api != "ollama" else ["blank"])
    match data.draw(st.sampled_from(kinds)):
        case "comment":
            return f": processing{ending * 2}".encode()
        case "ping":
            return f"event: ping{ending * 2}".encode()
        case "blank":
            return ending.encode()
        case "empty":
            return f"data:{ending * 2}".encode()
        case "junk":
            junk = data.draw(st.none() | st.integers() | st.lists(st.none(), max_size=2))
            return framed(api, "", json.dumps(junk), ending)
        case "thought":
            return forms.written(api, forms.thought(api, data.draw(TEXTS)), ending)
    return b""


def _with_junk(data: st.DataObject, made: forms.Made) -> forms.Made:
    """With fields that no protocol knows, and those of no use as something else."""
    odd = data.draw(
        st.dictionaries(st.sampled_from(["id", "created", "x", "index", "logprobs"]), JUNK, max_size=3)
    )
    return [(name, value | odd) for name, value in made]


def _case(data: st.DataObject, api: Api) -> Case:
    texts = data.draw(st.lists(TEXTS, min_size=1, max_size=4))
    ending = data.draw(st.sampled_from(sorted(ENDINGS.values())))
    ends = data.draw(st.sampled_from(["reason", "reason", "whole", "done", "closed", "error"]))
    if ends == "whole":
        whole: Any = forms.whole(api, "".join(texts), "stop", 5, 7)
        body, ends = json.dumps(whole, indent=data.draw(st.sampled_from([None, 1]))).encode(), "reason"
    else:
        body = b"".join(
            _noise(data, api, ending) + forms.written(api, _with_junk(data, forms.said(api, text)), ending)
            for text in texts
        )
        body += _noise(data, api, ending)
        if ends == "error":
            body += framed(api, "error", json.dumps({"error": {"message": ERROR}}), ending)
        elif ends == "reason":
            body += forms.written(api, forms.ended(api, "stop", 5, 7), ending, done=data.draw(st.booleans()))
        elif ends == "done":
            body += forms.written(api, [], ending, done=True)
    way = data.draw(st.sampled_from(sorted(WAYS)))
    sent = WAYS[way](body.decode().encode(data.draw(st.sampled_from(CHARSETS))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=3)))
    edges = [0, *cuts, len(sent)]
    pieces = [sent[a:b] for a, b in itertools.pairwise(edges)]
    return Case(pieces, {"content-encoding": way} if way else {}, "".join(texts), ends)


def _check(case: Case, answer: Answer) -> None:
    assert answer.text == case.text
    if case.ends in ("reason", "done"):
        assert answer.done.finish_reason == "stop"
    elif case.ends == "closed":
        assert answer.failed.failure.code == Code.STREAM_BROKEN
    else:
        assert ERROR in answer.failed.failure.detail


@pytest.fixture(scope="module", params=APIS)
def server(request: pytest.FixtureRequest) -> Iterator[Bodies]:
    with bodies_of(request.param) as bodies:
        yield bodies


@pytest.mark.timeout(300)
@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_answer_is_the_text_that_was_said_or_a_failure_that_quotes_the_server(
    egress: EgressDriver, server: Bodies, data: st.DataObject
) -> None:
    cases = {str(number): _case(data, server.api) for number in range(4)}
    asked = {name: Body(case.pieces, case.headers) for name, case in cases.items()}
    for name, answer in server.ask_all(egress, asked):
        _check(cases[name], answer)
