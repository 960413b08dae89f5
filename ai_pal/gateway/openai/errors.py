"""OpenAI's envelope of errors. Pure."""

from typing import Any

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.bodies import BodyError
from ai_pal.gateway.statuses import sentence, status_of

TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}

CODES = {Code.PROMPT_TOO_LARGE: "context_length_exceeded", Code.BAD_REQUEST: None}
"""Where OpenAI's own word is another; all else keeps ours."""


def error_of(failure: Failure, param: str | None = None) -> dict[str, Any]:
    """The body of an error, and the event of one within a stream."""
    status = status_of(failure)
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    code = CODES.get(Code(failure.code), failure.code) if failure.code in set(Code) else failure.code
    return {"error": {"message": sentence(failure), "type": kind, "param": param, "code": code}}


def error_body(error: AiPalError) -> dict[str, Any]:
    """The same for an exception, which may know the place of what is wrong."""
    if not isinstance(error, BodyError):
        return error_of(error.failure)
    body = error_of(error.failure, error.param)
    body["error"]["code"] = error.word or body["error"]["code"]
    return body
