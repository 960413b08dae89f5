"""What can be measured: adding a part is one entry, adding a measurement one line in it."""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from scripts.benchmarks import (
    batching,
    cluster,
    cluster_files,
    cluster_memory,
    cold_start,
    costs,
    counting,
    crowd,
    decoding,
    doubting,
    engine,
    estimates,
    fallbacks,
    forwarding,
    gateway,
    gateway_proxy,
    gateway_start,
    gateway_traffic,
    held,
    latency,
    many,
    one_shot,
    peers,
    quantized,
    relay,
    router_first,
    routing,
    scoring,
    serving,
    speculation,
    starting,
    thread_sweep,
    threads,
    tier_latency,
    two_engines,
    unloaded,
)
from scripts.benchmarks.figures import Row

Measure = Callable[[int], Iterator[Row]]
"""Takes how many pairs to measure, yields what was found."""


class Part(msgspec.Struct, frozen=True):
    """`measures` by name; those in `large` need a download or much time and run only when asked for."""

    about: str
    measures: dict[str, Measure]
    large: dict[str, Measure] = {}


PARTS = {
    "spine": Part(
        "client, supervisor and worker against the bare llama.cpp; start, end and memory of it all",
        {
            "path": engine.whole_path,
            "two": engine.two_clients,
            "echo": forwarding.echo_streams,
            "unmerged": forwarding.unmerged,
            "held": forwarding.memory,
            "oneshot": one_shot.warm_and_cold,
            "start": starting.start_and_end,
        },
    ),
    "threads": Part(
        "the default number of threads against all others; what workers/threads.py rests on",
        {"default": threads.default_threads, "sweep": thread_sweep.sweep},
    ),
    "transformers": Part(
        "our transformers engine against model.generate, `transformers serve` and llama.cpp",
        {
            "generate": decoding.against_generate,
            "serve": serving.against_serve,
            "together": batching.together,
            "turns": batching.turns,
            "spare": cold_start.spare_worker,
            "llamacpp": two_engines.side_by_side,
        },
    ),
    "router": Part(
        "the score, what the router adds, fallbacks, a thousand requests at once, each tier's latency, costs",
        {
            "score": scoring.score_latency,
            "added": routing.added,
            "first": router_first.first_token,
            "fallback": fallbacks.fallback_time,
            "crowd": crowd.thousand_at_once,
            "tiers": tier_latency.by_tier,
            "costs": costs.of_a_thousand,
        },
    ),
    "doubt": Part(
        "answers that are watched against others, the probe, and how long a first text is held back",
        {"watch": doubting.watched, "probe": doubting.probed, "hold": doubting.held},
        {"large": doubting.watched_large, "large_probe": doubting.probed_large},
    ),
    "memory": Part(
        "each model: estimate against peak, what is given back",
        {"estimates": estimates.models_here},
        {"large": estimates.large_model},
    ),
    "counts": Part(
        "counts of tokens, with no weights loaded and beside the loaded model",
        {"starter": counting.without_weights},
        {"large": counting.large_without_weights},
    ),
    "models": Part(
        "each model: first and later answers, speed",
        {"latency": latency.models_here},
        {"large": latency.large_model},
    ),
    "warm": Part(
        "the second turn of a kept conversation of 6,000 tokens, the model unloaded in between",
        {"conversation": unloaded.second_turn},
    ),
    "schema": Part(
        "answers held to a JSON schema of 20 properties against free ones, and what its compiling takes",
        {
            "compile": held.compiling,
            "llamacpp": held.by_llamacpp,
            "transformers": held.by_transformers,
        },
    ),
    "speculation": Part(
        "answers whose tokens are guessed and checked together against those without, by kind of task",
        {"llamacpp": speculation.by_llamacpp, "transformers": speculation.by_transformers},
        {"large": speculation.large_by_llamacpp},
    ),
    "gateway": Part(
        "HTTP: against llama.cpp's own server and LiteLLM's proxy; events, open streams, start",
        {
            "one": gateway.one,
            "four": gateway.four,
            "sixteen": gateway.sixteen,
            "echo": gateway_traffic.flat_out,
            "alone": gateway_traffic.alone,
            "open": gateway_traffic.open_streams,
            "profile": gateway_traffic.profile,
            "prompt": gateway_start.large_prompt,
            "start": gateway_start.start,
        },
        {"litellm": gateway_proxy.added},
    ),
    "many": Part(
        "1 to 16 answers at once against the engines' own servers, and a long prompt between others",
        {"llamacpp": many.by_llamacpp, "transformers": many.by_transformers, "stalls": many.stalls},
    ),
    "peers": Part(
        "the same weights in Ollama, llama.cpp's server and `transformers serve`, each as it comes",
        {"gguf": peers.with_gguf, "safetensors": peers.with_safetensors},
    ),
    "cluster": Part(
        "a worker on a node of a cluster against one on this machine; what the relay carries; memory; files",
        {"echo": cluster.side_by_side, "relay": relay.ceiling},
        {"memory": cluster_memory.by_workers, "files": cluster_files.to_a_node},
    ),
    "quantize": Part(
        "8-bit and 4-bit weights against the model as it is: memory, speed, agreement",
        {"forms": quantized.forms},
    ),
}


class Chosen(msgspec.Struct, frozen=True):
    """One measurement that is to run."""

    part: str
    name: str
    measure: Measure


def choose(names: list[str], large: bool, parts: Mapping[str, Part] = PARTS) -> list[Chosen]:
    """The measurements of `PART` or `PART.NAME`, all parts for none. Raises KeyError with a wrong name."""
    return [one for name in names or parts for one in _chosen(name, large, parts)]


def _chosen(name: str, large: bool, parts: Mapping[str, Part]) -> list[Chosen]:
    part, _, only = name.partition(".")
    if part not in parts:
        raise KeyError(name)
    measures = parts[part].measures | (parts[part].large if large or only else {})
    if only and only not in measures:
        raise KeyError(name)
    return [Chosen(part, key, measure) for key, measure in measures.items() if only in ("", key)]
