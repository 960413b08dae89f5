"""What the supervisor replies to all that is no question: loads, downloads, vectors, plans, models."""

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol.client.answers import Event
from ai_pal.protocol.provider import OfferedModel
from ai_pal.protocol.usage import Usage

FINGERPRINT = "fingerprint"
"""The feature of a supervisor that tells by name which settings it runs with."""


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


class Loaded(Event, tag="loaded", frozen=True):
    """The model is ready. `seconds` is how long this load took, 0 when it was loaded before."""

    id: int
    model: str
    seconds: float = 0.0


class Calibrating(Event, tag="calibrating", frozen=True):
    """So many of the `total` questions are answered."""

    id: int
    model: str
    done: int
    total: int


class Calibrated(Event, tag="calibrated", frozen=True):
    """How well the model's doubts told its right answers from its wrong ones: the `area` under the ROC curve,
    0.5 is chance, over so many `questions`, of which it got so many `right`. `can_doubt`: from now on its
    doubts count (docs/routing.md)."""

    id: int
    model: str
    area: float
    questions: int
    right: int = 0
    can_doubt: bool = False


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


class Cascade(msgspec.Struct, frozen=True, omit_defaults=True):
    """What becomes of doubted answers (`mode` is as `escalate` of `chat`), at which `share` of them. Whether
    this machine's model `can` doubt: the `area` under the ROC curve that its calibration has found, None
    where it has none. Of prompts of this `kind` it has `seen` so many doubts, and those above the `threshold`
    count, None where too few are known, or two numbers of each count together."""

    mode: str
    share: float
    can: bool = False
    area: float | None = None
    kind: str = ""
    threshold: float | None = None
    seen: int = 0


class Routed(Event, tag="routed", frozen=True):
    """Answer to `route`: the complexity `score` from 0 to 1, what moved it most, and the candidates in the
    order in which they would be asked, ruled out ones last."""

    id: int
    score: float
    goal: str
    features: list[Feature] = msgspec.field(default_factory=list)
    candidates: list[RouteCandidate] = msgspec.field(default_factory=list)
    cascade: Cascade | None = None


class Drained(Event, tag="drained", frozen=True):
    """Answer to `drain`: the models that leave the node."""

    id: int
    models: list[str] = msgspec.field(default_factory=list)


class Rated(Event, tag="rated", frozen=True):
    """Answer to `rate`. `learned`: it was an answer of a model here that can doubt, and it was counted."""

    id: int
    learned: bool = False


class ProviderStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """One provider: the `models` that it would be asked for and those that it `offers`, or the `failure` that
    says why that is not known. `remote`: what it is asked leaves this machine. `about` is what an Ollama says
    of its models, in answer to `near`."""

    name: str
    api: str
    models: list[str]
    offers: list[str] = msgspec.field(default_factory=list)
    failure: Failure | None = None
    remote: bool = False
    about: dict[str, OfferedModel] = msgspec.field(default_factory=dict)


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
