"""What goes wrong while a prompt is read, as the failure of its request."""

from collections.abc import Callable

from ai_pal.errors import AiPalError, Code, Failure
from workers.log import cause, log


def attempt(key: int, act: Callable[[], None]) -> Failure | None:
    """Do it; why it failed, if it did."""
    try:
        act()
    except AiPalError as error:
        return error.failure
    except Exception as error:  # noqa: BLE001 - tokenizers raise anything, the worker goes on
        log("error", "a prompt could not be read", key=key, reason=cause(error))
        return Failure(Code.ENGINE_ERROR, f"the prompt could not be read: {error}")
    return None
