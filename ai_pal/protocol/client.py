"""The conversation between a client and the supervisor: requests one way, events the other."""

from typing import Literal

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason, Message, PartKind, TokenLogprob
from ai_pal.protocol.options import Ability, GenerationOptions
from ai_pal.protocol.usage import Timings, Usage

PROTOCOL = 2
"""Version of this conversation; a client with another major number is refused."""

MAX_FRAME = 8 * 1024 * 1024
"""Bytes a client may send in one frame; more is answered with `frame_too_large`."""


Goal = Literal["", "privacy", "cost", "latency", "quality", "balanced"]
"""What a plan is bent towards; empty is what the settings say."""


Task = Literal[
    "",
    "general",
    "chat",
    "rewriting",
    "extraction",
    "translation",
    "summarization",
    "code",
    "analysis",
    "reasoning",
]
"""Kinds of work; an empty or general one says nothing about how hard a prompt is."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of what a client sends. New fields go last and have defaults."""


class Hello(Request, tag="hello", frozen=True):
    """First message of a connection."""

    protocol: int
    version: str = ""
    client: str = ""


class Chat(Request, tag="chat", frozen=True):
    """Ask for an answer. `id` is chosen by the client, unique among its open requests, above 0.

    `deadline` is in seconds from acceptance for the whole answer. `keep_alive` is in seconds after
    the last request: 0 unloads at once, -1 never. `privacy` "local" keeps the prompt on this machine.
    With `pull` a model that is not here is downloaded first, if it has at most `pull_limit` bytes (0: of
    any size); the request is accepted after that. An empty `model` lets the router choose by the prompt
    and the `goal` (empty: the setting); `openai:gpt-4` names a provider's model. `max_cost` is in US
    dollars for this answer. Without `fallback` only the first of the plan is asked; with
    `continuation` another candidate may go on where one broke off, after a notice of the kind `seam`.
    A `task` says what kind of work it is: it bounds the score of the prompt. `usual_keep_alive` is for a
    model without a setting of its own of which no request has said a `keep_alive`. `pip` is as in `Pull`.
    """

    id: int
    messages: list[Message]
    model: str = ""
    options: GenerationOptions = GenerationOptions()
    deadline: float | None = None
    keep_alive: float | None = None
    privacy: Literal["local", "any"] = "any"
    pull: bool = False
    pull_limit: int = 0
    goal: Goal = ""
    max_cost: float | None = None
    fallback: bool = True
    continuation: bool = False
    task: Task = ""
    usual_keep_alive: float | None = None
    pip: dict[str, str] = msgspec.field(default_factory=dict)


class Cancel(Request, tag="cancel", frozen=True):
    """Stop request `id`; it ends with `cancelled` unless it has ended already."""

    id: int


class Load(Request, tag="load", frozen=True):
    """Load a model ahead of its first request. Ends with `loaded` or `failed`. `pull`, `usual_keep_alive` and
    `pip` as in `Chat`."""

    id: int
    model: str = ""
    keep_alive: float | None = None
    pull: bool = False
    pull_limit: int = 0
    usual_keep_alive: float | None = None
    pip: dict[str, str] = msgspec.field(default_factory=dict)


class Unload(Request, tag="unload", frozen=True):
    """Unload one model, or all when `model` is empty. Busy models are drained first."""

    id: int
    model: str = ""


class Status(Request, tag="status", frozen=True):
    """Ask what the supervisor and its workers are doing. Ends with `status_reply`."""

    id: int


class Stop(Request, tag="stop", frozen=True):
    """Stop the supervisor. Ends with `stopping`; `only_if_idle` refuses while requests run."""

    id: int
    only_if_idle: bool = False


class Goodbye(Request, tag="goodbye", frozen=True):
    """The client leaves; everything it has open is cancelled."""


class Pull(Request, tag="pull", frozen=True):
    """Bring a model onto this machine. Ends with `pulled`, `failed` or `cancelled`. A download that
    others follow too goes on without this client. `pip` holds environment variables of pip (`PIP_INDEX_URL`),
    which go over the supervisor's own where this request begins the download."""

    id: int
    model: str = ""
    pip: dict[str, str] = msgspec.field(default_factory=dict)


class Route(Request, tag="route", frozen=True):
    """Explain what `chat` with the same fields would do, without doing it. Ends with `routed`."""

    id: int
    messages: list[Message]
    model: str = ""
    privacy: Literal["local", "any"] = "any"
    goal: Goal = ""
    max_cost: float | None = None
    fallback: bool = True
    options: GenerationOptions = GenerationOptions()
    task: Task = ""


