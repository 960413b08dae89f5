"""Searching the loopback hub: client, supervisor, egress process, what comes back and what may not leave."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.hub import repositories as repos
from tests.hub.loopback import Hub, Repo, loopback_hub
from tests.process.command import ai_pal
from tests.process.homes import Environ, environment, stop_supervisor

LLAMA = {"parameters": {"BF16": 1_000_000_000}, "total": 1_000_000_000}


def _repo(made: Repo, downloads: int, *tags: str, **facts: object) -> Repo:
    own = {"downloads": downloads, "likes": 1, "tags": list(tags), "lastModified": "2026-08-01T10:00:00.000Z"}
    return msgspec.structs.replace(made, facts=own | facts)


def _hub(hub: Hub) -> None:
    gguf = {"total": 4_000_000_000, "architecture": "qwen3", "context_length": 40_960}
    pictures = {"pipeline_tag": "text-to-image", "gguf": gguf}
    hub.repos["acme/Qwen-4B-GGUF"] = _repo(
        repos.ggufs(), 900, "gguf", "license:apache-2.0", pipeline_tag="text-generation", gguf=gguf
    )
    hub.repos["acme/Qwen-1B"] = _repo(
        repos.llama(), 5000, "safetensors", "license:mit", safetensors=LLAMA, config={"model_type": "llama"}
    )
    hub.repos["huge/Qwen-GGUF"] = _repo(repos.ggufs(), 7, "gguf", gguf={"total": 10**12})
    hub.repos["acme/Qwen-pictures-GGUF"] = _repo(repos.ggufs(), 9000, "gguf", **pictures)
    hub.repos["acme/Qwen-adapter"] = _repo(repos.adapter(), 9000, "safetensors")
    hub.repos["acme/Qwen-mlx"] = _repo(repos.llama(), 9000, "safetensors", "mlx", library_name="mlx")
    hub.repos["acme/Qwen-code"] = _repo(repos.with_code("own_kind"), 9000, "safetensors", "custom_code")
    hub.repos["acme/Other-GGUF"] = _repo(repos.ggufs(), 8000, "gguf")
    hub.repos["odd/Qwen"] = _repo(repos.ggufs(), 8000, "gguf", gguf="none")


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with loopback_hub() as found:
        _hub(found)
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Iterator[Environ]:
    folder = tmp_path_factory.mktemp("h")
    environ = environment(folder) | hub.environment | {"HF_HOME": str(folder / "hf")}
    yield environ
    stop_supervisor(environ)


def test_what_can_run_here_is_found_the_most_fetched_first(home: Environ, hub: Hub) -> None:
    said = ai_pal(home, "search", "qwen", "--json")
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    assert [one["name"] for one in found] == [
        "acme/Qwen-1B",
        "acme/Qwen-4B-GGUF:Q4_K_M",
        "huge/Qwen-GGUF:Q4_K_M",
    ]
    whole, gguf, huge = found
    assert (whole["engine"], whole["size"], whole["licence"]) == ("transformers", 2_000_000_000, "mit")
    assert (gguf["parameters"], gguf["context"], gguf["quants"]) == (
        4_000_000_000,
        40_960,
        ["Q4_K_M", "Q8_0"],
    )
    assert gguf["pull"] == "ai-pal pull acme/Qwen-4B-GGUF:Q4_K_M"
    assert huge["fits"] == "never"
    assert f"asking {hub.endpoint} for: qwen" in said.stderr


def test_people_get_a_table_and_the_command_that_fetches(home: Environ) -> None:
    said = ai_pal(home, "search", "qwen", "4b", "--sort", "likes", "--limit", "1")
    assert said.stdout.splitlines()[0].split() == ["NAME", "SIZE", "WEIGHTS", "DOWNLOADS", "LICENCE", "FITS"]
    assert "acme/Qwen-4B-GGUF:Q4_K_M  2.3 GB  4.0B     900        apache-2.0" in said.stdout
    assert said.stdout.splitlines()[-1] == "fetch one: ai-pal pull NAME"


def test_nothing_found_says_what_to_try(home: Environ) -> None:
    said = ai_pal(home, "search", "no such thing")
    assert (said.returncode, said.stdout) == (
        0,
        "the hub has no model for 'no such thing' that runs here: use fewer or other words\n",
    )


@pytest.mark.parametrize("forbid", [{"AI_PAL_LOCAL_ONLY": "1"}, {"AI_PAL_OPTIMIZATION_GOAL": "privacy"}])
def test_no_word_leaves_where_that_is_forbidden(home: Environ, hub: Hub, forbid: dict[str, str]) -> None:
    asked = len(hub.requests)
    said = ai_pal(home | forbid, "search", "my secret project")
    assert said.returncode != 0
    assert "nothing may leave this machine" in said.stderr
    assert "hint: " in said.stderr
    assert len(hub.requests) == asked


def test_a_client_of_the_socket_is_refused_too(tmp_path: Path, hub: Hub, ai_pal_home: Path) -> None:
    """The supervisor's own settings hold for whoever asks it."""
    from ai_pal.client import Client
    from ai_pal.client.usual import NOTHING
    from ai_pal.errors import AiPalError, Code
    from tests.process.homes import client_endpoint

    environ = environment(ai_pal_home) | hub.environment | {"AI_PAL_CONFIG": str(tmp_path / "config.toml")}
    (tmp_path / "config.toml").write_text("local_only = true\n")
    asked = len(hub.requests)
    try:
        assert ai_pal(environ, "load", "echo").returncode == 0
        with Client(client_endpoint(environ), usual=NOTHING) as client, pytest.raises(AiPalError) as caught:
            client.search("my secret project")
        assert caught.value.code == Code.LOCAL_ONLY
        assert len(hub.requests) == asked
    finally:
        stop_supervisor(environ)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE forbids to ask the hub"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "cannot be reached: connection refused"),
        ({"HF_TOKEN": "hf_wrong"}, "the hub does not know the token in HF_TOKEN"),
    ],
)
def test_a_hub_that_cannot_be_asked_is_one_line_and_what_to_do(
    home: Environ, ai_pal_home: Path, environ: dict[str, str], message: str
) -> None:
    own = home | environment(ai_pal_home) | environ
    said = ai_pal(own, "search", "--json", "qwen")
    stop_supervisor(own)
    assert said.returncode != 0
    assert said.stdout == ""
    error, hint = said.stderr.strip().splitlines()[-2:]
    assert message in error
    assert hint.startswith("hint: ")
    if "HF_HUB_OFFLINE" in environ:
        assert "asking" not in said.stderr
