"""Every setting: name, type, limits, default and meaning. `config show` and docs/settings.md read this."""

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, field

from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.config.http_settings import HttpSettings
from ai_pal.config.kinds import a_duration, a_path, a_size
from ai_pal.config.machine_settings import MachineSettings
from ai_pal.config.tables import (
    BudgetSettings,
    LocalSettings,
    OllamaSettings,
    PriceSettings,
    ProviderSettings,
    RouterSettings,
)
from ai_pal.protocol.option_rules import MOST_CONTEXT, KvCache

UNASKED_BYTES = 500_000_000
"""More than this is not downloaded without a yes, `--pull` or `auto_pull`."""

MOST_THREADS = 512  # the limits of llama.cpp
MOST_SLOTS = 256
DEVICES = r"^(auto|cpu|mps|cuda(:[0-9]{1,2})?)$"
MOST_LAYERS = 10_000
MOST_REPLICAS = 64


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[models.NAME]`: settings of one model. What is left out comes from the general settings."""

    path: Annotated[str, a_path("A GGUF file or a model folder: makes NAME a model of your own.")] | None = (
        None
    )
    model: (
        Annotated[
            str, Meta(min_length=1, description="Another model, such as `org/name`, that NAME stands for.")
        ]
        | None
    ) = None
    keep_alive: Annotated[float, a_duration("As `keep_alive`, for this model.")] | None = None
    threads: (
        Annotated[int, Meta(ge=0, le=MOST_THREADS, description="As `threads`, for this model.")] | None
    ) = None
    context: (
        Annotated[int, Meta(ge=0, le=MOST_CONTEXT, description="As `context`, for this model.")] | None
    ) = None
    slots: Annotated[int, Meta(ge=0, le=MOST_SLOTS, description="As `slots`, for this model.")] | None = None
    kv_cache: Annotated[KvCache, Meta(description="As `kv_cache`, for this model.")] | None = None
    device: Annotated[str, Meta(pattern=DEVICES, description="As `device`, for this model.")] | None = None
    gpu_layers: (
        Annotated[int, Meta(ge=-1, le=MOST_LAYERS, description="As `gpu_layers`, for this model.")] | None
    ) = None
    replicas: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MOST_REPLICAS,
                description="Processes of this model that share its requests, each with memory of its own.",
            ),
        ]
        | None
    ) = None
    max_replicas: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MOST_REPLICAS,
                description="Up to so many come where requests wait, and go when they are idle. "
                "As `replicas` if it is left out.",
            ),
        ]
        | None
    ) = None
    pin: (
        Annotated[bool, Meta(description="Once loaded, it stays: only `ai-pal unload` takes it out.")] | None
    ) = None
    temperature: (
        Annotated[
            float, Meta(ge=0, description="Of answers whose request says none. Empty: as its makers say.")
        ]
        | None
    ) = None
    top_p: Annotated[float, Meta(ge=0, le=1, description="As `temperature`: from 0 to 1.")] | None = None
    top_k: Annotated[int, Meta(ge=-1, description="As `temperature`: 0 or -1 is all tokens.")] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1, description="As `temperature`: from 0 to 1.")] | None = None
    repeat_penalty: Annotated[float, Meta(gt=0, description="As `temperature`: 1 is none.")] | None = None

    @property
    def replica_bounds(self) -> tuple[int, int]:
        """How many processes the model has at least, while it is loaded, and at most."""
        least = self.replicas or 1
        return least, self.max_replicas or least


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a supervisor and its clients run with. Durations are in seconds."""

    model: Annotated[
        str,
        Meta(
            description="The model that answers unless one is named; empty: the router chooses. "
            "`embed` and `rerank` ask it only if it was made for them."
        ),
    ] = ""
    optimization_goal: Annotated[
        Literal["privacy", "cost", "latency", "quality", "balanced"],
        Meta(description="What the router's choice is bent towards."),
    ] = "balanced"
    model_cache_dir: Annotated[str, a_path("Where models are kept; empty means ~/.ai-pal/models.")] = ""
    other_stores: Annotated[
        bool,
        Meta(description="Use models that Ollama, LM Studio, Jan, GPT4All and llama.cpp keep here."),
    ] = True
    auto_pull: Annotated[
        bool, Meta(description="Fetch a model of any size on its first use, without asking.")
    ] = False
    history: Annotated[
        bool, Meta(description="Keep the conversations of `ai-pal chat` and the page on this machine.")
    ] = True
    prefix_disk: Annotated[
        int,
        a_size(
            "Disk for what models have read of kept conversations, which go on at once after an unload; 0 "
            "saves nothing of it."
        ),
    ] = 2_000_000_000
    local_only: Annotated[bool, Meta(description="Never let a prompt leave this machine.")] = False
    mine: Annotated[
        bool,
        Meta(description="Never let a prompt leave machines of yours: this one, and those in `[machines]`."),
    ] = False
    keep_alive: Annotated[
        float,
        a_duration("How long a model stays loaded after its last request; 0 unloads at once, -1 never."),
    ] = 300.0
    threads: Annotated[
        int, Meta(ge=0, le=MOST_THREADS, description="CPU threads per model; 0 chooses for this machine.")
    ] = 0
    context: Annotated[
        int,
        Meta(
            ge=0,
            le=MOST_CONTEXT,
            description="Tokens in the window of one conversation; 0 leaves it to the model.",
        ),
    ] = 0
    slots: Annotated[
        int,
        Meta(
            ge=0, le=MOST_SLOTS, description="Requests one model answers at once; 0 leaves it to the engine."
        ),
    ] = 0
    kv_cache: Annotated[
        KvCache,
        Meta(
            description="Numbers of a window's cache with llama.cpp: 16 bits, or about half or a quarter of "
            "that memory, a little less exact; transformers keeps those that it computes in."
        ),
    ] = "f16"
    device: Annotated[
        str,
        Meta(
            pattern=DEVICES,
            description="What models compute on: `cpu`, `cuda`, `cuda:0`, ...; `auto` takes what fits on the "
            "GPUs. One that is not there is refused.",
        ),
    ] = "auto"
    gpu_layers: Annotated[
        int,
        Meta(
            ge=-1,
            le=MOST_LAYERS,
            description="Layers on GPUs with llama.cpp, as it counts them; -1 is as many as fit. "
            "transformers puts whole models there.",
        ),
    ] = -1
    memory_budget: Annotated[
        int,
        a_size("What all models together may take, on each node of a cluster; 0 leaves it to the machine."),
    ] = 0
    memory_low: Annotated[
        int, a_size("Stays free: loads leave it alone, and below it idle models are unloaded early.")
    ] = 512_000_000
    memory_pressure: Annotated[
        float,
        Meta(
            ge=0,
            le=100,
            description="Percent of the time that processes wait for memory from which on idle models are "
            "unloaded early; 0 does not look, and nodes of a cluster are not looked at.",
        ),
    ] = 20.0
    memory_wait: Annotated[
        float, a_duration("How long a load may wait for memory that other models will give back.", gt=0)
    ] = 120.0
    max_loaded_models: Annotated[
        int, Meta(ge=0, description="Models loaded at a time, on each node of a cluster; 0 is no limit.")
    ] = 0
    preload: Annotated[
        tuple[str, ...], Meta(description="Models that `ai-pal supervise` loads when it starts.")
    ] = ()
    spare_worker: Annotated[
        bool,
        Meta(
            description="Once a transformers model is wanted, keep one process ready that has imported what "
            "the next load needs; given up first when memory is short."
        ),
    ] = True
    queue_size: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Requests that may wait for one model before `overloaded`; clients with less than "
            "their share get in beyond it.",
        ),
    ] = 512
    idle_exit: Annotated[
        float,
        a_duration("An auto-started supervisor ends after this long without client and model; -1 never."),
    ] = 900.0
    drain_seconds: Annotated[
        float, a_duration("How long running answers may go on when a model or the supervisor stops.", ge=0)
    ] = 3.0
    start_timeout: Annotated[float, a_duration("How long a worker process may take to report in.", gt=0)] = (
        30.0
    )
    download_stall: Annotated[
        float, a_duration("How long a download may go without any progress before it fails.", gt=0)
    ] = 120.0
    load_stall: Annotated[
        float, a_duration("How long a load may go without any progress before the worker is replaced.", gt=0)
    ] = 60.0
    beat_timeout: Annotated[
        float,
        a_duration(
            "How long the loop of a worker, or of a process for HTTP, may be silent before it is replaced.",
            ge=2,
        ),
    ] = 10.0
    engine_stall: Annotated[
        float,
        a_duration("How long a busy engine may go without a step before the worker is replaced.", ge=2.5),
    ] = 60.0
    deadline: Annotated[
        float,
        a_duration("How long an answer may take in all, with every fallback; -1 is no limit.", zero=False),
    ] = -1.0
    connect_timeout: Annotated[
        float, a_duration("How long a provider may take to take the connection.", gt=0)
    ] = 5.0
    queue_timeout: Annotated[
        float,
        a_duration("How long a request waits for a busy model while somebody else could be asked.", gt=0),
    ] = 30.0
    first_token_timeout: Annotated[
        float,
        a_duration(
            "How long the first content may take; the last one here or on Ollama is waited for.", gt=0
        ),
    ] = 60.0
    gap_timeout: Annotated[float, a_duration("How long a provider's stream may stand still.", gt=0)] = 60.0
    delta_interval: Annotated[
        float,
        a_duration(
            "Text of a model here that comes sooner than this after its last is sent when the time is over, "
            "together; the first at once. 0 sends each piece by itself.",
            ge=0,
            le=1,
        ),
    ] = 0.016
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least severe messages logged.")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "text", "json"], Meta(description="`auto`: text on a terminal, JSON lines otherwise.")
    ] = "auto"
    log_prompts: Annotated[
        bool, Meta(description="Log the messages of each request: for debugging only.")
    ] = False
    local: Annotated[LocalSettings, Meta(description="The model of this machine.")] = LocalSettings()
    ollama: Annotated[OllamaSettings, Meta(description="The Ollama server.")] = OllamaSettings()
    router: Annotated[RouterSettings, Meta(description="Doubted answers of this machine.")] = RouterSettings()
    budget: Annotated[BudgetSettings, Meta(description="What all clouds together may cost.")] = (
        BudgetSettings()
    )
    http: Annotated[HttpSettings, Meta(description="Where `ai-pal serve` listens, and for whom.")] = (
        HttpSettings()
    )
    cluster: Annotated[ClusterSettings, Meta(description="Workers on other nodes.")] = ClusterSettings()
    models: Annotated[
        dict[str, ModelSettings], Meta(description="Settings by model, as tables `[models.NAME]`.")
    ] = field(default_factory=dict)
    providers: Annotated[
        dict[str, ProviderSettings], Meta(description="Clouds and servers, as tables `[providers.NAME]`.")
    ] = field(default_factory=dict)
    prices: Annotated[
        dict[str, PriceSettings], Meta(description='Prices, as tables `[prices."NAME:MODEL"]`.')
    ] = field(default_factory=dict)
    machines: Annotated[
        dict[str, MachineSettings],
        Meta(description="Other machines of yours, as tables `[machines.NAME]`."),
    ] = field(default_factory=dict)

    def private(self, goal: str = "") -> bool:
        """Whether nothing of a request may leave this machine; a `goal` of its own goes over the setting."""
        return self.local_only or (goal or self.optimization_goal) == "privacy"

    def among_mine(self) -> bool:
        """Whether nothing may leave the user's own machines."""
        return self.mine or self.private()


TABLE: dict[str, type[msgspec.Struct]] = {
    "local": LocalSettings,
    "ollama": OllamaSettings,
    "router": RouterSettings,
    "budget": BudgetSettings,
    "http": HttpSettings,
    "cluster": ClusterSettings,
}
"""Settings that are one table each."""

FILE_ONLY = frozenset({"cluster"})
"""Tables of which no variable says anything: they name where prompts go."""

TABLES: dict[str, type[msgspec.Struct]] = {
    "models": ModelSettings,
    "providers": ProviderSettings,
    "prices": PriceSettings,
    "machines": MachineSettings,
}
"""Settings that hold one table per name."""


def meta_of(info: msgspec.structs.FieldInfo) -> Meta:
    """The `Meta` of a field, through `X | None`."""
    for part in (info.type, *get_args(info.type)):
        for item in getattr(part, "__metadata__", ()):
            if isinstance(item, Meta):
                return item
    raise TypeError(f"{info.name} has no description")


def kind_of(info: msgspec.structs.FieldInfo) -> str:
    """`DURATION`, `PATH`, `SIZE`, or "" for plain values."""
    return str((meta_of(info).extra or {}).get("kind", ""))


def allows_zero(info: msgspec.structs.FieldInfo) -> bool:
    """Whether a duration may be no time at all."""
    return bool((meta_of(info).extra or {}).get("zero", True))


def base_type(info: msgspec.structs.FieldInfo) -> Any:
    """The plain type of a field: `int` of `Annotated[int, ...] | None`, `dict` of `dict[str, str]`."""
    kind = info.type
    while True:
        inner = [part for part in get_args(kind) if part is not type(None)]
        origin = get_origin(kind)
        if origin in (Annotated, Union, UnionType):
            kind = inner[0]
        else:
            return str if origin is Literal else origin or kind