class Providers(Request, tag="providers", frozen=True):
    """Ask each provider that there is a key for, and Ollama, which models it has. Ends with
    `providers_reply`."""

    id: int


class Complete(Request, tag="complete", frozen=True):
    """Go on with `prompt` as it is, without a template; with a `suffix` say what belongs between the two.
    Answered as `chat` is, by a model of this machine. The other fields as in `Chat`."""

    id: int
    prompt: str
    suffix: str | None = None
    model: str = ""
    options: GenerationOptions = GenerationOptions()
    deadline: float | None = None
    keep_alive: float | None = None
    pull: bool = False
    pull_limit: int = 0
    usual_keep_alive: float | None = None
    pip: dict[str, str] = msgspec.field(default_factory=dict)


class Embed(Request, tag="embed", frozen=True):
    """Turn each text into a vector of length 1. `dimensions` 0 is as many as the model has; fewer are the
    first ones, where the model was made for that. Ends with `embedded`, `failed` or `cancelled`."""

    id: int
    texts: list[str]
    model: str = ""
    dimensions: int = 0
    deadline: float | None = None
    keep_alive: float | None = None
    pull: bool = False
    pull_limit: int = 0
    usual_keep_alive: float | None = None
    pip: dict[str, str] = msgspec.field(default_factory=dict)


class Rerank(Request, tag="rerank", frozen=True):
    """Say how well each of `texts` answers `query`. Ends with `reranked`, `failed` or `cancelled`."""

    id: int
    query: str
    texts: list[str]
    model: str = ""
    deadline: float | None = None
    keep_alive: float | None = None
    pull: bool = False
    pull_limit: int = 0
    usual_keep_alive: float | None = None
    pip: dict[str, str] = msgspec.field(default_factory=dict)


class CountTokens(Request, tag="count_tokens", frozen=True):
    """Say how many tokens the prompt of `chat` with these fields has, template and tools included. It takes
    no slot. Ends with `counted`, `failed` or `cancelled`."""

    id: int
    messages: list[Message]
    model: str = ""
    options: GenerationOptions = GenerationOptions()


class Models(Request, tag="models", frozen=True):
    """Ask which models can be named; with `here` only those that are on this machine. Ends with
    `models_reply`, `failed` or `cancelled`."""

    id: int
    here: bool = False


AnyRequest = (
    Hello
    | Chat
    | Complete
    | Embed
    | Rerank
    | CountTokens
    | Cancel
    | Load
    | Unload
    | Status
    | Stop
    | Goodbye
    | Pull
    | Route
    | Providers
    | Models
)


FINGERPRINT = "fingerprint"
"""The feature of a supervisor that tells by name which settings it runs with."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of what the supervisor sends."""


class Welcome(Event, tag="welcome", frozen=True):
    """Answer to `hello`. `settings` is a digest of the settings the supervisor runs with, `fingerprint` has
    checksums by their names, `model_cache_dir` is where it keeps models. `uptime` is in seconds; below 0 is
    not known."""

    protocol: int
    version: str
    pid: int
    settings: str = ""
    auto_started: bool = False
    features: list[str] = msgspec.field(default_factory=list)
    model_cache_dir: str = ""
    fingerprint: dict[str, str] = msgspec.field(default_factory=dict)
    uptime: float = -1.0


class Accepted(Event, tag="accepted", frozen=True):
    """The request was taken: exactly one of done, failed, interrupted or cancelled will follow."""

    id: int


class Queued(Event, tag="queued", frozen=True):
    """The request waits for a free slot of its model; `position` 1 is next."""

    id: int
    position: int


class Loading(Event, tag="loading", frozen=True):
    """The model is being loaded; `progress` in [0, 1] never falls within one load. A `reason` says
    why the load has to wait."""

    id: int
    model: str
    progress: float
    reason: str = ""


class Reading(Event, tag="reading", frozen=True):
    """The model reads the prompt: `done` of its `total` tokens, those that were kept included. It never
    falls for one model, and comes before the first content only."""

    id: int
    model: str
    done: int
    total: int


class Started(Event, tag="started", frozen=True):
    """The first piece is there: who answers, and why; again when somebody else does. `tier` 1 is a worker on
    this machine, 2 an Ollama server, 3 a cloud. `remote`: the prompt has left this machine."""

    id: int
    tier: int
    provider: str
    model: str
    why: str = ""
    score: float | None = None
    remote: bool = False


