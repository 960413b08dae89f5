"""What clients ask of the supervisor."""

from typing import Literal

import msgspec

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions

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

Escalate = Literal["", "off", "ask", "auto", "stronger"]
"""What becomes of an answer that a model of this machine doubts; empty is what the settings say."""

Privacy = Literal["local", "mine", "any"]
"""Where a prompt may go: it stays on this machine, on machines of the user's that the settings name and pin,
or goes anywhere that was agreed to."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of what a client sends. New fields go last and have defaults."""


class Hello(Request, tag="hello", frozen=True):
    """First message of a connection. `serves` is where this program answers others, if it does."""

    protocol: int
    version: str = ""
    client: str = ""
    serves: list[str] = msgspec.field(default_factory=list)


class Chat(Request, tag="chat", frozen=True):
    """Ask for an answer. `id` is chosen by the client, unique among its open requests, above 0.

    `deadline` is in seconds from acceptance for the whole answer. `keep_alive` is in seconds after
    the last request: 0 unloads at once, -1 never. `privacy` "local" keeps the prompt on this machine,
    "mine" on the user's own.
    With `pull` a model that is not here is downloaded first, if it has at most `pull_limit` bytes (0: of
    any size); the request is accepted after that. An empty `model` lets the router choose by the prompt
    and the `goal` (empty: the setting); `openai:gpt-4` names a provider's model. `max_cost` is in US
    dollars for this answer. Without `fallback` only the first of the plan is asked; with
    `continuation` another candidate may go on where one broke off, after a notice of the kind `seam`.
    A `task` says what kind of work it is: it bounds the score of the prompt. `usual_keep_alive` is for a
    model without a setting of its own of which no request has said a `keep_alive`. `pip` is as in `Pull`.
    `principal` is for whom this client asks, if it asks for several: they have their turns as clients do.
    `conversation` is the mark of a conversation that is kept on this machine, 32 hexadecimal digits: what the
    model has read of it may be saved in the folder of that name, if there is one, and is used when the model
    has been unloaded meanwhile. Without it nothing of a request is ever written.
    `escalate` is what becomes of an answer that a model of this machine doubts: it stays as it is (`off`), a
    notice of the kind `unsure` says so (`ask`), or somebody else of the same plan is asked (`auto`), behind a
    `seam` if something was shown; empty is what the settings say. `stronger` doubts beforehand: whoever would
    be asked for a doubted answer is asked at once. Without `seams` nobody else answers behind something that
    was shown.
    `only` holds patterns of names (`qwen3*`, `openai:*`): nobody else is asked, whatever the router would
    choose; none is no limit. `day_budget` is in US dollars: what this principal may cost in a day.
    """

    id: int
    messages: list[Message]
    model: str = ""
    options: GenerationOptions = GenerationOptions()
    deadline: float | None = None
    keep_alive: float | None = None
    privacy: Privacy = "any"
    pull: bool = False
    pull_limit: int = 0
    goal: Goal = ""
    max_cost: float | None = None
    fallback: bool = True
    continuation: bool = False
    task: Task = ""
    usual_keep_alive: float | None = None
    pip: dict[str, str] = msgspec.field(default_factory=dict)
    principal: str = ""
    conversation: str = ""
    only: list[str] = msgspec.field(default_factory=list)
    day_budget: float | None = None
    escalate: Escalate = ""
    seams: bool = True


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


