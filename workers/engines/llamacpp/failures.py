"""What llama.cpp refuses and what breaks in it, as failures of one request."""

from collections.abc import Callable
from typing import Any

from ai_pal.errors import AiPalError, Code, Failure
from workers.engines.base import OTHER_TURNS, TEMPLATE_REFUSES
from workers.engines.llamacpp.rendering import TEMPLATE_REFUSAL
from workers.engines.unix_http import RefusedError
from workers.log import cause, log

ERRORS = {
    "exceed_context_size_error": Code.PROMPT_TOO_LARGE,
    "invalid_request_error": Code.BAD_REQUEST,
}
NO_CELLS = "Context size has been exceeded."
"""What llama.cpp tells all that runs, and ends it, when no cell of their cache is left. One that is too large
for the window by itself is told something else."""
EXECUTING, TEMPLATE_FAILED, RAISED = "While executing ", "\nError: ", "Jinja Exception: "
"""How llama.cpp reports what went wrong in a template, and what one has raised."""


def failure_of(error: dict[str, Any]) -> Failure:
    """What the engine's error object means."""
    code = ERRORS.get(str(error.get("type")), Code.ENGINE_ERROR)
    message = str(error.get("message", error))
    if words := template_words(error):
        return Failure(Code.BAD_REQUEST, f"{TEMPLATE_REFUSES}: {words}", OTHER_TURNS)
    if code is Code.PROMPT_TOO_LARGE:
        prompt, window = error.get("n_prompt_tokens"), error.get("n_ctx")
        message = f"the prompt has {prompt} tokens, the model's window holds {window}"
    hint = "" if code is Code.ENGINE_ERROR else "change the request; the same one will fail again"
    return Failure(code, message, hint, retryable=code is Code.ENGINE_ERROR)


def is_crowded_out(failure: Failure | None) -> bool:
    """Whether others took the cells that it needed."""
    return failure is not None and failure.code is Code.ENGINE_ERROR and failure.message == NO_CELLS


def template_words(error: dict[str, Any]) -> str:
    """What a chat template says itself, rendered here, or at the end of llama.cpp's report; "" where this is
    none."""
    message = str(error.get("message", ""))
    if error.get("type") == TEMPLATE_REFUSAL:
        return message
    _, found, words = message.rpartition(TEMPLATE_FAILED)
    return words.removeprefix(RAISED).strip() if found and EXECUTING in message else ""


def attempt(key: int, work: Callable[[], None]) -> Failure | None:
    """Do the work of a request; why it failed, if it did."""
    try:
        work()
    except AiPalError as error:
        return error.failure
    except ValueError as error:
        if template_words(told := {"message": str(error)}):
            return failure_of(told)
        return Failure(Code.BAD_REQUEST, f"the engine refused the request: {error}")
    except RefusedError as error:
        return failure_of(error.error or {"message": str(error)})
    except Exception as error:  # noqa: BLE001 - engines raise anything, the worker goes on
        log("error", "the engine failed a request", request=key, reason=cause(error))
        return Failure(Code.ENGINE_ERROR, f"the engine failed: {error}", retryable=True)
    return None
