"""What the supervisor tells of a request, from its acceptance to its end: answers above all."""

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason, PartKind, TokenLogprob
from ai_pal.protocol.usage import Timings, Usage


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of what the supervisor sends."""


class Accepted(Event, tag="accepted", frozen=True):
    """The request was taken: exactly one of done, failed, interrupted or cancelled will follow."""

    id: int


class Queued(Event, tag="queued", frozen=True):
    """The request waits for a free slot of its model; `position` 1 is next."""

    id: int
    position: int


class Loading(Event, tag="loading", frozen=True):
    """The model is being loaded; `progress` in [0, 1] never falls within one load. A `reason` says
    why the load has to wait. With a `node` its files come to that node first, and `progress` is theirs."""

    id: int
    model: str
    progress: float
    reason: str = ""
    node: str = ""


class Reading(Event, tag="reading", frozen=True):
    """The model reads the prompt: `done` of its `total` tokens, those that were kept included. It never
    falls for one model, and comes before the first content only."""

    id: int
    model: str
    done: int
    total: int


class Started(Event, tag="started", frozen=True):
    """The first piece is there: who answers, and why; again when somebody else does. `tier` 1 is a worker on
    this machine, 2 an Ollama server, 3 a cloud, 4 another machine of
    the user's. `remote`: the prompt has left this machine. `prompt_tokens` is how long it is, 0 where that
    is not known yet."""

    id: int
    tier: int
    provider: str
    model: str
    why: str = ""
    score: float | None = None
    remote: bool = False
    prompt_tokens: int = 0


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
    """The probabilities of the tokens from `seq` on, where the request asked for them. Of the `prompt`: of
    all its tokens, at once, before the answer; that of one with nothing before it is minus infinity."""

    id: int
    seq: int
    tokens: list[TokenLogprob]
    prompt: bool = False


class Notice(Event, tag="notice", frozen=True):
    """Something the user should know about this answer: `retry`, `trimmed`, `fallback`, `seam`, ..."""

    id: int
    kind: str
    reason: str


class Done(Event, tag="done", frozen=True):
    """The answer is complete. `cost` is in US dollars; None: nobody knows the price. `stop` is the stop text
    that came, where that is known. `doubt` is how much a model of this machine doubted its own answer, where
    it was watched: the part of its latest doubts about such prompts that were smaller, from 0 to 1. It is
    there too where another has answered for that."""

    id: int
    finish_reason: FinishReason = "stop"
    usage: Usage = Usage()
    timings: Timings = Timings()
    cost: float | None = 0.0
    stop: str = ""
    doubt: float | None = None


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
