"""What a worker sends to the supervisor: how its load goes, what its model writes, and how each job ends."""

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason, PartKind, TokenLogprob
from ai_pal.protocol.doubt import Doubt
from ai_pal.protocol.options import Ability
from ai_pal.protocol.usage import Usage

EXIT_RETRY = 75
"""Exit code of a worker whose load failed and may work another time (EX_TEMPFAIL)."""

EXIT_NEVER = 78
"""Exit code of a worker whose load failed and will fail again (EX_CONFIG)."""

SAID_ON_STDERR = "(why is said on stderr)"
"""The detail of a refused load of which the library's log alone says why: the supervisor reads it there."""


class FromWorker(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of what a worker sends."""


class WorkerHello(FromWorker, tag="worker_hello", frozen=True):
    """The worker runs. Its socket identity is its worker id and incarnation."""

    pid: int
    version: str = ""


class LoadProgress(FromWorker, tag="load_progress", frozen=True):
    """How far the load is, in [0, 1]."""

    fraction: float


class Ready(FromWorker, tag="ready", frozen=True):
    """The model answers. `slots` requests run together, each in a window of `context` tokens; `abilities` is
    what it can be asked for."""

    slots: int
    context: int
    seconds: float = 0.0
    engine: str = ""
    threads: int = 0
    abilities: list[Ability] = msgspec.field(default_factory=lambda: ["chat"])


class LoadFailed(FromWorker, tag="load_failed", frozen=True):
    """The model will not load; the worker exits after this."""

    failure: Failure


class Beat(FromWorker, tag="beat", frozen=True):
    """Sent from the worker's own loop every second. `steps` counts engine steps (decode steps and
    prefill chunks) since the start and stands still while the engine does."""

    steps: int
    active: int


class DeltaItem(msgspec.Struct, frozen=True, array_like=True):
    """A piece of one part of an answer; the fields are those of `client.Delta`. `text` is an encoded
    string. What is as it is by default is left out, from the end."""

    key: int
    seq: int
    n: int
    text: msgspec.Raw
    kind: PartKind = "text"
    index: int = 0
    call: str = ""
    name: str = ""
    signature: str = ""


class Deltas(FromWorker, tag="deltas", frozen=True):
    """All text that waited when the worker's loop came round, over all its requests."""

    items: list[DeltaItem]


class Probabilities(FromWorker, tag="probabilities", frozen=True):
    """As `client.Logprobs`; comes right behind the deltas that its tokens are in, that of the prompt before
    all of them."""

    key: int
    seq: int
    tokens: list[TokenLogprob]
    prompt: bool = False


class Watched(FromWorker, tag="watched", frozen=True):
    """How unsure the model was of each of the first `doubt.FIRST_TOKENS` tokens of the answer, thoughts left
    out, in their order, and how probable that token was: entropy and logarithm of the probability in nats,
    one number per token. Comes right before the deltas that the tokens are in. llama.cpp's entropies are of
    its likeliest tokens, with a guess for all others. Who knows no probabilities (llama.cpp while it guesses
    ahead) sends none."""

    key: int
    entropies: list[float]
    logprobs: list[float]


class Probed(FromWorker, tag="probed", frozen=True):
    """The entropy behind the probe, in nats: over the texts that it is `among`, else over all tokens. Comes
    at most once, before the first delta."""

    key: int
    entropy: float


class Trimmed(FromWorker, tag="trimmed", frozen=True):
    """The conversation did not fit: `dropped` oldest turns were left out."""

    key: int
    dropped: int
    context: int


class Reading(FromWorker, tag="reading", frozen=True):
    """`done` of the prompt's `total` tokens are read, kept ones included. Now and then where it takes
    long; it ends at `total` before the first text, of engines that know of it."""

    key: int
    done: int
    total: int


class Embedded(FromWorker, tag="embedded", frozen=True):
    """One vector per text, one after the other: 32-bit floats, little-endian, `dimensions` of them each."""

    key: int
    vectors: bytes
    dimensions: int
    usage: Usage = Usage()


class Reranked(FromWorker, tag="reranked", frozen=True):
    """The scores of the texts in their order: the higher, the better it answers."""

    key: int
    scores: list[float]
    usage: Usage = Usage()


class Counted(FromWorker, tag="counted", frozen=True):
    """The prompt would have so many tokens."""

    key: int
    tokens: int


class GenerationDone(FromWorker, tag="generation_done", frozen=True):
    """The answer is complete. Seconds as the engine measured them. `seq` is where the next delta would
    begin: a last one that was lost is noticed too. `repeats`: it was ended because it said the same over
    and over (`GenerationOptions.stop_repeating`). `stop` is the stop text that came. `doubt` is there where
    the answer was watched."""

    key: int
    finish_reason: FinishReason
    usage: Usage
    prefill: float = 0.0
    decode: float = 0.0
    seq: int = -1
    repeats: bool = False
    stop: str = ""
    doubt: Doubt | None = None


class GenerationCancelled(FromWorker, tag="generation_cancelled", frozen=True):
    """The generation stopped because it was asked to."""

    key: int
    usage: Usage = Usage()


class GenerationFailed(FromWorker, tag="generation_failed", frozen=True):
    """The engine refused or failed this one request; the worker goes on."""

    key: int
    failure: Failure