class Delta(Event, tag="delta", frozen=True):
    """A piece of one part of the answer. `seq` is the index of its first token over all parts, `n` how many
    tokens it holds: the next delta has `seq + n`. `text` is whole UTF-8.

    `kind` is that of the part and `index` its place in the answer, from 0; parts may grow side by side. The
    first piece of a tool call has its id (`call`) and `name`; `text` is of its arguments. The last piece of
    reasoning may have its `signature`."""

    id: int
    seq: int
    n: int
    text: str
    kind: PartKind = "text"
    index: int = 0
    call: str = ""
    name: str = ""
    signature: str = ""


class Logprobs(Event, tag="logprobs", frozen=True):
    """The probabilities of the tokens from `seq` on, where the request asked for them."""

    id: int
    seq: int
    tokens: list[TokenLogprob]


class Notice(Event, tag="notice", frozen=True):
    """Something the user should know about this answer: `retry`, `trimmed`, `fallback`, `seam`, ..."""

    id: int
    kind: str
    reason: str


class Done(Event, tag="done", frozen=True):
    """The answer is complete. `cost` is in US dollars; None: nobody knows the price."""

    id: int
    finish_reason: FinishReason = "stop"
    usage: Usage = Usage()
    timings: Timings = Timings()
    cost: float | None = 0.0


class Failed(Event, tag="failed", frozen=True):
    """No answer; every reason in the order of the attempts. `id` 0 concerns the connection. `usage` and
    `cost` are those of the attempts: what was only thought is paid for."""

    id: int
    reasons: list[Failure]
    usage: Usage = Usage()
    cost: float | None = 0.0


class Interrupted(Event, tag="interrupted", frozen=True):
    """The answer broke off after content was delivered, which stays valid."""

    id: int
    reason: Failure
    usage: Usage = Usage()
    timings: Timings = Timings()
    cost: float | None = 0.0


class Cancelled(Event, tag="cancelled", frozen=True):
    """The request was cancelled by its client."""

    id: int
    usage: Usage = Usage()
    timings: Timings = Timings()
    cost: float | None = 0.0


class Loaded(Event, tag="loaded", frozen=True):
    """The model is ready. `seconds` is how long this load took, 0 when it was loaded before."""

    id: int
    model: str
    seconds: float = 0.0


class Unloaded(Event, tag="unloaded", frozen=True):
    """These models are gone and their memory with them."""

    id: int
    models: list[str]


class Embedded(Event, tag="embedded", frozen=True):
    """One vector per text, one after the other: 32-bit floats, little-endian, `dimensions` of them each."""

    id: int
    model: str
    dimensions: int
    vectors: bytes
    usage: Usage = Usage()


class Reranked(Event, tag="reranked", frozen=True):
    """The scores of the texts, in their order: the higher, the better it answers."""

    id: int
    model: str
    scores: list[float]
    usage: Usage = Usage()


class Counted(Event, tag="counted", frozen=True):
    """The prompt has so many tokens."""

    id: int
    model: str
    tokens: int


class WorkerStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model's worker. Memory is resident bytes, `reserved` the bytes it was estimated to need at most;
    `abilities` is what it can be asked for, where that is known; `idle_for` and `unloads_in` are seconds."""

    model: str
    state: str
    engine: str = ""
    pid: int | None = None
    progress: float = 0.0
    memory: int = 0
    active: int = 0
    queued: int = 0
    requests: int = 0
    restarts: int = 0
    context: int = 0
    slots: int = 0
    idle_for: float | None = None
    unloads_in: float | None = None
    keep_alive: float = 0.0
    reason: str = ""
    reserved: int = 0
    pinned: bool = False
    abilities: list[Ability] = msgspec.field(default_factory=list)


class StatusReply(Event, tag="status_reply", frozen=True):
    """The supervisor and its workers. `uptime` in seconds, `memory` in resident bytes."""

    id: int
    version: str
    pid: int
    uptime: float
    endpoint: str
    auto_started: bool = False
    clients: int = 0
    memory: int = 0
    workers: list[WorkerStatus] = msgspec.field(default_factory=list)


class Stopping(Event, tag="stopping", frozen=True):
    """The supervisor is on its way out."""

    id: int


class Pulling(Event, tag="pulling", frozen=True):
    """A model is being downloaded. Bytes, bytes per second, seconds; `total` 0 is not known yet.
    `variant` names the form of the model that was chosen, `why` the reason."""

    id: int
    model: str
    done: int = 0
    total: int = 0
    speed: float = 0.0
    remaining: float | None = None
    variant: str = ""
    why: str = ""


class Pulled(Event, tag="pulled", frozen=True):
    """The model is on this machine, at `path`, with `size` bytes; `commit` is its revision on the hub."""

    id: int
    model: str
    path: str
    size: int = 0
    variant: str = ""
    why: str = ""
    commit: str = ""


class Feature(msgspec.Struct, frozen=True):
    """What moved a score: up where `weight` is above 0."""

    name: str
    weight: float


RULED_OUT = "ruled_out"
"""The state of a candidate that is not asked."""


class RouteCandidate(msgspec.Struct, frozen=True, omit_defaults=True):
    """One candidate of a plan. `position` is its place from 1, 0 for one that is `RULED_OUT`, with the
    `failure` that says why. Expected `cost` in US dollars and `seconds` to the first token, where known;
    `remote`: the prompt would leave this machine."""

    tier: int
    provider: str
    model: str
    position: int = 0
    state: str = ""
    why: str = ""
    cost: float | None = None
    seconds: float | None = None
    remote: bool = False
    failure: Failure | None = None


class Routed(Event, tag="routed", frozen=True):
    """Answer to `route`: the complexity `score` from 0 to 1, what moved it most, and the candidates in the
    order in which they would be asked, ruled out ones last."""

    id: int
    score: float
    goal: str
    features: list[Feature] = msgspec.field(default_factory=list)
    candidates: list[RouteCandidate] = msgspec.field(default_factory=list)


class ProviderStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """One provider: the `models` that it would be asked for and those that it `offers`, or the `failure` that
    says why that is not known."""

    name: str
    api: str
    models: list[str]
    offers: list[str] = msgspec.field(default_factory=list)
    failure: Failure | None = None


class ProvidersReply(Event, tag="providers_reply", frozen=True):
    """Answer to `providers`."""

    id: int
    providers: list[ProviderStatus] = msgspec.field(default_factory=list)


class ModelInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model that can be named. `state` is as in `ai-pal list`, `purpose` what its files say it was made
    for; `size` in bytes, `last_used` in seconds since the epoch."""

    name: str
    state: str
    here: bool = False
    purpose: str = "chat"
    size: int = 0
    source: str = ""
    path: str = ""
    about: str = ""
    licence: str = ""
    revision: str = ""
    last_used: float | None = None


class ModelsReply(Event, tag="models_reply", frozen=True):
    """Answer to `models`, by name."""

    id: int
    models: list[ModelInfo] = msgspec.field(default_factory=list)


AnyEvent = (
    Welcome
    | Accepted
    | Queued
    | Loading
    | Reading
    | Started
    | Delta
    | Logprobs
    | Notice
    | Done
    | Failed
    | Interrupted
    | Cancelled
    | Loaded
    | Unloaded
    | StatusReply
    | Stopping
    | Pulling
    | Pulled
    | Routed
    | Embedded
    | Reranked
    | Counted
    | ProvidersReply
    | ModelsReply
)

TERMINAL = (Done, Failed, Interrupted, Cancelled)
"""Exactly one of these ends every accepted chat request."""

ENDS: dict[type[Request], type[Event]] = {
    Chat: Done,
    Complete: Done,
    Embed: Embedded,
    Rerank: Reranked,
    CountTokens: Counted,
    Load: Loaded,
    Unload: Unloaded,
    Status: StatusReply,
    Stop: Stopping,
    Pull: Pulled,
    Route: Routed,
    Providers: ProvidersReply,
    Models: ModelsReply,
}
"""What a request ends with when it has worked; `failed` and `cancelled` end any, `interrupted` an answer."""

ENDING: frozenset[type[Event]] = frozenset((*TERMINAL, *ENDS.values()))
"""Behind one of these nothing more comes of its request: the id is free."""


class ForwardedDelta(Event, tag="delta", frozen=True):
    """A `Delta` whose text stays as the bytes that came from the worker: routed, never decoded."""

    id: int
    seq: int
    n: int
    text: msgspec.Raw
    kind: PartKind = "text"
    index: int = 0
    call: str = ""
    name: str = ""
    signature: str = ""


encode = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(AnyRequest).decode
decode_event = msgspec.msgpack.Decoder(AnyEvent).decode
