"""Downloads from end to end: client, supervisor, egress process, the real hub client, a loopback hub."""

import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import psutil
import pytest

from ai_pal.client import Client
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.client import Done, Failed, Pulled, Pulling
from ai_pal.protocol.options import GenerationOptions
from tests.hub import repositories as repos
from tests.hub.loopback import TIMEOUT, TOKEN, Hub, Repo, loopback_hub
from tests.nursery import NURSERIES, SUPERVISORS
from tests.process.command import ai_pal
from tests.process.eventually import allowed, eventually
from tests.process.homes import Environ, client_endpoint, environment, stop_supervisor
from tests.process.supervised import words_of

WEIGHTS = "model.safetensors"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with loopback_hub() as found:
        yield found


@pytest.fixture
def home(ai_pal_home: Path, hub: Hub) -> Iterator[Environ]:
    """The environment of commands: an empty cache, the loopback hub."""
    environ = environment(ai_pal_home) | hub.environment
    environ |= {"HF_HOME": str(ai_pal_home / "hf"), "AI_PAL_MODEL_CACHE": str(ai_pal_home / "models")}
    yield environ
    stop_supervisor(environ)


@pytest.fixture
def alone(home: Environ) -> Environ:
    """No process is a nursery's: they are found as the supervisor's children, with their environment."""
    home[NURSERIES] = ""
    return home


def in_terminal(environ: Environ, *args: str) -> "pexpect.spawn[str]":
    """The command in a terminal that is wide enough for every line."""
    command = ["-m", "ai_pal", *args]
    return pexpect.spawn(
        sys.executable, command, env=environ, timeout=TIMEOUT, encoding="utf-8", dimensions=(30, 200)
    )


@contextlib.contextmanager
def client(environ: Environ) -> Iterator[Client]:
    """A client of the supervisor of this home, which is started."""
    assert ai_pal(environ, "load", "echo").returncode == 0
    with Client(client_endpoint(environ)) as found:
        yield found


def egress(supervisor: int) -> list[psutil.Process]:
    """The egress processes of a supervisor."""
    children = psutil.Process(supervisor).children()
    return [child for child in children if "ai_pal.egress" in words_of(child)]


def has_ended(process: psutil.Process) -> bool:
    # Nobody may collect an orphan where the first process of a container is no init.
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def log(environ: Environ) -> str:
    return (Path(environ["AI_PAL_HOME"]) / "logs/supervisor.log").read_text()


def ranges(hub: Hub) -> list[str]:
    return [seen.range for seen in hub.downloads(WEIGHTS) if seen.server == "storage"]


def hold(hub: Hub) -> None:
    """Let downloads of weights stop half-way."""
    hub.hold_after = 1_500_000
    hub.gate.clear()


def half_way(events: Iterator[object], hub: Hub) -> None:
    """Follow until a part of the weights is on the disk."""
    for event in events:
        if isinstance(event, Pulling) and event.done >= 800_000:
            break
    assert hub.held.wait(TIMEOUT)


def test_pull_brings_a_model_and_tells_how_far_it_is(home: Environ, hub: Hub) -> None:
    hub.repos["org/tiny"] = repos.llama()
    done = ai_pal(home, "pull", "org/tiny")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"org/tiny is ready: /.*/snapshots/[0-9a-f]{40}\n", done.stdout)
    assert "pulling org/tiny: 100% (3 MB of 3 MB)" in done.stderr


def test_what_is_here_is_used_and_listed_without_a_request(home: Environ, hub: Hub) -> None:
    hub.repos["org/tiny"] = repo = repos.llama()
    ai_pal(home, "pull", "org/tiny")
    asked = len(hub.requests)
    assert ai_pal(home, "pull", "org/tiny").returncode == 0
    shown = ai_pal(home, "list")
    row = next(line for line in shown.stdout.splitlines() if line.startswith("org/tiny"))
    assert "verified" in row
    assert repo.commit in ai_pal(home, "show", "org/tiny").stdout
    with client(home) as mine:
        [end] = mine.pull("org/tiny")
        assert isinstance(end, Pulled)
    assert len(hub.requests) == asked


def test_several_followers_share_one_download_and_it_goes_on_while_one_is_left(
    home: Environ, hub: Hub
) -> None:
    hub.repos["org/tiny"] = repos.llama()
    hold(hub)
    with client(home) as first, Client(client_endpoint(home)) as second:
        early, late = first.pull("org/tiny"), second.pull("org/tiny")
        next(early)
        next(late)
        assert hub.held.wait(TIMEOUT)
        early.close()
        hub.gate.set()
        *_, end = late
        assert isinstance(end, Pulled)
    assert ranges(hub) == [""]


