"""The same model by each way to it: a worker here, a real Ollama, a real server of OpenAI's API."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from ai_pal.catalog import CATALOG, artifact_path
from ai_pal.client import Client
from ai_pal.config import load_settings
from scripts.benchmarks.echo_clouds import echo_clouds
from scripts.benchmarks.figures import Row, row, skipped
from scripts.benchmarks.streams import Stream, fresh, told
from scripts.benchmarks.tiers import Tables, with_tiers
from tests.servers.llama_cpp import KEY, llama_cpp
from tests.servers.ollama import MODEL, installed, ollama

TOKENS = 32
HERE, OLLAMA = "here, in a worker", "a local Ollama (one thread)"
OPENAI = "OpenAI's API (llama.cpp's HTTP server, one thread)"
MODELS = {HERE: "smollm2", OLLAMA: f"ollama:{MODEL}", OPENAI: "openai:smollm2"}
SHARE = "of that HTTP and our way to it"


def by_tier(pairs: int) -> Iterator[Row]:
    """All in turn. The share is what the same request takes where there is nothing to compute."""
    artifact = CATALOG["smollm2"].artifact
    assert artifact is not None
    starter = artifact_path(artifact, load_settings().settings)
    folder = installed()
    if folder is None:
        yield skipped("first token", "the Ollama server for tests is not here: scripts/fetch_ollama", OLLAMA)
    subjects = [subject for subject in MODELS if subject != OLLAMA or folder is not None]
    real, empty = _measured(starter, folder, subjects, pairs)
    for subject in subjects:
        first = [stream.first for stream in real[subject]]
        yield row("first token", [1e3 * one for one in first], "ms", subject=subject)
        if subject != HERE:
            shares = [100 * way.first / one for way, one in zip(empty[subject], first, strict=True)]
            yield row(SHARE, shares, "%", subject=subject)
        yield row("speed", [stream.speed for stream in real[subject]], "tokens/s", subject=subject)


Series = dict[str, list[Stream]]


def _measured(starter: Path, folder: Path | None, subjects: list[str], pairs: int) -> tuple[Series, Series]:
    real: Series = {subject: [] for subject in subjects}
    empty: Series = {subject: [] for subject in subjects}
    with ExitStack() as stack:
        served = stack.enter_context(ollama(folder, starter)).url if folder is not None else ""
        ask = _asking(stack, served, stack.enter_context(llama_cpp(starter)))
        nothing = stack.enter_context(echo_clouds(TOKENS))
        ask_nothing = _asking(stack, nothing, nothing)
        for number in range(pairs + 1):
            for subject in subjects:
                real[subject].append(ask(MODELS[subject], number))
                if subject != HERE:
                    empty[subject].append(ask_nothing(MODELS[subject], number))
    return _warm(real), _warm(empty)


def _asking(stack: ExitStack, ollama_url: str, openai_url: str) -> Callable[[str, int], Stream]:
    tables: Tables = {
        "ollama": {"base_url": ollama_url, "model": MODEL},
        "providers.openai": {"base_url": f"{openai_url}/v1", "consent": True},
    }
    running = stack.enter_context(with_tiers(tables, key_openai=KEY))
    return partial(_ask, stack.enter_context(running.client()))


def _ask(client: Client, model: str, number: int) -> Stream:
    return told(client, model, fresh(number), TOKENS)


def _warm(series: Series) -> Series:
    """Without the first, which loads models and imports SDKs."""
    return {subject: streams[1:] for subject, streams in series.items()}
