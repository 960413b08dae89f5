"""Settings of clients are not settings of the supervisor: they go with the requests, and a warm supervisor
stays. What must replace it is named; one in the foreground is mentioned."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ai_pal.client import AsyncClient, Client
from ai_pal.client.daemon import connect
from ai_pal.config import load_settings
from ai_pal.config.egress_environment import compared
from ai_pal.errors import AiPalError
from ai_pal.models.local import DirectModelWrapper, LocalLLMProvider
from ai_pal.orchestration import MultiModelOrchestrator
from tests.process.answers import PROMPT
from tests.process.command import ai_pal
from tests.process.homes import Environ, client_endpoint
from tests.process.supervised import Supervised, status_of

pytestmark = [pytest.mark.timeout(120), pytest.mark.anyio]

HOUR = 3600.0


class Ran(NamedTuple):
    out: str
    err: str


def run(home: Environ, *words: str, **said: str) -> Ran:
    """`ai-pal` in the environment of `home`, with these variables over it; empty ones are left out."""
    environ = {name: text for name, text in (home | said).items() if text}
    done = ai_pal(environ, *words)
    done.check_returncode()
    return Ran(done.stdout.strip(), done.stderr.strip())


def chat(home: Environ, **said: str) -> Ran:
    return run(home, "chat", "--no-history", PROMPT, **said)


def pid_of(home: Environ) -> int:
    with Client(client_endpoint(home)) as client:
        return client.welcome.pid


def kept(home: Environ, model: str = "echo") -> float:
    """The `keep_alive` that the model has."""
    with Client(client_endpoint(home)) as client:
        status = status_of(client, model)
        assert status is not None
        return status.keep_alive


def config(home: Environ, text: str) -> None:
    file = Path(home["HOME"]) / ".config" / "ai-pal" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


CLIENTS_OWN = {
    "AI_PAL_KEEP_ALIVE": "1h",
    "AI_PAL_MODEL": "echo?id=other",
    "AI_PAL_HISTORY": "no",
    "AI_PAL_AUTO_PULL": "yes",
    "AI_PAL_OPTIMIZATION_GOAL": "cost",
    "AI_PAL_LOCAL_ONLY": "1",
    "AI_PAL_DEADLINE": "50s",
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_NO_INPUT": "1",
}


def test_what_is_a_clients_own_leaves_a_warm_supervisor_alone(home: Environ) -> None:
    chat(home)
    warm = pid_of(home)
    for name, text in CLIENTS_OWN.items():
        assert chat(home, **{name: text}) == Ran(PROMPT, ""), name
        assert pid_of(home) == warm, name
    assert kept(home) == HOUR


def test_what_the_first_client_has_is_not_what_the_others_get(home: Environ) -> None:
    chat(home, **CLIENTS_OWN)
    warm = pid_of(home)
    assert chat(home) == Ran(PROMPT, "")
    assert pid_of(home) == warm
    with Client(client_endpoint(home)) as client:
        assert client.welcome.fingerprint == {}
        models = {worker.model: worker.keep_alive for worker in client.status().workers}
    assert models == {"echo?id=other": HOUR, "echo": 300.0}


def test_an_empty_environment_such_as_crons_leaves_it_alone(home: Environ) -> None:
    shell = {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HF_TOKEN": "t",
        "AI_PAL_THREADS": "1",
        "OPENAI_API_KEY": "k",
    }
    chat(home, **shell)
    warm = pid_of(home)
    assert chat({"HOME": home["HOME"], "AI_PAL_HOME": home["AI_PAL_HOME"], "AI_PAL_MODEL": "echo"}) == Ran(
        PROMPT, ""
    )
    assert pid_of(home) == warm
    assert chat(home, **shell, AI_PAL_HISTORY="no") == Ran(PROMPT, "")
    assert pid_of(home) == warm


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ({}, {"HTTPS_PROXY": "http://127.0.0.1:9"}, "HTTPS_PROXY"),
        ({"HF_TOKEN": "secret-1"}, {"HF_TOKEN": "secret-2"}, "HF_TOKEN"),
        ({"AI_PAL_THREADS": "1"}, {"AI_PAL_THREADS": "2"}, "threads"),
        ({}, {"OLLAMA_HOST": "127.0.0.1:9"}, "OLLAMA_HOST"),
    ],
)
def test_another_value_of_what_is_the_supervisors_replaces_it_and_is_named(
    home: Environ, before: Environ, after: Environ, names: str
) -> None:
    chat(home, **before)
    old = pid_of(home)
    assert chat(home, **after) == Ran(PROMPT, f"restarted the supervisor: {names} changed")
    assert pid_of(home) != old
    assert chat(home, **after) == Ran(PROMPT, "")


def test_a_changed_file_replaces_it_and_is_named(home: Environ) -> None:
    chat(home)
    config(home, "history = false\nqueue_size = 9\n")
    assert chat(home).err == "restarted the supervisor: queue_size changed"
    config(home, "queue_size = 9\n")
    assert chat(home).err == ""


def test_names_and_what_needs_no_other_supervisor_leave_what_is_loaded_alone(home: Environ) -> None:
    chat(home)
    warm = pid_of(home)
    with Client(client_endpoint(home)) as client:
        worker = client.status().workers[0].pid
    assert run(home, "alias", "parrot", "echo").err == ""
    assert chat(home, AI_PAL_MODEL="parrot") == Ran(PROMPT, "")
    assert run(home, "alias", "parrot", "echo?slots=3").err == ""
    assert chat(home, AI_PAL_MODEL="parrot") == Ran(PROMPT, "")
    assert run(home, "config", "set", "ollama.base_url", "http://127.0.0.1:9").err == ""
    assert run(home, "config", "set", "keep_alive", "2h").err == ""
    assert chat(home) == Ran(PROMPT, "")
    assert kept(home) == 2 * HOUR
    assert run(home, "alias", "rm", "parrot").err == ""
    assert run(home, "config", "set", "queue_size", "9").err == (
        f"the supervisor (pid {warm}) has other settings (queue_size): "
        "the next chat that finds it idle restarts it, and models are loaded anew"
    )
    with Client(client_endpoint(home)) as client:
        assert client.welcome.pid == warm
        loaded = {worker.model: worker for worker in client.status().workers}
    assert loaded["echo"].pid == worker
    assert loaded["parrot"].slots == 3


@pytest.mark.parametrize("words", [("load", "echo"), ("route", PROMPT)])
def test_other_commands_say_it_too(home: Environ, words: tuple[str, ...]) -> None:
    chat(home)
    assert (
        run(home, *words, AI_PAL_THREADS="2").err.splitlines()[0]
        == "restarted the supervisor: threads changed"
    )


def test_privacy_is_the_clients_and_no_other_request_gets_less_of_it(home: Environ) -> None:
    chat(home, AI_PAL_LOCAL_ONLY="1")
    warm = pid_of(home)
    told = {}
    for name, said in {"private": {"AI_PAL_LOCAL_ONLY": "1"}, "open": {}}.items():
        told[name] = json.loads(run(home, "route", "-m", "openai:gpt-4", "--json", PROMPT, **said).out)[
            "candidates"
        ][0]
    assert told["private"]["failure"]["code"] == "local_only"
    assert told["open"]["failure"]["code"] != "local_only"
    assert pid_of(home) == warm
    config(home, "local_only = true\n")
    assert chat(home) == Ran(PROMPT, "")
    open_now = run(home, "route", "-m", "openai:gpt-4", "--json", PROMPT).out
    assert json.loads(open_now)["candidates"][0]["failure"]["code"] == "local_only"
    assert pid_of(home) == warm
    assert chat(home, AI_PAL_LOCAL_ONLY="0").err == "restarted the supervisor: local_only changed"


def test_a_supervisor_in_the_foreground_with_other_settings_is_mentioned_once(
    supervise: Callable[..., Supervised], home: Environ
) -> None:
    running = supervise(log_level="debug", model="echo", keep_alive="2h", threads=1)
    assert chat(home) == Ran(PROMPT, "")  # what it was given itself is its own
    config(home, "queue_size = 9\n")
    who = f"the supervisor (pid {running.process.pid}) in the foreground"
    assert chat(home) == Ran(PROMPT, f"{who} has other settings (queue_size): restart it")
    doctor = ai_pal(home, "doctor", "--offline")
    assert "it has other settings (queue_size)" in doctor.stdout


def test_one_of_another_version_is_mentioned(home: Environ) -> None:
    program = """import sys, ai_pal