def test_the_last_follower_stops_the_download_and_the_next_one_resumes_it(home: Environ, hub: Hub) -> None:
    hub.repos["org/tiny"] = repos.llama()
    hold(hub)
    with client(home) as mine:
        events = mine.pull("org/tiny")
        half_way(events, hub)
        events.close()
        eventually(lambda: '"pull_stopped"' in log(home), within=TIMEOUT)
        with pytest.raises(AiPalError):  # a round trip: the egress process has heard it too
            list(mine.pull("org/nothing"))
        hub.gate.set()
        *_, end = mine.pull("org/tiny")
        assert isinstance(end, Pulled)
    assert len(ranges(hub)) == 2
    assert ranges(hub)[1].startswith("bytes=")


def test_a_killed_egress_process_costs_nothing_but_time(alone: Environ, hub: Hub) -> None:
    hub.repos["org/tiny"] = repos.llama()
    hold(hub)
    with client(alone) as mine:
        events = mine.pull("org/tiny")
        half_way(events, hub)
        [process] = egress(mine.welcome.pid)
        process.kill()
        hub.gate.set()
        *_, end = events
        assert isinstance(end, Pulled)
    assert ranges(hub)[-1].startswith("bytes=")


def test_a_download_dies_with_its_supervisor_and_goes_on_under_the_next(alone: Environ, hub: Hub) -> None:
    hub.repos["org/tiny"] = repos.llama()
    hold(hub)
    with client(alone) as mine:
        events = mine.pull("org/tiny")
        half_way(events, hub)
        [process] = egress(mine.welcome.pid)
        os.kill(mine.welcome.pid, signal.SIGKILL)
        eventually(lambda: has_ended(process), within=allowed(1.0))
    hub.gate.set()
    assert ai_pal(alone, "pull", "org/tiny").returncode == 0
    assert ranges(hub)[-1].startswith("bytes=")


def test_only_the_egress_process_has_the_network_and_the_token(alone: Environ, hub: Hub) -> None:
    hub.repos["org/tiny"] = repos.llama()
    hold(hub)
    with client(alone | {"HF_TOKEN": TOKEN}) as mine:
        events = mine.pull("org/tiny")
        half_way(events, hub)
        supervisor = psutil.Process(mine.welcome.pid)
        [process] = egress(supervisor.pid)
        workers = [child for child in supervisor.children() if child.pid != process.pid]
        assert workers
        assert process.net_connections("inet")
        assert process.environ()["HF_TOKEN"] == TOKEN
        for other in (supervisor, *workers):
            assert other.net_connections("inet") == []
        assert not any("HF_TOKEN" in worker.environ() for worker in workers)
        hub.gate.set()
        *_, end = events
        assert isinstance(end, Pulled)
    assert TOKEN not in log(alone)


def test_an_idle_egress_process_ends(alone: Environ, hub: Hub) -> None:
    hub.repos["org/tiny"] = repos.llama()
    with client(alone) as mine:
        list(mine.pull("org/tiny"))
        [process] = egress(mine.welcome.pid)
        process.wait(TIMEOUT)


def test_a_stalled_download_fails_and_says_what_to_do(home: Environ, hub: Hub) -> None:
    hub.repos["org/tiny"] = repos.llama()
    hold(hub)
    with client(home | {"AI_PAL_DOWNLOAD_STALL": "1s"}) as mine, pytest.raises(AiPalError) as caught:
        list(mine.pull("org/tiny"))
    assert caught.value.code == Code.DOWNLOAD_FAILED
    assert caught.value.retryable
    assert "goes on where it stopped" in caught.value.failure.hint


def test_a_model_over_the_limit_is_not_downloaded_unasked(home: Environ, hub: Hub) -> None:
    hub.repos["org/quants"] = repos.ggufs()
    with client(home) as mine:
        events = list(mine.chat("hi", model="org/quants:Q8_0", pull=True, pull_limit=1000))
        assert max(event.total for event in events if isinstance(event, Pulling)) > 3_000_000
        assert isinstance(events[-1], Failed)
        assert events[-1].reasons[0].code == Code.MODEL_NOT_HERE
    assert not [seen for seen in hub.requests if seen.server == "storage"]


