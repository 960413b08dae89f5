"""From HTTP statuses and error bodies to the one error taxonomy, for all providers.

Messages are our own words. What a provider said stays a line in `detail`, and is left out where it may
quote a key.
"""

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from ai_pal.errors import PERMANENT, Code, Failure

WORDS = 200
"""Characters of a provider's own words that are kept."""

RETRY_AFTER_LIMIT = 86_400.0

_TOO_LARGE = re.compile(
    r"context.?length|context.?window|exceed\w*.context|context.size|prompt is too long|too many tokens"
    r"|token limit|request_too_large",
    re.IGNORECASE,
)

_STATUS = {
    401: Code.AUTH_FAILED,
    403: Code.AUTH_FAILED,
    404: Code.MODEL_NOT_FOUND,
    408: Code.FIRST_TOKEN_TIMEOUT,
    413: Code.PROMPT_TOO_LARGE,
    429: Code.RATE_LIMITED,
}

_KINDS = {
    "api_error": Code.PROVIDER_ERROR,
    "authentication_error": Code.AUTH_FAILED,
    "context_length_exceeded": Code.PROMPT_TOO_LARGE,
    "exceed_context_size_error": Code.PROMPT_TOO_LARGE,
    "insufficient_quota": Code.RATE_LIMITED,
    "internal_server_error": Code.PROVIDER_ERROR,
    "invalid_api_key": Code.AUTH_FAILED,
    "invalid_request_error": Code.PROVIDER_REFUSED,
    "model_not_found": Code.MODEL_NOT_FOUND,
    "not_found_error": Code.MODEL_NOT_FOUND,
    "overloaded_error": Code.PROVIDER_ERROR,
    "permission_error": Code.AUTH_FAILED,
    "rate_limit_error": Code.RATE_LIMITED,
    "rate_limit_exceeded": Code.RATE_LIMITED,
    "request_too_large": Code.PROMPT_TOO_LARGE,
    "server_error": Code.PROVIDER_ERROR,
    "timeout_error": Code.PROVIDER_ERROR,
}
"""What providers call the errors inside their streams."""


def failure(code: Code, message: str, hint: str = "", **parts: Any) -> Failure:
    """A failure that may be tried again unless its code says otherwise."""
    return Failure(code, message, hint, retryable=code not in PERMANENT, **parts)


def of_status(name: str, model: str, status: int, headers: Mapping[str, str] | None, body: object) -> Failure:
    """What an HTTP status other than 200 means. `name` is the provider's."""
    code = _code_of(status, _text(body))
    detail = "" if code == Code.AUTH_FAILED else words(body)
    retry_after = retry_seconds(headers or {}, time.time()) if status >= 400 else None
    message, hint = _say(code, name, model)
    return failure(code, f"{message} (HTTP {status})", hint, retry_after=retry_after, detail=detail)


def of_event(name: str, model: str, body: object) -> Failure:
    """What an error inside a stream that began with HTTP 200 means."""
    kinds = [body.get(field) for field in ("code", "type")] if isinstance(body, dict) else []
    known = (_KINDS[kind] for kind in kinds if isinstance(kind, str) and kind in _KINDS)
    code = next(known, Code.STREAM_BROKEN)
    message, hint = _say(code, name, model)
    return failure(code, message, hint, detail="" if code == Code.AUTH_FAILED else words(body))


def retry_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds of a Retry-After header, which holds seconds or an HTTP date (RFC 9110, 10.2.3)."""
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value, re.ASCII):
        seconds = float(value)
    else:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT)


def words(body: object) -> str:
    """A provider's own words about an error, on one line; "" where it sent no such thing."""
    found = _message(body)
    line = " ".join("".join(c if c.isprintable() else " " for c in found[: 4 * WORDS]).split())
    return line if len(line) <= WORDS else line[: WORDS - 1] + "\u2026"


def parsed(body: bytes | str) -> object:
    """The JSON of an error body, or None."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _message(body: object) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, dict):
        for field in ("error", "message", "detail"):
            found = _message(body.get(field))
            if found:
                return found
    return ""


def _text(body: object) -> str:
    return body if isinstance(body, str) else json.dumps(body, default=str)[:4096]


def _code_of(status: int, text: str) -> Code:
    if status >= 500:
        return Code.PROVIDER_ERROR
    if status in (400, 413, 422) and _TOO_LARGE.search(text):
        return Code.PROMPT_TOO_LARGE
    return _STATUS.get(status, Code.PROVIDER_REFUSED)


def _say(code: Code, name: str, model: str) -> tuple[str, str]:
    return {
        Code.AUTH_FAILED: (f"{name} does not accept the key", f"check it, or: ai-pal keys set {name}"),
        Code.MODEL_NOT_FOUND: (f"{name} has no model {model}", f"see: ai-pal doctor, and base_url of {name}"),
        Code.FIRST_TOKEN_TIMEOUT: (f"{name} gave up waiting", "try again"),
        Code.PROMPT_TOO_LARGE: (f"the conversation is too long for {model} of {name}", "shorten it"),
        Code.RATE_LIMITED: (f"{name} takes no more requests for now", "try again later"),
        Code.PROVIDER_ERROR: (f"{name} has trouble of its own", "try again later"),
        Code.STREAM_BROKEN: (f"{name} broke its answer off with an error", "try again"),
    }.get(code, (f"{name} refused the request", f"check base_url of {name} and the options of the request"))
