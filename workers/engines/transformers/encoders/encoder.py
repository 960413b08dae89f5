"""Models that turn texts into vectors, or judge how well texts answer a query: one job after the other."""

from collections.abc import Sequence
from typing import Any

import torch

from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import EmbedTexts, RerankTexts
from workers.engines.base import NO_NUMBERS, Job, Sink
from workers.engines.transformers.batch.inbox import Inbox
from workers.engines.transformers.decoding.sampling import UNUSABLE
from workers.engines.transformers.encoders.pooling import Layout, Pooler, all_texts
from workers.log import cause, log

TOKENS_AT_ONCE = 4096
"""Of a batch, what fills it up included; between two batches a cancellation is heard."""
Rows = list[list[int]]


class Encoder:
    """`start` may be called from any thread; all else happens in `run`. With a `layout` it makes vectors,
    without one it ranks."""

    def __init__(
        self,
        inbox: Inbox[EmbedTexts | RerankTexts],
        model: Any,
        tokenizer: Any,
        layout: Layout | None,
        context: int,
        sink: Sink,
    ) -> None:
        self._inbox, self._model, self._tokenizer, self._sink = inbox, model, tokenizer, sink
        self._layout, self._context = layout, context
        self._pooler = Pooler(layout, model.device) if layout is not None else None

    def start(self, job: Job) -> None:
        """Raises `AiPalError` (`unsupported`)."""
        wanted = EmbedTexts if self._layout is not None else RerankTexts
        if not isinstance(job, wanted):
            does = "turns texts into vectors" if self._layout is not None else "ranks texts"
            fail(Code.UNSUPPORTED, f"this model {does} and writes none", "ask a model that was made for this")
        if not job.texts:
            fail(Code.BAD_REQUEST, "there is no text")
        self._inbox.open(job.key)
        self._inbox.put(job)

    def run(self) -> None:
        """Serve until closed."""
        while (job := self._next()) is not None:
            try:
                self._do(job)
            except AiPalError as error:
                self._sink.failed(job.key, error.failure)
            except Exception as error:  # noqa: BLE001 - this thread must outlive whatever is raised
                log("error", "a job failed", key=job.key, reason=cause(error))
                failure = Failure(
                    Code.ENGINE_ERROR, f"the model failed on this request: {error}", retryable=True
                )
                self._sink.failed(job.key, failure)
            self._inbox.forget(job.key)

    def _next(self) -> EmbedTexts | RerankTexts | None:
        self._inbox.wait()
        return None if self._inbox.closed else self._inbox.take()

    def _do(self, job: EmbedTexts | RerankTexts) -> None:
        rows, kinds = self._tokens(job)
        self._check(job, rows)
        usage = Usage(prompt_tokens=sum(map(len, rows)))
        results: list[Any] = [None] * len(rows)
        for places in batches([len(row) for row in rows]):
            if self._inbox.closed or job.key in self._inbox.cancelled():
                self._sink.cancelled(job.key, usage)
                return
            for place, result in zip(places, self._compute(job, rows, kinds, places), strict=True):
                results[place] = result
            self._sink.step()
        stacked = torch.stack(results)
        if not stacked.isfinite().all():
            fail(Code.MODEL_INVALID, NO_NUMBERS, UNUSABLE)
        if isinstance(job, EmbedTexts):
            self._sink.embedded(job.key, stacked.numpy().astype("<f4").tobytes(), stacked.shape[1], usage)
        else:
            self._sink.reranked(job.key, [float(score) for score in results], usage)

    def _tokens(self, job: EmbedTexts | RerankTexts) -> tuple[Rows, Rows | None]:
        if isinstance(job, RerankTexts):
            encoded = self._tokenizer([job.query] * len(job.texts), job.texts)
            return encoded["input_ids"], encoded.get("token_type_ids")
        texts = [text for text in job.texts if isinstance(text, str)]
        cut = {"truncation": True, "max_length": self._context} if job.truncate else {}
        encoded = self._tokenizer(all_texts(self._layout or Layout([]), texts), **cut) if texts else {}
        rows, kinds = iter(encoded.get("input_ids", ())), encoded.get("token_type_ids")
        most = self._context if job.truncate else None
        found = [next(rows) if isinstance(text, str) else text[:most] for text in job.texts]
        if kinds is None or len(texts) == len(job.texts):
            return found, kinds
        of_texts = iter(kinds)  # tokens are one part
        return found, [
            next(of_texts) if isinstance(text, str) else [0] * len(row)
            for text, row in zip(job.texts, found, strict=True)
        ]

    def _check(self, job: EmbedTexts | RerankTexts, rows: Rows) -> None:
        known = self._model.config.vocab_size
        for place, (text, row) in enumerate(zip(job.texts, rows, strict=True)):
            if not isinstance(text, str) and not (row and all(0 <= token < known for token in row)):
                fail(Code.BAD_REQUEST, f"text {place + 1} is none of the model's {known} tokens")
            if len(row) > self._context:
                fail(
                    Code.PROMPT_TOO_LARGE,
                    f"text {place + 1} has {len(row)} tokens, the model's window holds {self._context}",
                    "give it in pieces",
                )
        size = self._model.config.hidden_size
        if isinstance(job, EmbedTexts) and not 0 <= job.dimensions <= size:
            fail(Code.BAD_REQUEST, f"{job.dimensions} dimensions are wanted, the model has {size}")

    def _compute(
        self, job: EmbedTexts | RerankTexts, rows: Rows, kinds: Rows | None, places: Sequence[int]
    ) -> torch.Tensor:
        longest = max(len(rows[place]) for place in places)
        padding = self._tokenizer.pad_token_id or 0

        def filled(values: Rows, filler: int) -> torch.Tensor:
            lists = [values[place] + [filler] * (longest - len(values[place])) for place in places]
            return torch.tensor(lists, device=self._model.device)

        mask = filled([[1] * len(row) for row in rows], 0)
        inputs = {"input_ids": filled(rows, padding), "attention_mask": mask}
        if kinds is not None:
            inputs["token_type_ids"] = filled(kinds, 0)
        with torch.inference_mode():
            output = self._model(**inputs)
            if isinstance(job, EmbedTexts) and self._pooler is not None:
                vectors: torch.Tensor = self._pooler.vectors(
                    output.last_hidden_state, mask, job.dimensions
                ).cpu()
                return vectors
            scores: torch.Tensor = output.logits[:, 0].float().cpu()
            return scores


def batches(lengths: Sequence[int], most: int = TOKENS_AT_ONCE) -> list[list[int]]:
    """Places of rows that are computed together: those of like length, filled up to the longest."""
    result: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda one: lengths[one]):
        if result and lengths[place] * (len(result[-1]) + 1) <= most:
            result[-1].append(place)
        else:
            result.append([place])
    return result
