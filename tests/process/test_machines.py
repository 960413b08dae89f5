"""Another machine of the user's through a real OpenSSH server: added and pinned, asked by name, listed, and
what is told when its link is cut, its key has changed, or its AI-PAL is an older one."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ai_pal.client import Client
from ai_pal.machines.there import fingerprint
from ai_pal.protocol import client as wire
from tests.process import command
from tests.process.answers import slow
from tests.process.eventually import allowed, eventually
from tests.process.homes import Environ, client_endpoint, environment, stop_supervisor
from tests.process.supervised import Supervised, words_of
from tests.servers import sshd

pytestmark = pytest.mark.skipif(
    not sshd.is_here() and not os.environ.get("CI"), reason="openssh-server is not here: scripts/setup --dev"
)

WITHIN = 60.0
TOLD = 4.0
"""Seconds within which a link that is cut is told."""

ENDED = 3.0
"""Seconds after which nothing that was asked through it runs there any more."""


@pytest.fixture(scope="module")
def box() -> Iterator[sshd.SecondMachine]:
    with sshd.SecondMachine() as machine:
        yield machine


@pytest.fixture
def here(ai_pal_home: Path, box: sshd.SecondMachine) -> Iterator[Environ]:
    """This machine: it may log in there."""
    environ = environment(ai_pal_home) | box.agent | {"XDG_CONFIG_HOME": str(ai_pal_home / "config")}
    yield environ
    stop_supervisor(environ)


def ai_pal(environ: Environ, *words: str, code: int = 0) -> str:
    done = command.ai_pal(environ, *words)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def add(environ: Environ, box: sshd.SecondMachine, name: str = "box", *words: str) -> str:
    """Add the machine as somebody does whose known_hosts do not know it."""
    place = ["--ssh", box.target, "--port", str(box.port), "--command", box.command]
    key = ["--host-key", fingerprint(box.host_key)]
    return ai_pal(environ, "machines", "add", name, *place, *key, *words)


def asked(environ: Environ, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ai_pal(environ, "chat", "--json", *words))
    return found


def test_a_machine_is_added_asked_listed_and_removed(here: Environ, box: sshd.SecondMachine) -> None:
    said = add(here, box)
    assert "GB free" in said
    assert "ai-pal chat -m box:" in said
    (row,) = json.loads(ai_pal(here, "machines", "list", "--json"))
    assert row["name"] == "box"
    assert row["host_key"] == fingerprint(box.host_key)

    answer = asked(here, "-m", "box:echo", "one two three")
    assert answer["text"].strip() == "one two three"
    assert (answer["tier"], answer["provider"], answer["remote"]) == (4, "box", True)
    assert asked(here, "-m", "box:echo", "--mine", "four five")["text"].strip() == "four five"
    assert "local_only" in ai_pal(here, "chat", "--json", "-m", "box:echo", "--local-only", "six", code=1)
    # It is written after the answer.
    eventually(lambda: "box:echo" in ai_pal(here, "usage", "--by", "model"), within=WITHIN)
    assert "box:\ta machine of yours\n" in ai_pal(here, "complete", "models", "bo")

    def ready() -> dict[str, Any] | None:
        (one,) = json.loads(ai_pal(here, "route", "--json", "-m", "box:echo", "one two"))["candidates"]
        return one if one["state"] == "ready" else None

    candidate = eventually(ready)
    assert (candidate["provider"], candidate["remote"]) == ("box", True)
    assert 0 < candidate["seconds"] < WITHIN, "learned"

    assert json.loads(ai_pal(here, "ps", "--on", "box", "--json"))[0]["machine"] == "box"
    assert "box: echo is unloaded" in ai_pal(here, "unload", "echo", "--on", "box")
    assert "box: echo is ready" in ai_pal(here, "load", "echo", "--on", "box")
    machines = {row["machine"] for row in json.loads(ai_pal(here, "ps", "--all-machines", "--json"))}
    assert machines == {"box"}
    everywhere = json.loads(ai_pal(here, "list", "--all", "--all-machines", "--json"))
    assert {row["machine"] for row in everywhere} == {"box", "this machine"}
    (seen,) = json.loads(ai_pal(here, "machines", "check", "--json"))
    assert seen["failure"] is None
    assert seen["loaded"] == ["echo"]

    ai_pal(here, "machines", "remove", "box", "--yes")
    assert json.loads(ai_pal(here, "machines", "list", "--json")) == []


def test_machines_that_are_asleep_are_looked_at_all_at_once(here: Environ, box: sshd.SecondMachine) -> None:
    add(here, box)
    with socket.create_server(("127.0.0.1", 0)) as asleep:
        port, file = asleep.getsockname()[1], Path(here["XDG_CONFIG_HOME"]) / "ai-pal" / "config.toml"
        known = file.read_text()
        for name in ("one", "two"):
            known += "\n" + file.read_text().replace("machines.box", f"machines.{name}").replace(
                f"port = {box.port}", f"port = {port}"
            )
        file.write_text(known)
        command = [sys.executable, "-P", "-m", "ai_pal", "machines", "check", "one", "two", "--json"]
        with subprocess.Popen(command, env=here, stdout=subprocess.PIPE, text=True) as check:
            asleep.settimeout(WITHIN)
            with asleep.accept()[0] as first, asleep.accept()[0]:
                first.settimeout(WITHIN)
                assert first.recv(256).startswith(b"SSH-")
                first.setblocking(False)
                with pytest.raises(BlockingIOError):  # it has not been given up when the second is asked
                    first.recv(1)
                told, _ = check.communicate(timeout=WITHIN)
    why = {one["name"]: one["failure"]["message"] for one in json.loads(told)}
    assert list(why) == ["one", "two"]
    late = ("does not answer within 3 s", "the login took too long")  # ssh itself may be slow
    assert all(any(words in one for words in late) for one in why.values()), why


def test_what_keeps_a_machine_from_being_added_is_said(here: Environ, box: sshd.SecondMachine) -> None:
    place = ["--ssh", box.target, "--port", str(box.port), "--command", box.command]
    unknown = ai_pal(here, "machines", "add", "box", *place, code=1)
    assert "do not know box" in unknown
    assert fingerprint(box.host_key) in unknown
    wrong = ai_pal(here, "machines", "add", "box", *place, "--host-key", "SHA256:no", code=1)
    assert "and not SHA256:no" in wrong
    known = ["--host-key", fingerprint(box.host_key)]
    stranger = {name: value for name, value in here.items() if name != "SSH_AUTH_SOCK"}
    assert "permission denied" in ai_pal(stranger, "machines", "add", "box", *place, *known, code=1)
    nobody = ["--ssh", box.target, "--port", "1", *known]
    assert "connection refused" in ai_pal(here, "machines", "add", "box", *nobody, code=1)
    missing = [*place[:-1], "/nonsuch/ai-pal", *known]
    assert "has no AI-PAL" in ai_pal(here, "machines", "add", "box", *missing, code=1)
    older = [*place[:-1], "echo there is no command \\'relay\\' >&2; false", *known]
    assert "another version" in ai_pal(here, "machines", "add", "box", *older, code=1)
    assert not (Path(here["XDG_CONFIG_HOME"]) / "ai-pal" / "config.toml").exists()


def test_it_is_chosen_until_its_key_has_changed_and_then_the_walk_goes_on(
    here: Environ, box: sshd.SecondMachine
) -> None:
    free = {name: value for name, value in here.items() if name != "AI_PAL_MODEL"}
    chooses = {**free, "AI_PAL_LOCAL_MODEL": "echo"}
    wanted = ("--mine", "--goal", "quality", "one two")
    assert asked(chooses, *wanted)["provider"] == "local", "there is no other"
    add(chooses, box, "box", "--model", "echo")  # the supervisor that runs takes it up
    answer = asked(chooses, *wanted)
    assert (answer["provider"], answer["why"]) == ("box", "nothing may leave your machines")
    with box.supervisor_stands_still():
        answer = asked(chooses, *wanted)
    assert (answer["provider"], answer["text"].strip()) == ("local", "one two"), "the walk goes on"
    assert any(notice["reason"].startswith("box:echo: ") for notice in answer["notices"])
    box.change_host_key()
    refused = ai_pal(chooses, "chat", "--json", "-m", "box:echo", "one two", code=1)
    assert "machine_changed" in refused
    answer = asked(chooses, *wanted)
    assert (answer["provider"], answer["text"].strip()) == ("local", "one two"), "the one behind it"
    assert any("is not the machine that was added" in notice["reason"] for notice in answer["notices"])


@pytest.fixture
def linked(here: Environ, box: sshd.SecondMachine) -> Iterator[Client]:
    """A client of a supervisor here that knows the machine."""
    with Supervised(here) as supervised, supervised.client() as client:
        add(here, box)
        yield client


def begun(client: Client) -> Iterator[wire.AnyEvent]:
    """A long answer of the machine, of which something has come."""
    events = iter(client.chat("one two three", model="box:echo", options=slow()))
    assert any(isinstance(event, wire.Delta) for event in events)
    return events


def end_of(events: Iterator[wire.AnyEvent]) -> wire.AnyEvent:
    return next(event for event in events if isinstance(event, wire.TERMINAL))


def busy_there(box: sshd.SecondMachine) -> bool:
    with Client(client_endpoint(box.environ)) as client:
        return any(worker.active for worker in client.status().workers)


def test_a_link_that_is_cut_is_told_and_nothing_goes_on_there(
    linked: Client, box: sshd.SecondMachine
) -> None:
    events = begun(linked)
    assert busy_there(box)
    box.freeze()  # neither end hears anything, and nobody closes anything
    cut = time.monotonic()
    try:
        eventually(lambda: not busy_there(box), within=allowed(ENDED))
        end = end_of(events)
        assert time.monotonic() - cut < allowed(TOLD)
    finally:
        box.thaw()
    assert isinstance(end, wire.Interrupted)
    assert end.reason.code == "stream_broken"
    assert "the link to box " in end.reason.message, (
        "it is cut, or has ended: whichever a busy machine sees first"
    )
    assert linked.ask("one two", model="box:echo").text.strip() == "one two", "a new link"


def test_a_supervisor_that_stands_still_there_is_told(linked: Client, box: sshd.SecondMachine) -> None:
    events = begun(linked)
    with box.supervisor_stands_still():
        stood = time.monotonic()
        end = end_of(events)
        assert time.monotonic() - stood < allowed(TOLD)
    assert isinstance(end, wire.Interrupted)
    assert "the AI-PAL on box does not answer" in end.reason.message
    assert linked.ask("one two", model="box:echo").text.strip() == "one two", "a new link"


def test_what_ends_on_the_way_is_told_at_once(linked: Client, box: sshd.SecondMachine) -> None:
    for end_link in (box.kill_sessions, box.stop_supervisor):
        events = begun(linked)
        end_link()
        end = end_of(events)
        assert isinstance(end, wire.Interrupted)
        assert "box" in end.reason.message
    eventually(lambda: not box.relays())


def test_a_cancel_reaches_the_machine(linked: Client, box: sshd.SecondMachine) -> None:
    stream = linked.chat("one two three", model="box:echo", options=slow())
    events = iter(stream)
    assert any(isinstance(event, wire.Delta) for event in events)
    stream.cancel()
    assert isinstance(end_of(events), wire.Cancelled)
    eventually(lambda: not busy_there(box))


def test_one_machine_is_free_of_it(ai_pal_home: Path) -> None:
    """No process, no socket, no file, no setting."""
    environ = environment(ai_pal_home)
    with Supervised(environ) as supervised, supervised.client() as client:
        assert client.ask("one two").text.strip() == "one two"
        children = psutil.Process(supervised.process.pid).children(recursive=True)
        assert not [child for child in children if {"ai_pal.machines", "ssh"} & set(words_of(child))]
        assert sorted(os.listdir(supervised.run_dir)) == ["front.sock", "supervisor.lock", "workers.sock"]
    assert not (ai_pal_home / "identity").exists()
    assert "machines" not in ai_pal(environ, "config", "show").replace("[machines.NAME]", "")