class Calibrate(Request, tag="calibrate", frozen=True):
    """Measure whether a model of this machine doubts what it gets wrong, by questions that come with AI-PAL,
    and keep what was found for that model file. Empty: the usual model. Ends with `calibrated` or `failed`;
    takes minutes, during which others are answered too."""

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
    which go over the supervisor's own where this request begins the download. With `newer` the hub is asked
    for its latest although the model is here."""

    id: int
    model: str = ""
    pip: dict[str, str] = msgspec.field(default_factory=dict)
    newer: bool = False


class Route(Request, tag="route", frozen=True):
    """Explain what `chat` with the same fields would do, without doing it. Ends with `routed`."""

    id: int
    messages: list[Message]
    model: str = ""
    privacy: Privacy = "any"
    goal: Goal = ""
    max_cost: float | None = None
    fallback: bool = True
    options: GenerationOptions = GenerationOptions()
    task: Task = ""
    escalate: Escalate = ""


class Rate(Request, tag="rate", frozen=True):
    """Say whether the answer of an earlier `chat` of this connection, by its id, was good. Where `[router]
    learn` is on, it moves the share of such answers that counts as doubted. Ends with `rated`."""

    id: int
    answer: int
    good: bool


class Drain(Request, tag="drain", frozen=True):
    """Start nothing more on this node, and end what runs there, each worker when its answers are done. With
    `undo` it is as other nodes again. Ends with `drained`, at once."""

    id: int
    node: str
    undo: bool = False


class Providers(Request, tag="providers", frozen=True):
    """Ask each provider that there is a key for, and Ollama, which models it has. With `near` no cloud is
    asked, only an Ollama that is set up or was there before: of the others it is told what they would be
    asked for. With `names` these alone are asked, and told of. Ends with `providers_reply`."""

    id: int
    near: bool = False
    names: list[str] = []


class Complete(Request, tag="complete", frozen=True):
    """Go on with `prompt` as it is, without a template; a list of numbers is one as the model's own tokens,
    and nothing is added to it. With a `suffix` say what belongs between the two. Answered as `chat` is, by a
    model of this machine. With `prompt_logprobs` it is told before the answer how probable the tokens of the
    prompt are, with as many alternatives as `options.logprobs` says, or none. The rest as in `Chat`."""

    id: int
    prompt: str | list[int]
    suffix: str | None = None
    model: str = ""
    options: GenerationOptions = GenerationOptions()
    deadline: float | None = None
    keep_alive: float | None = None
    pull: bool = False
    pull_limit: int = 0
    usual_keep_alive: float | None = None
    pip: dict[str, str] = msgspec.field(default_factory=dict)
    principal: str = ""
    prompt_logprobs: bool = False
    privacy: Privacy = "any"


class Embed(Request, tag="embed", frozen=True):
    """Turn each text into a vector of length 1; a list of numbers is a text as the model's own tokens, and
    nothing is added to it. `dimensions` 0 is as many as the model has; fewer are the first ones, where the
    model was made for that. `usual_model` is asked where none is named and it was made
    for vectors. With `truncate` only the beginning of a text is embedded that is longer than the model's
    window; without, it is refused. Ends with `embedded`, `failed` or `cancelled`."""

    id: int
    texts: list[str | list[int]]
    model: str = ""
    dimensions: int = 0
    deadline: float | None = None
    keep_alive: float | None = None
    pull: bool = False
    pull_limit: int = 0
    usual_model: str = ""
    usual_keep_alive: float | None = None
    pip: dict[str, str] = msgspec.field(default_factory=dict)
    principal: str = ""
    truncate: bool = False
    privacy: Privacy = "any"


class Rerank(Request, tag="rerank", frozen=True):
    """Say how well each of `texts` answers `query`; `usual_model` as for vectors. Ends with `reranked`,
    `failed` or `cancelled`."""

    id: int
    query: str
    texts: list[str]
    model: str = ""
    deadline: float | None = None
    keep_alive: float | None = None
    pull: bool = False
    pull_limit: int = 0
    usual_model: str = ""
    usual_keep_alive: float | None = None
    pip: dict[str, str] = msgspec.field(default_factory=dict)
    principal: str = ""
    privacy: Privacy = "any"


class CountTokens(Request, tag="count_tokens", frozen=True):
    """Say how many tokens the prompt of `chat` with these fields has, template and tools included. It takes
    no slot. Ends with `counted`, `failed` or `cancelled`."""

    id: int
    messages: list[Message]
    model: str = ""
    options: GenerationOptions = GenerationOptions()
    principal: str = ""
    privacy: Privacy = "any"


class Models(Request, tag="models", frozen=True):
    """Ask which models can be named; with `here` only those that are on this machine. Ends with
    `models_reply`, `failed` or `cancelled`."""

    id: int
    here: bool = False
