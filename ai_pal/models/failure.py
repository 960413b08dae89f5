"""What is raised when every way to answer on this machine has failed."""

from collections.abc import Sequence

from ai_pal.errors import AiPalError, Code, Failure, main_reason

_ABOUT_THE_REQUEST = frozenset(
    {
        *(Code.BAD_REQUEST, Code.EMPTY_PROMPT, Code.PROMPT_TOO_LARGE, Code.FRAME_TOO_LARGE),
        *(Code.SCHEMA_INVALID, Code.IMAGE_INVALID, Code.IMAGE_TOO_LARGE),
        *(Code.DEADLINE_EXCEEDED, Code.MODEL_NOT_FOUND),
    }
)


class LocalMethodsError(AiPalError, RuntimeError):
    """A `RuntimeError` too, as people know it. `failures` are the reasons, in the order of the attempts."""

    def __init__(self, model: str, failures: Sequence[Failure]) -> None:
        super().__init__(main_reason(failures))
        self.failures = tuple(failures)
        told = "; ".join(failure.message for failure in failures)
        self.args = (f"All local methods failed for {model or 'the default model'}: {told}",)


def local_failure(model: str, failures: Sequence[Failure]) -> AiPalError:
    """The error for a request that failed: one about the request itself says nothing of methods."""
    reason = main_reason(failures)
    if reason.code in _ABOUT_THE_REQUEST:
        return AiPalError(reason)
    return LocalMethodsError(model, failures)
