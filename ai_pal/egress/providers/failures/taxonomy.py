"""From HTTP statuses and error bodies to the one error taxonomy, for all providers.

Messages are our own words. What a provider said stays a line in `detail`, without what looks like a key.
"""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from ai_pal.egress.providers.failures.classify import code_of, is_moderation
from ai_pal.egress.providers.failures.error_body import Said, parsed, quoted, read, words
from ai_pal.errors import PERMANENT, Code, Failure

__all__ = ["failure", "of_event", "of_status", "parsed", "quoted", "retry_seconds", "words"]

RETRY_AFTER_LIMIT = 86_400.0

_PATIENCE = re.compile(
    r"(?:try again|retry) (?:in|after) (\d+(?:\.\d+)?) ?(ms|s\b|sec|m\b|min|h)", re.IGNORECASE
)
_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def failure(code: Code, message: str, hint: str = "", **parts: Any) -> Failure:
    """A failure that may be tried again unless its code says otherwise."""
    return Failure(code, message, hint, retryable=code not in PERMANENT, **parts)


def of_status(name: str, model: str, status: int, headers: Mapping[str, str] | None, body: object) -> Failure:
    """What an HTTP status other than 200 means. `name` is the provider's."""
    said = read(body)
    code = code_of(status, said) or Code.PROVIDER_REFUSED
    retry_after = retry_seconds(headers or {}, time.time()) if status >= 400 else None
    message, hint = _say(code, name, model, said)
    elsewhere = _header(headers or {}, "location") if 300 <= status < 400 else ""
    if elsewhere:
        message, hint = f"{name} says that it is elsewhere", f"set base_url of {name} to the right address"
    return failure(
        code,
        f"{message} (HTTP {status})",
        hint,
        retry_after=_patience(code, said) if retry_after is None else retry_after,
        detail=words(elsewhere) or quoted(body),
    )


def of_event(name: str, model: str, body: object) -> Failure:
    """What an error inside a stream that began with HTTP 200 means."""
    said = read(body)
    code = code_of(None, said) or Code.STREAM_BROKEN
    message, hint = _say(code, name, model, said)
    return failure(code, message, hint, retry_after=_patience(code, said), detail=quoted(body))


def retry_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds of a Retry-After header, which holds seconds or an HTTP date (RFC 9110, 10.2.3)."""
    value = _header(headers, "retry-after")
    if re.fullmatch(r"\d+(\.\d+)?", value, re.ASCII):
        seconds = float(value)
    else:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT)


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "").strip()


def _patience(code: Code, said: Said) -> float | None:
    """The seconds that a provider asks for in its words only."""
    found = _PATIENCE.search(said.words) if code == Code.RATE_LIMITED else None
    if found is None:
        return None
    return min(float(found[1]) * _UNITS[found[2].lower()], RETRY_AFTER_LIMIT)


def _say(code: Code, name: str, model: str, said: Said) -> tuple[str, str]:
    if code == Code.PROVIDER_REFUSED and is_moderation(said):
        return f"{name} does not answer this prompt", "say it in other words, or ask another model"
    if code == Code.ACCESS_DENIED and said.page:
        hint = f"a firewall or proxy may stand before it; check base_url of {name}"
        return f"a web page came from {name} instead of an answer", hint
    return {
        Code.AUTH_FAILED: (f"{name} does not accept the key", f"check it, or: ai-pal keys set {name}"),
        Code.NO_CREDIT: (f"the account at {name} has no credit left", "add some there, or ask another model"),
        Code.ACCESS_DENIED: (
            f"{name} does not let this machine or account ask",
            "its own words say why: a country, rights of the account, a network between",
        ),
        Code.MODEL_NOT_FOUND: (f"{name} has no model {model}", f"see: ai-pal doctor, and base_url of {name}"),
        Code.UNSUPPORTED: (
            f"{model} of {name} cannot do what is asked for",
            "its own words say what; leave it out, or ask another model",
        ),
        Code.FIRST_TOKEN_TIMEOUT: (f"{name} gave up waiting", "try again"),
        Code.PROMPT_TOO_LARGE: (f"the conversation is too long for {model} of {name}", "shorten it"),
        Code.RATE_LIMITED: (f"{name} takes no more requests for now", "try again later"),
        Code.PROVIDER_ERROR: (f"{name} has trouble of its own", "try again later"),
        Code.STREAM_BROKEN: (f"{name} broke its answer off with an error", "try again"),
    }.get(code, (f"{name} refused the request", f"check base_url of {name} and the options of the request"))
