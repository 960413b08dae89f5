"""OpenAI's envelope of errors. Pure."""

import re
from typing import Any

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.gateway.wire.statuses import sentence, status_of, status_of_error

TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}

CODES = {
    Code.PROMPT_TOO_LARGE: "context_length_exceeded",
    Code.MODEL_NOT_HERE: "model_not_found",
    Code.BAD_REQUEST: None,
    Code.CONVERSATION_NOT_FOUND: None,
    Code.KEY_REFUSED: "invalid_api_key",
    Code.OVER_BUDGET: "insufficient_quota",
}
"""Where OpenAI's own word is another; all else keeps ours."""

OVERFLOW = "this model's maximum context length is exceeded"
"""Words by which clients tell that they have to make their history shorter (LiteLLM's, among others)."""

_PLACE = re.compile(
    r"(?!(?:there|what|nothing|nobody|this|that|it) is )([a-z_]+(?:\[\d+\]|\.[a-z_]+)*)(?=:| is )"
)
"""How a refusal of the supervisor begins: with the field."""

_FIELDS = {"context": "num_ctx", "response_format.schema": "response_format"}
"""Where the field has another name in this protocol."""

Names = tuple[tuple[re.Pattern[str], str], ...]

OF_CHATS: Names = ((re.compile(r"^tools\[(\d+)\]\.(?=name|parameters)"), r"tools[\1].function."),)
OF_RESPONSES: Names = (
    (re.compile(r"^response_format.*"), "text.format.schema"),
    (re.compile(r"^max_tokens$"), "max_output_tokens"),
    (re.compile(r"^messages\b.*"), "input"),
)
"""Where a place has another name on one of its routes."""


def error_of(failure: Failure, param: str | None = None, status: int = 0) -> dict[str, Any]:
    """The body of an error, and the event of one within a stream."""
    status = status or status_of(failure)
    if param is None and status == 400 and (found := _PLACE.match(failure.message)):
        param = _FIELDS.get(found[1], found[1])
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    code = CODES.get(Code(failure.code), failure.code) if failure.code in set(Code) else failure.code
    said = sentence(failure)
    if failure.code == Code.PROMPT_TOO_LARGE:
        said = f"{OVERFLOW}: {said}"
    return {"error": {"message": said, "type": kind, "param": param, "code": code}}


def error_body(error: AiPalError, names: Names = ()) -> dict[str, Any]:
    """The same for an exception, which may know the place of what is wrong."""
    if not isinstance(error, BodyError):
        body = error_of(error.failure, status=status_of_error(error))
        for name, other in names if body["error"]["param"] else ():
            body["error"]["param"] = name.sub(other, body["error"]["param"])
        return body
    body = error_of(error.failure, error.param)
    body["error"]["code"] = error.word or body["error"]["code"]
    return body
