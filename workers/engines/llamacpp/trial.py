"""One token of a model that was just loaded: whether its weights give numbers. Later nobody would see it:
llama.cpp writes some token over and over."""

from typing import Any

from ai_pal.errors import Code, Failure, fail
from workers.engines.base import NO_NUMBERS

BODY = {
    "prompt": "x",
    "n_predict": 1,
    "n_probs": 1,
    "temperature": 0.0,
    "ignore_eos": True,
    "cache_prompt": False,
    "stream": False,
}
DAMAGED = "they are damaged: fetch the model again, or use another version of it"
NO_NUMBER = Failure(Code.ENGINE_ERROR, "the model computed no usable number for its next token", DAMAGED)


def try_out(engine: Any) -> None:
    """Raises `AiPalError` (`model_invalid`). What else may go wrong is left to those who ask."""
    try:
        answer = engine.handle_completions(BODY)
    except (ValueError, RuntimeError):
        return
    choices = answer.get("choices") if isinstance(answer, dict) else None
    said = (choices[0].get("logprobs") or {}).get("content") if choices else None
    if said and said[0].get("logprob", 0.0) is None:  # NaN has no name in JSON
        fail(Code.MODEL_INVALID, NO_NUMBERS, DAMAGED)
