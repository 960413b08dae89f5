"""The conversation between the supervisor and the egress process, the only one that goes out."""

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason, Message, PartKind, TokenLogprob
from ai_pal.protocol.hub import HubModel, HubRevision, Order
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.provider import OfferedModel, Provider
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.wanted import Wanted


class ToEgress(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of what the supervisor sends."""


class Fetch(ToEgress, tag="fetch", frozen=True):
    """Bring `wanted` into the folder `cache`. `key` is the supervisor's number for the download,
    `name` what the user calls the model; more than `limit` bytes are not downloaded (0: no limit). `pip`
    holds environment variables for pip."""

    key: int
    name: str
    cache: str
    wanted: Wanted
    limit: int = 0
    pip: dict[str, str] = msgspec.field(default_factory=dict)


class CancelFetch(ToEgress, tag="cancel_fetch", frozen=True):
    """Stop this download; what has come is kept for the next try. There is no answer."""

    key: int


class Complete(ToEgress, tag="complete", frozen=True):
    """Ask a provider for an answer. `key` is the supervisor's number for this attempt.

    Seconds: `connect` until the server took the connection, `first_token` until the first content,
    `gap` between two pieces. With `local_only` nothing may leave this machine: only a provider on
    loopback that reports `model` as stored there is asked; with `mine` nothing may leave the user's own
    machines. `keep_alive` is passed on to Ollama and to those.
    With `patient` Ollama has `first_token` anew with each sign of life: it may have to load the model.
    A last message of the assistant is to be continued where the provider can.
    """

    key: int
    provider: Provider
    model: str
    messages: list[Message]
    options: GenerationOptions = GenerationOptions()
    connect: float = 5.0
    first_token: float = 60.0
    gap: float = 60.0
    local_only: bool = False
    keep_alive: float | None = None
    patient: bool = False
    mine: bool = False


class CancelCompletion(ToEgress, tag="cancel_completion", frozen=True):
    """Stop this attempt and close its connection. There is no answer."""

    key: int


class ListModels(ToEgress, tag="list_models", frozen=True):
    """Ask which models a provider has, and with `describe` what an Ollama says of each. Ends with
    `provider_models` or `completion_failed`."""

    key: int
    provider: Provider
    timeout: float = 5.0
    describe: bool = False


class SearchHub(ToEgress, tag="search_hub", frozen=True):
    """Ask the hub for models. Ends with `hub_found` or `hub_failed`."""

    key: int
    words: str
    limit: int
    sort: Order = "downloads"
    timeout: float = 20.0


class AskRevisions(ToEgress, tag="ask_revisions", frozen=True):
    """Ask the hub what it has under these references. Ends with `hub_revisions` or `hub_failed`."""

    key: int
    references: list[str]
    timeout: float = 120.0


HubQuestion = SearchHub | AskRevisions
"""What is asked of the hub beside files."""

AnyToEgress = Fetch | CancelFetch | Complete | CancelCompletion | ListModels | SearchHub | AskRevisions


class FromEgress(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of what the egress process sends."""


class EgressHello(FromEgress, tag="egress_hello", frozen=True):
    """The process runs and takes work."""

    pid: int
    version: str = ""


class EgressBeat(FromEgress, tag="egress_beat", frozen=True):
    """Sent from the process's own loop every second."""


class FetchProgress(FromEgress, tag="fetch_progress", frozen=True):
    """Bytes here and bytes in all (0 until that is known). `steps` rises with whatever moves, also
    with bytes that are checked: while it stands still, so does the download."""

    key: int
    done: int
    total: int
    steps: int


class Fetched(FromEgress, tag="fetched", frozen=True):
    """All is here, checked and in its place. `path` is what a worker loads, `size` in bytes."""

    key: int
    path: str
    size: int
    commit: str = ""


class FetchFailed(FromEgress, tag="fetch_failed", frozen=True):
    """The download ended without the model."""

    key: int
    failure: Failure


class CompletionConnected(FromEgress, tag="completion_connected", frozen=True):
    """The connection stands, and the request begins to leave this machine."""

    key: int


class CompletionSent(FromEgress, tag="completion_sent", frozen=True):
    """All of the request is out; no content has come yet, and it may still fail."""

    key: int


class CompletionWaiting(FromEgress, tag="completion_waiting", frozen=True):
    """Nothing of the answer has come yet, every few seconds. `lives`: the provider gives signs of life."""

    key: int
    lives: bool = True


class CompletionNotice(FromEgress, tag="completion_notice", frozen=True):
    """Something the user should know about this answer, as `notice` says it to clients."""

    key: int
    kind: str
    reason: str


class CompletionThinking(FromEgress, tag="completion_thinking", frozen=True):
    """The model thinks, and its provider keeps that to itself: a sign of life, about once a second. What is
    told of thoughts comes as deltas. `characters` are those of its thoughts, where they are known."""

    key: int
    characters: int = 0


class CompletionDelta(FromEgress, tag="completion_delta", frozen=True):
    """A piece of the answer. `seq` counts the pieces of the provider's stream from 0, of which this one
    holds `n`: what waits together goes out together. `text` is whole UTF-8, and never empty but where a
    tool call begins or reasoning is signed; the other fields are those of `client.Delta`."""

    key: int
    seq: int
    n: int
    text: str
    kind: PartKind = "text"
    index: int = 0
    call: str = ""
    name: str = ""
    signature: str = ""


class CompletionLogprobs(FromEgress, tag="completion_logprobs", frozen=True):
    """As `client.Logprobs`."""

    key: int
    seq: int
    tokens: list[TokenLogprob]


class CompletionDone(FromEgress, tag="completion_done", frozen=True):
    """The answer is complete after `seq` pieces. `model` is what the provider says it was."""

    key: int
    seq: int
    finish_reason: FinishReason = "stop"
    usage: Usage = Usage()
    model: str = ""


class CompletionFailed(FromEgress, tag="completion_failed", frozen=True):
    """The attempt ended without a complete answer; what was sent before stays valid. `usage` is what the
    provider has told of it."""

    key: int
    failure: Failure
    usage: Usage = Usage()


class ProviderModels(FromEgress, tag="provider_models", frozen=True):
    """The models that a provider has, and what is known `about` those that it told of."""

    key: int
    names: list[str]
    about: dict[str, OfferedModel] = msgspec.field(default_factory=dict)


class LoadedThere(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model that another machine has in memory (`memory` bytes). `ready` to answer; `waiting` are requests
    before a new one; `idle`: it could give way."""

    model: str
    ready: bool = False
    context: int = 0
    memory: int = 0
    waiting: int = 0
    idle: bool = False


class MachineState(FromEgress, tag="machine_state", frozen=True):
    """How another machine stands: `free` bytes of memory for models, those it has with their sizes, and what
    is loaded. Told when the link to it stands, and when it changes."""

    name: str
    version: str
    free: int
    models: dict[str, int]
    loaded: list[LoadedThere] = msgspec.field(default_factory=list)


class MachineLost(FromEgress, tag="machine_lost", frozen=True):
    """Nothing more is known of that machine: the link to it has ended."""

    name: str


class HubFound(FromEgress, tag="hub_found", frozen=True):
    """The models that the hub at this address has."""

    key: int
    hub: str
    models: list[HubModel]


class HubRevisions(FromEgress, tag="hub_revisions", frozen=True):
    """One for each reference, in their order."""

    key: int
    revisions: list[HubRevision]


class HubFailed(FromEgress, tag="hub_failed", frozen=True):
    """The hub gave no answer, and why."""

    key: int
    failure: Failure


AnyFromEgress = (
    EgressHello
    | EgressBeat
    | FetchProgress
    | Fetched
    | FetchFailed
    | CompletionConnected
    | CompletionWaiting
    | CompletionNotice
    | CompletionSent
    | CompletionThinking
    | CompletionDelta
    | CompletionLogprobs
    | CompletionDone
    | CompletionFailed
    | ProviderModels
    | MachineState
    | MachineLost
    | HubFound
    | HubRevisions
    | HubFailed
)

encode = msgspec.msgpack.Encoder().encode
decode_to_egress = msgspec.msgpack.Decoder(AnyToEgress).decode
decode_from_egress = msgspec.msgpack.Decoder(AnyFromEgress).decode
