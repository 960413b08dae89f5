"""The supervisor that runs already, for commands that never start one."""

from typing import TYPE_CHECKING

from ai_pal.errors import AiPalError, Code, Failure

if TYPE_CHECKING:
    from ai_pal.client import Client

NOT_RUNNING = Failure(
    Code.SUPERVISOR_UNREACHABLE,
    "no supervisor is running",
    "`ai-pal chat` starts one in the background, `ai-pal supervise` in the foreground",
)


def running() -> "Client":
    """A client of this user's supervisor. Raises `AiPalError` (`supervisor_unreachable`)."""
    from ai_pal.client import Client
    from ai_pal.client.daemon import endpoint

    try:
        return Client(endpoint())
    except AiPalError as error:
        if error.code == Code.SUPERVISOR_UNREACHABLE:
            raise AiPalError(NOT_RUNNING) from error
        raise