def test_cancel_ends_a_chat_that_still_downloads(home: Environ, hub: Hub) -> None:
    hub.repos["org/quants"] = repos.ggufs()
    hold(hub)
    with client(home) as mine:
        stream = mine.chat("hi", model="org/quants:Q8_0", pull=True)
        events = iter(stream)
        half_way(events, hub)
        stream.cancel()
        *_, end = events
        assert type(end).__name__ == "Cancelled"
        assert mine.status().workers[0].model == "echo"


def test_without_a_terminal_a_large_model_names_its_command(home: Environ, hub: Hub) -> None:
    done = ai_pal(home, "chat", "--model", "tinyllama", "hi")
    assert done.returncode == 3
    assert "[model_not_here]" in done.stderr
    assert "ai-pal pull tinyllama" in done.stderr
    assert hub.requests == []


def test_on_a_terminal_a_large_model_is_asked_for(home: Environ, hub: Hub) -> None:
    terminal = in_terminal(home, "chat", "--model", "tinyllama:q4_k_m", "hi")
    terminal.expect(r"669 MB to download \(.* free on the disk\), about .* of memory")
    terminal.expect(r"\[Y/n\] ")
    assert hub.requests == []
    terminal.sendline("")
    terminal.expect("there is no repository TheBloke/TinyLlama")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 3


def test_no_is_an_answer_too(home: Environ, hub: Hub) -> None:
    terminal = in_terminal(home, "chat", "--model", "tinyllama", "hi")
    terminal.expect(r"\[Y/n\] ")
    terminal.sendline("n")
    terminal.expect("model_not_here")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert hub.requests == []


def test_offline_is_told_with_the_next_step(home: Environ, hub: Hub) -> None:
    done = ai_pal(home | {"HF_HUB_OFFLINE": "1"}, "pull", "org/tiny")
    assert done.returncode == 1
    assert "[offline]" in done.stderr
    assert "unset HF_HUB_OFFLINE" in done.stderr
    assert hub.requests == []


@pytest.mark.real_model
def test_a_first_chat_downloads_and_answers_and_later_ones_need_no_network(
    home: Environ, hub: Hub, starter_model: Path
) -> None:
    hub.repos["org/smol"] = Repo({"smol.Q4_1.gguf": starter_model.read_bytes()})
    with client(home) as mine:
        events = list(
            mine.chat("Hi", model="org/smol:Q4_1", options=GenerationOptions(max_tokens=4), pull=True)
        )
        assert isinstance(events[0], Pulling)
        assert isinstance(events[-1], Done)
        mine.stop()
        assert mine.wait_gone(TIMEOUT)
    asked = len(hub.requests)
    (Path(home["AI_PAL_HOME"]) / "logs/supervisor.log").unlink()
    done = ai_pal(
        home | {"HF_ENDPOINT": "http://127.0.0.1:9"}, "chat", "--max-tokens", "4", "-m", "org/smol:Q4_1", "Hi"
    )
    assert done.returncode == 0, done.stderr
    assert len(hub.requests) == asked
    assert "egress_started" not in log(home)


@pytest.mark.real_model
def test_a_model_in_hugging_faces_own_cache_is_used_where_it_lies(
    home: Environ, hub: Hub, starter_model: Path
) -> None:
    snapshot = Path(home["HF_HOME"]) / "hub/models--org--smol/snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "smol.Q4_1.gguf").symlink_to(starter_model)
    done = ai_pal(home, "chat", "--max-tokens", "4", "-m", "org/smol:Q4_1", "Hi")
    assert done.returncode == 0, done.stderr
    assert hub.requests == []
    assert "egress_started" not in log(home)


@pytest.mark.slow
def test_safetensors_from_the_hub_answer_and_code_beside_them_stays_there(
    home: Environ, hub: Hub, tmp_path: Path
) -> None:
    from tests import tiny_models

    folder = tiny_models.save(tmp_path / "tiny", "llama")
    canary = tmp_path / "canary"
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    code = f"open({str(canary)!r}, 'w')".encode()
    hub.repos["org/llama"] = Repo(files | {"modeling_llama.py": code, "setup.py": code})
    home[NURSERIES] = f"{SUPERVISORS} transformers"
    with client(home) as mine:
        events = list(mine.chat("Hi", model="org/llama", options=GenerationOptions(max_tokens=4), pull=True))
        assert isinstance(events[-1], Done), events[-1]
        assert {worker.engine for worker in mine.status().workers} >= {"transformers"}
    assert not canary.exists()
    assert not [seen for seen in hub.requests if seen.path.endswith(".py")]
