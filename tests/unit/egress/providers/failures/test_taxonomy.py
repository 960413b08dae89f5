"""From HTTP and exceptions to the error taxonomy."""

import pytest

from ai_pal.egress.providers.failures.taxonomy import of_event, of_status, retry_seconds, words
from ai_pal.errors import Code

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0.5 ", 0.5),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0),
        ("99999999999", 86_400.0),
        ("-1", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Tue, 99 Nov 2023", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_seconds({"Retry-After": value}, NOW) == seconds


def test_no_header_is_no_retry_after() -> None:
    assert retry_seconds({}, NOW) is None


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"error": {"message": "no\nway"}}, "no way"),
        ({"error": "plain"}, "plain"),
        ({"message": "m"}, "m"),
        ({"detail": "d"}, "d"),
        ({"error": {"message": "\x1b]52;c;AAAA\x07x"}}, "]52;c;AAAA x"),
        ({"error": {"message": "x" * 1000}}, "x" * 199 + "…"),
        ([1, 2], ""),
        (None, ""),
        ({"error": 5}, ""),
    ],
)
def test_a_providers_words_are_one_harmless_line(body: object, line: str) -> None:
    assert words(body) == line


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 8192 tokens",
        "the request exceeds the available context size",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "too many tokens: total number of tokens in the prompt exceeds the limit",
    ],
)
def test_a_400_about_the_window_is_a_prompt_too_large(said: str) -> None:
    assert of_status("p", "m", 400, {}, {"message": said}).code == Code.PROMPT_TOO_LARGE


def test_a_refused_key_is_not_quoted_and_the_words_are() -> None:
    failure = of_status("p", "m", 401, {}, {"error": {"message": "Incorrect API key provided: sk-12*****89"}})
    assert failure.detail == "Incorrect API key provided: [key]"
    assert failure.hint == "check it, or: ai-pal keys set p"


def test_words_are_the_detail_and_never_the_message() -> None:
    failure = of_status("p", "m", 400, {}, {"error": "your prompt was: secret"})
    assert failure.message == "p refused the request (HTTP 400)"
    assert failure.detail == "your prompt was: secret"


def test_an_error_event_says_its_kind() -> None:
    assert of_event("p", "m", {"type": "rate_limit_error"}).code == Code.RATE_LIMITED
    assert of_event("p", "m", {"type": "x", "code": "context_length_exceeded"}).code == Code.PROMPT_TOO_LARGE
    assert of_event("p", "m", {"type": ["odd"]}).code == Code.STREAM_BROKEN
    assert of_event("p", "m", "text").code == Code.STREAM_BROKEN
