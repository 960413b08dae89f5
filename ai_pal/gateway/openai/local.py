"""What OpenAI's doors are asked for beside what OpenAI publishes, the same on each: local servers have it."""

from typing import Any

from ai_pal.gateway import wishes
from ai_pal.gateway.engine_sampling import EngineSampling, said_of


class Local(EngineSampling, kw_only=True):
    """None says nothing."""

    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    num_ctx: int | None = None
    keep_alive: str | float | None = None


def local_wishes(asked: Local) -> dict[str, Any]:
    """These as keywords of any client. Raises `BodyError`."""
    return {
        "top_k": asked.top_k,
        "min_p": asked.min_p,
        "repeat_penalty": asked.repeat_penalty,
        "context": asked.num_ctx,
        "keep_alive": wishes.keep_alive(asked.keep_alive),
        "extra": said_of(asked) or None,
    }