ai_pal.__version__ = "0.0.1"
from ai_pal.__main__ import main
sys.exit(main())"""
    with Supervised(home, ("-c", program)) as running:
        who = f"the supervisor (pid {running.process.pid}) in the foreground"
        assert chat(home).err == f"{who} is version 0.0.1, not 0.1.0: restart it"


def test_a_chat_that_is_open_does_not_stop_a_newer_one(
    home: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in home.items():
        monkeypatch.setenv(name, text)
    for name in ("AI_PAL_MODEL_CACHE", *compared()):
        monkeypatch.delenv(name)
    settings, read_at = load_settings().settings, time.monotonic()
    notes: list[str] = []
    with connect(settings, read_at=read_at) as first:
        old = first.welcome.pid
        chat(home, AI_PAL_THREADS="2")
        newer = pid_of(home)
        assert newer != old
    monkeypatch.setenv("AI_PAL_THREADS", "3")  # as if it had been so from its beginning
    with connect(settings, notify=notes.append, read_at=read_at) as again:
        assert again.welcome.pid == newer
        assert again.ask(PROMPT).text == PROMPT + " "
    assert notes == [
        f"the supervisor (pid {newer}) is newer than this and has other settings (threads): using it as it is"
    ]


def test_a_setting_that_was_said_is_stronger_than_what_is_usual(home: Environ) -> None:
    run(home, "load", "echo", "--keep-alive", "never")
    chat(home, AI_PAL_KEEP_ALIVE="1h")
    assert kept(home) == -1
    config(home, '[models."echo"]\nkeep_alive = "2h"\n')
    assert kept(home) == -1
    run(home, "unload", "echo")
    chat(home, AI_PAL_KEEP_ALIVE="1h")
    assert kept(home) == 2 * HOUR
    run(home, "chat", "--no-history", "--keep-alive", "10m", PROMPT, AI_PAL_KEEP_ALIVE="1h")
    assert kept(home) == 600


async def test_every_face_takes_its_settings_along(
    home: Environ, daemon: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor's own model is echo for five minutes."""
    for name, text in home.items():
        monkeypatch.setenv(name, text)

    def said(face: str) -> str:
        monkeypatch.setenv("AI_PAL_MODEL", f"echo?id={face}")
        monkeypatch.setenv("AI_PAL_KEEP_ALIVE", "1h")
        return f"echo?id={face}"

    faces = [said("blocking")]
    with Client(daemon.endpoint) as client:
        client.ask(PROMPT)
        client.usual = client.usual._replace(model=said("loading"))
        list(client.load())
    faces += ["echo?id=loading", said("async")]
    async with AsyncClient(daemon.endpoint) as other:
        await other.ask(PROMPT)
    faces.append(said("provider"))
    async with LocalLLMProvider() as provider:
        await provider.generate(PROMPT)
    faces.append(said("orchestrator"))
    async with MultiModelOrchestrator() as orchestrator:
        await orchestrator.route_request(PROMPT)
    faces.append(said("wrapper"))
    with DirectModelWrapper() as wrapper:
        wrapper.generate(PROMPT)
    with Client(daemon.endpoint) as client:
        models = {worker.model: worker.keep_alive for worker in client.status().workers}
    assert models == dict.fromkeys(faces, HOUR)


def test_a_mistake_in_a_clients_environment_does_not_keep_it_from_stopping(home: Environ) -> None:
    chat(home)
    assert "is stopping" in run(home, "stop", AI_PAL_KEEP_ALIVE="nonsense").out
    os.environ["AI_PAL_KEEP_ALIVE"] = "nonsense"
    try:
        with pytest.raises(AiPalError, match="AI_PAL_KEEP_ALIVE"):
            connect(load_settings().settings)
    finally:
        del os.environ["AI_PAL_KEEP_ALIVE"]
