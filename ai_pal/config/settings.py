"""Every setting: name, type, limits, default and meaning. `config show` and docs/settings.md read this."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.config.http_settings import HttpSettings
from ai_pal.config.kinds import a_duration, a_path, a_size
from ai_pal.config.machine_settings import MachineSettings
from ai_pal.config.model_settings import DEVICES, MOST_LAYERS, MOST_SLOTS, MOST_THREADS, ModelSettings
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
            "unloaded early, on this machine or on a node; 0 does not look.",
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
    ] = 0.033
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
