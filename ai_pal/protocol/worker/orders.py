"""What the supervisor sends to a worker: what to load, and what to do with it."""

from typing import Any

import msgspec

from ai_pal.protocol.content import Message
from ai_pal.protocol.doubt import Probe
from ai_pal.protocol.option_rules import KvCache
from ai_pal.protocol.options import GenerationOptions

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
