"""The interface of engines: what the worker's loop calls (`Engine`), and where it hears back (`Sink`)."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from ai_pal.errors import Failure
from ai_pal.protocol.content import Audio, FinishReason, Image, PartKind, TokenLogprob
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import (
    CompleteText,
    CountTokens,
    EmbedTexts,
    Generate,
    LoadModel,
    Ready,
    RerankTexts,
)

Job = Generate | CompleteText | EmbedTexts | RerankTexts | CountTokens
"""What an engine can be asked for. `Ready.abilities` says which of them, and which parts and options of
them, the model can do: the loop refuses all others."""

Blob = memoryview | bytes


class OpenPart(NamedTuple):
    """A part of an answer while it grows: its kind, its place from 0, and of a tool call the id and name."""

    kind: PartKind = "text"
    place: int = 0
    call: str = ""
    name: str = ""


ANSWER = OpenPart()
"""The only part of a plain answer."""

TEMPLATE_REFUSES = "the model's chat template refuses this conversation"
OTHER_TURNS = "begin anew, or say it in turns that this model takes"
NO_NUMBERS = "the model's weights give no numbers"


def bytes_of(part: Image | Audio, blobs: Sequence[Blob]) -> Blob:
    """The bytes of an attachment, not copied. The loop has seen to it that its frame is there."""
    return blobs[part.frame - 1] if part.frame else part.data


class Sink(Protocol):
    """Where an engine reports. Safe to call from any thread; never blocks on the network.

    For `Generate` and `CompleteText`: any number of `delta`, then exactly one of `done`, `cancelled`,
    `failed`. For the others exactly one of `embedded`, `reranked`, `counted`, or `cancelled`, `failed`.
    """

    def step(self) -> None:
        """The engine made one step (a decode step or a prefill chunk): it is alive."""

    def progress(self, fraction: float) -> None:
        """The load has come this far, in [0, 1]."""

    def delta(self, key: int, text: str, n: int = 1, part: OpenPart = ANSWER) -> None:
        """`n` tokens' worth of whole UTF-8 text of this part of the answer. The first of a tool call may be
        empty: it tells of the call."""

    def logprobs(self, key: int, tokens: list[TokenLogprob]) -> None:
        """How probable the tokens were that the last `delta` (or, with `n` tokens, the last ones) brought."""

    def prompt_logprobs(self, key: int, tokens: list[TokenLogprob]) -> None:
        """How probable the prompt's own tokens were, all of them, before the first `delta`; the first of all
        has minus infinity where nothing goes before it."""

    def watched(self, key: int, entropies: Sequence[float], logprobs: Sequence[float]) -> None:
        """Where the job is to be watched: how unsure the model was of each token that the next `delta`
        brings, and how probable it was, in nats. Nothing of thoughts."""

    def probed(self, key: int, entropy: float) -> None:
        """What came of the job's probe, in nats, before the first `delta`."""

    def trimmed(self, key: int, dropped: int, context: int) -> None:
        """The oldest `dropped` turns were left out so that the rest fits `context` tokens."""

    def reading(self, key: int, done: int, total: int) -> None:
        """`done` of the prompt's `total` tokens are read: once when it begins, with what was kept, and after
        each chunk. What the sink passes on is up to it."""

    def done(
        self,
        key: int,
        finish_reason: FinishReason,
        usage: Usage,
        prefill: float,
        decode: float,
        stop: str = "",
    ) -> None:
        """The answer is complete; `stop` is the stop text that came."""

    def embedded(self, key: int, vectors: bytes, dimensions: int, usage: Usage) -> None:
        """The vectors of all texts, one after the other: little-endian 32-bit floats, of length 1 each."""

    def reranked(self, key: int, scores: list[float], usage: Usage) -> None:
        """The scores of all texts, in their order."""

    def counted(self, key: int, tokens: int) -> None:
        """The prompt has so many tokens: as many as `done` would report for it."""

    def cancelled(self, key: int, usage: Usage) -> None:
        """The job stopped because `cancel` was called."""

    def failed(self, key: int, failure: Failure) -> None:
        """This job failed; the engine goes on."""


@runtime_checkable
class SavesPrefixes(Protocol):
    """An engine that can save what it has read of kept conversations."""

    def save_prefixes(self, seconds: float) -> None:
        """Save it within this time, as far as that goes; what runs is stopped. The end comes after it."""


class Engine(Protocol):
    """One loaded model. All methods are called from the worker's loop and return quickly,
    except `load`, which may block."""

    def load(self, spec: LoadModel, sink: Sink) -> Ready:
        """Load the model. Raises `AiPalError` (`engine_missing`, `model_invalid`, ...)."""

    def start(self, job: Job, blobs: Sequence[Blob]) -> None:
        """Begin a job, `blobs` are the frames of its attachments. At most `Ready.slots` run at once, and
        some `CountTokens` beside them. Reports go to the sink. Raises `AiPalError` for what it refuses:
        `unsupported` for what this model cannot do."""

    def cancel(self, key: int) -> None:
        """Stop within one step. Unknown or ended keys are ignored."""

    def close(self) -> None:
        """Stop everything. The process ends right after."""
