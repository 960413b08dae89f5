"""The conversation between the supervisor and one model worker."""

from typing import Any

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason, Message, PartKind, TokenLogprob
from ai_pal.protocol.doubt import Doubt, Probe
from ai_pal.protocol.option_rules import KvCache
from ai_pal.protocol.options import Ability, GenerationOptions
from ai_pal.protocol.usage import Usage

EXIT_RETRY = 75
"""Exit code of a worker whose load failed and may work another time (EX_TEMPFAIL)."""

EXIT_NEVER = 78
"""Exit code of a worker whose load failed and will fail again (EX_CONFIG)."""

SAID_ON_STDERR = "(why is said on stderr)"
"""The detail of a refused load of which the library's log alone says why: the supervisor reads it there."""

LARGEST_DEFAULT_CONTEXT = 8192
"""Tokens of the window at most that a load gets which has not asked for more."""


class Share(msgspec.Struct, frozen=True):
    """A part of a model on one device: so many of its blocks (layers, and with llama.cpp the output as the
    last one), the bytes that they take when they are loaded, and those that requests add."""

    device: str
    blocks: int
    loaded: int = 0
    growth: int = 0


class Gang(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model over several nodes, whose processes meet at the first of their `addresses`, on `port`: on each
    node so many `cards`, of whose memory it takes this part."""

    addresses: list[str]
    port: int
    cards: int
    part: float


class ToWorker(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of what the supervisor sends."""


class LoadModel(ToWorker, tag="load_model", frozen=True):
    """First message after the worker's hello: what to load and with which settings.

    `path` is a local file or folder, `threads` 0 leaves the choice to the worker, `context` 0 means the
    model's own window up to the engine's default, `kv_cache` None leaves it to the engine, `device` "" and
    `gpu_layers` -1 to what fits, `options` are engine-specific. `placement` is what lies on devices, the last
    blocks of the model; None leaves that to the worker. A worker of a `gang` is the first of its processes,
    which speaks for all. `sampling` holds for requests that say nothing else.
    With `vocabulary` nothing is loaded but what counts tokens.
    `prefixes` is the folder with one folder for each kept conversation, in which what the model has read of
    it may be saved when the worker is told to end: `prefix_bytes` in all, 0 saves nothing.
    With `own_windows` there is memory for a window of each slot; else all slots share one (`windows`).
    `reads` is how many tokens of a prompt the model was seen to read in a second, 0 for never.
    Text is gathered for `delta_interval` seconds, but the first of each answer; 0 sends each piece at once.
    """

    model: str
    engine: str
    path: str = ""
    threads: int = 0
    context: int = 0
    slots: int = 0
    kv_cache: KvCache | None = None
    device: str = ""
    gpu_layers: int = -1
    placement: list[Share] | None = None
    gang: Gang | None = None
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    sampling: GenerationOptions = GenerationOptions()
    vocabulary: bool = False
    prefixes: str = ""
    prefix_bytes: int = 0
    own_windows: bool = False
    reads: float = 0.0
    delta_interval: float = 0.0


class Prepare(ToWorker, tag="prepare", frozen=True):
    """To a spare worker: import this engine now, `load_model` follows some day."""

    engine: str


class Generate(ToWorker, tag="generate", frozen=True):
    """Produce an answer. `key` is the supervisor's number for the request, `conversation` as in
    `client.Chat`. With `watch` the answer comes with `Watched` and ends with a `Doubt`; with a `probe` the
    worker tells `Probed` before the first delta, or leaves it where it would cost more than it is worth.
    Neither changes a token of the answer."""

    key: int
    messages: list[Message]
    options: GenerationOptions = GenerationOptions()
    conversation: str = ""
    watch: bool = False
    probe: Probe | None = None


class CompleteText(ToWorker, tag="complete_text", frozen=True):
    """Go on with `prompt` (a text, or the tokens of one) as it is, without a template; with a `suffix` say
    what belongs between the two (fill in the middle). Answered as `Generate` is; with `prompt_logprobs` after
    the `Probabilities` of the prompt's own tokens."""

    key: int
    prompt: str | list[int]
    suffix: str | None = None
    options: GenerationOptions = GenerationOptions()
    prompt_logprobs: bool = False


class EmbedTexts(ToWorker, tag="embed_texts", frozen=True):
    """Turn each text, or the tokens of one, into a vector of length 1; `dimensions` 0 is as many as the model
    has. `truncate` cuts a text that is too long. Ends with `embedded`, `generation_cancelled` or
    `generation_failed`."""

    key: int
    texts: list[str | list[int]]
    dimensions: int = 0
    truncate: bool = False


class RerankTexts(ToWorker, tag="rerank_texts", frozen=True):
    """Say how well each of `texts` answers `query`. Ends with `reranked`, or as `EmbedTexts` does."""

    key: int
    query: str
    texts: list[str]


class CountTokens(ToWorker, tag="count_tokens", frozen=True):
    """Say how many tokens the prompt of `Generate` with these fields would have. Ends with `counted`, or as
    `EmbedTexts` does. It takes no slot."""

    key: int
    messages: list[Message]
    options: GenerationOptions = GenerationOptions()


class CancelGeneration(ToWorker, tag="cancel_generation", frozen=True):
    """Stop within one engine step; answered by `generation_cancelled` or an end on its way."""

    key: int


AnyToWorker = (
    LoadModel | Prepare | Generate | CompleteText | EmbedTexts | RerankTexts | CountTokens | CancelGeneration
)


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
    long; then it ends at `total` before the first text."""

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


AnyFromWorker = (
    WorkerHello
    | LoadProgress
    | Ready
    | LoadFailed
    | Beat
    | Deltas
    | Probabilities
    | Watched
    | Probed
    | Trimmed
    | Embedded
    | Reranked
    | Counted
    | Reading
    | GenerationDone
    | GenerationCancelled
    | GenerationFailed
)

encode = msgspec.msgpack.Encoder().encode
decode_to_worker = msgspec.msgpack.Decoder(AnyToWorker).decode
decode_from_worker = msgspec.msgpack.Decoder(AnyFromWorker).decode
