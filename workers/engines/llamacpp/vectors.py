"""Vectors and ranks of texts, by a model of llama.cpp that was made for it."""

import base64
import math
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from ai_pal.errors import AiPalError, Code, fail
from ai_pal.formats.gguf import RANK
from ai_pal.protocol.options import Ability
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import EmbedTexts, RerankTexts
from workers.engines.base import NO_NUMBERS, Sink
from workers.engines.llamacpp.failures import failure_of
from workers.engines.llamacpp.trial import DAMAGED

TOO_LARGE = re.compile(r"input \((\d+) tokens\) is too large.*size: (\d+)")
T = TypeVar("T")
AT_ONCE = 16
"""Texts between two looks at the cancel flag."""


def of_vectors(pooling: int) -> list[Ability]:
    """What a model can do that writes no text."""
    return ["rerank"] if pooling == RANK else ["embed"]


def embed(server: Any, job: EmbedTexts, sink: Sink, cancelled: Callable[[], bool]) -> None:
    """Report the vectors. Raises `AiPalError` (`bad_request`, `prompt_too_large`, `model_invalid`)."""
    vectors: list[bytes] = []
    tokens = size = 0
    for texts in _some(job.texts):
        if cancelled():
            return sink.cancelled(job.key, Usage(tokens))
        body = {"input": texts, "encoding_format": "base64", "embd_normalize": 2}
        answer = _checked(server.handle_embeddings(body))
        for one in sorted(answer["data"], key=lambda one: int(one["index"])):
            data = base64.b64decode(one["embedding"])
            size = len(data) // 4
            vectors.append(shortened(data, size, job.dimensions))
        tokens += answer.get("usage", {}).get("prompt_tokens", 0)
        sink.step()
    sink.embedded(job.key, b"".join(vectors), job.dimensions or size, Usage(tokens))
    return None


def rerank(server: Any, job: RerankTexts, sink: Sink, cancelled: Callable[[], bool]) -> None:
    """Report the scores. Raises as `embed`."""
    scores: list[float] = []
    tokens = 0
    for texts in _some(job.texts):
        if cancelled():
            return sink.cancelled(job.key, Usage(tokens))
        answer = _checked(server.handle_rerank({"query": job.query, "documents": texts}))
        some = sorted(answer["results"], key=lambda one: int(one["index"]))
        if any(one["relevance_score"] is None for one in some):  # NaN has no name in JSON
            fail(Code.MODEL_INVALID, NO_NUMBERS, DAMAGED)
        scores += [float(one["relevance_score"]) for one in some]
        tokens += answer.get("usage", {}).get("prompt_tokens", 0)
        sink.step()
    sink.reranked(job.key, scores, Usage(tokens))
    return None


def _some(texts: Sequence[T]) -> Iterator[list[T]]:
    return (list(texts[start : start + AT_ONCE]) for start in range(0, len(texts), AT_ONCE))


def _checked(answer: Any) -> Any:
    if isinstance(answer, dict) and "error" in answer:
        failure = failure_of(answer["error"])
        if found := TOO_LARGE.search(failure.message):
            message = f"a text has {found[1]} tokens, the model reads {found[2]} at once"
            fail(Code.PROMPT_TOO_LARGE, message, "cut the text into shorter ones")
        raise AiPalError(failure)
    return answer


def shortened(data: bytes, size: int, dimensions: int) -> bytes:
    """The first `dimensions` numbers of a vector, of length 1 again."""
    if dimensions > size:
        message = f"dimensions: the model's vectors have {size}, not {dimensions}"
        fail(Code.BAD_REQUEST, message, f"ask for at most {size}")
    values = struct.unpack(f"<{size}f", data)[: dimensions or size]
    length = math.hypot(*values) or 1.0
    if not math.isfinite(length):
        fail(Code.MODEL_INVALID, NO_NUMBERS, DAMAGED)
    return struct.pack(f"<{len(values)}f", *(value / length for value in values))
