"""The daemon, driven by a client that was written from docs/ipc-protocol.md and knows nothing else."""

import ast
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from tests.process import page_client
from tests.process.eventually import allowed, eventually
from tests.process.homes import environment
from tests.process.page_client import GoneError, PageClient, text_of
from tests.process.supervised import Supervised, gone

PAGE = Path(__file__).parents[2] / "docs" / "ipc-protocol.md"
ENDLESS = {"extra": {"tokens": 1_000_000, "pace": 0.01}}


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def code_of(event: dict[str, Any]) -> str:
    assert event["type"] == "failed"
    return str(event["reasons"][-1]["code"])


def test_the_client_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(page_client.__file__).read_text(encoding="utf-8"))
    plain = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    parts = {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert plain | parts == {"time", "collections", "typing", "msgpack", "zmq"}


def test_the_example_of_the_page_answers(daemon: Supervised, ai_pal_home: Path, tmp_path: Path) -> None:
    example = tmp_path / "example.py"
    text = PAGE.read_text(encoding="utf-8")
    example.write_text(text.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    command = [sys.executable, str(example), "hello", "page"]
    done = subprocess.run(command, env=environment(ai_pal_home), capture_output=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello page \n", b"")


def test_the_example_of_the_page_with_tools_and_an_image(
    daemon: Supervised, ai_pal_home: Path, tmp_path: Path
) -> None:
    example, picture = tmp_path / "example.py", tmp_path / "town.png"
    text = PAGE.read_text(encoding="utf-8").partition("## 12. Tools and an image")[2]
    example.write_text(text.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII5s", 13, b"IHDR", 10, 10, bytes(5))
    picture.write_bytes(head + bytes(200_000))
    command = [sys.executable, str(example), "echo", str(picture)]
    done = subprocess.run(command, env=environment(ai_pal_home), capture_output=True, timeout=120, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "['weather'] rain, 12 degrees \n"


def test_the_example_says_when_nobody_listens(ai_pal_home: Path, tmp_path: Path) -> None:
    example = tmp_path / "example.py"
    text = PAGE.read_text(encoding="utf-8")
    example.write_text(text.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    command = [sys.executable, str(example)]
    done = subprocess.run(command, env=environment(ai_pal_home), capture_output=True, timeout=120)
    assert done.returncode == 1
    assert b"ai-pal supervise" in done.stderr


def test_a_chat_in_one_message_with_the_hello(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint, greet=False) as client:
        chat = {"type": "chat", "id": 1, "messages": [{"role": "user", "content": "a b c"}]}
        client.send({"type": "hello", "protocol": 2}, chat)
        welcome = client.next()
        assert (welcome["type"], welcome["protocol"], welcome["pid"]) == ("welcome", 2, daemon.process.pid)
        events = client.events(1)
    assert text_of(events) == "a b c "
    order = [kind for kind in kinds(events) if kind not in ("queued", "loading", "delta")]
    assert order == ["accepted", "started", "done"]
    assert events[-1]["usage"] == {"prompt_tokens": 3, "completion_tokens": 3}
    assert events[-1]["timings"]["total"] > 0


def test_load_progress_never_falls(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        events = client.events(client.ask("load", model="echo?load_seconds=0.5"))
        again = client.events(client.ask("load", model="echo?load_seconds=0.5"))
    steps = [event["progress"] for event in events if event["type"] == "loading"]
    assert steps == sorted(steps)
    assert len(set(steps)) >= 5
    assert events[-1]["model"] == "echo?load_seconds=0.5"
    assert events[-1]["seconds"] >= 0.5
    assert again == [{"type": "loaded", "id": 2, "model": "echo?load_seconds=0.5"}]


def test_a_cancelled_load_ends_and_goes_on_in_the_background(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        load = client.ask("load", model="echo?load_seconds=1")
        client.until("loading")
        client.send({"type": "cancel", "id": load})
        assert client.events(load)[-1]["type"] == "cancelled"
        assert client.events(client.ask("load", model="echo?load_seconds=1"))[-1]["type"] == "loaded"


def test_a_long_prompt_tells_how_far_it_is_read_and_a_short_one_does_not(daemon: Supervised) -> None:
    slow = {"extra": {"prefill_seconds": 3.0}}
    with PageClient(daemon.endpoint) as client:
        assert "reading" in client.until("welcome")["features"]
        events = client.events(client.chat("a b c d e f g h i j", options=slow))
        short = client.events(client.chat("a b c d e f g h i j"))
    told = [event for event in events if event["type"] == "reading"]
    done = [event["done"] for event in told]
    assert len(done) > 2
    assert done == sorted(set(done))
    assert done[-1] == 10
    assert {(event["model"], event["total"]) for event in told} == {("echo", 10)}
    assert kinds(events).index("started") > max(
        i for i, kind in enumerate(kinds(events)) if kind == "reading"
    )
    assert "reading" not in kinds(short)


def test_an_answer_that_repeats_itself_is_stopped_and_told(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        options = {"stop_repeating": True, "extra": {"tokens": 100_000}}
        events = client.events(client.chat("again and", options=options))
        whole = client.events(client.chat("again and", options={"extra": {"tokens": 1000}}))
    assert [event["kind"] for event in events if event["type"] == "notice"] == ["repeats"]
    assert (events[-1]["type"], events[-1].get("finish_reason", "stop")) == ("done", "stop")
    assert 500 < len(text_of(events)) < 5000
    assert len(text_of(whole)) == 5000


def test_cancel_ends_a_running_answer_once(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        chat = client.chat("word", options=ENDLESS)
        client.until("delta")
        asked = time.monotonic()
        client.send({"type": "cancel", "id": chat}, {"type": "cancel", "id": chat})
        events = client.events(chat)
        assert time.monotonic() - asked < allowed(1)
        assert events[-1]["type"] == "cancelled"
        assert events[-1]["usage"]["completion_tokens"] >= 1
        client.ask("status")
        assert client.next()["type"] == "status_reply"


def test_status_tells_of_the_worker(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        client.events(client.chat("x"))
        status = client.events(client.ask("status"))[0]
    assert (status["pid"], status["endpoint"], status["clients"]) == (
        daemon.process.pid,
        daemon.endpoint,
        1,
    )
    worker = status["workers"][0]
    assert (worker["model"], worker["state"], worker["requests"]) == ("echo", "ready", 1)
    assert worker["memory"] > 0
    assert 0 < worker["unloads_in"] <= worker["keep_alive"]


def test_unload_ends_the_process(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        client.events(client.ask("load"))
        pid = client.events(client.ask("status"))[0]["workers"][0]["pid"]
        assert client.events(client.ask("unload", model="echo"))[0]["models"] == ["echo"]
        eventually(lambda: gone(pid))
        assert client.events(client.ask("unload"))[0]["models"] == []


def test_unload_lets_a_running_answer_end(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        chat = client.chat("x", options={"extra": {"tokens": 30, "pace": 0.01}})
        first = client.until("delta")
        client.ask("unload")
        events = client.events(chat)
    assert text_of([first, *events]) == "x " * 30
    assert events[-1]["type"] == "done"


def test_keep_alive_zero_unloads_at_once(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        client.events(client.ask("load"))
        pid = client.events(client.ask("status"))[0]["workers"][0]["pid"]
        client.events(client.chat("x", keep_alive=0))
        eventually(lambda: gone(pid))


def test_a_deadline_interrupts(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        client.events(client.ask("load"))
        end = client.events(client.chat("x", options=ENDLESS, deadline=1.0))[-1]
    assert (end["type"], end["reason"]["code"]) == ("interrupted", "deadline_exceeded")


def test_positions_and_overload(supervise: Callable[..., Supervised]) -> None:
    with PageClient(supervise(queue_size=32).endpoint) as client:
        model = "echo?slots=1"
        client.events(client.ask("load", model=model))
        waiting = [client.chat("x", model=model, options=ENDLESS) for _ in range(33)]
        refused = client.chat("x", model=model)
        seen = [client.next()]
        while seen[-1].get("id") != refused:
            seen.append(client.next())
        assert seen[-1]["reasons"][0]["code"] == "overloaded"
        assert seen[-1]["reasons"][0]["retry_after"] > 0
        positions = {event["id"]: event["position"] for event in seen if event["type"] == "queued"}
        assert positions == dict(zip(waiting[1:], range(1, 33), strict=True))


@pytest.mark.parametrize(
    ("request_fields", "code", "echoed"),
    [
        ({"type": "chat", "id": 7, "messages": []}, "empty_prompt", 7),
        ({"type": "chat", "id": 7, "messages": [{"role": "user", "content": " \n"}]}, "empty_prompt", 7),
        ({"type": "chat", "id": 7, "messages": "hello"}, "bad_request", 7),
        ({"type": "chat", "id": 0, "messages": [{"role": "user", "content": "x"}]}, "bad_request", 0),
        ({"type": "chat", "messages": [{"role": "user", "content": "x"}]}, "bad_request", 0),
        ({"type": "load", "id": 7, "model": "smoll"}, "model_not_found", 7),
        ({"type": "load", "id": 7, "model": "/nowhere.gguf"}, "model_not_found", 7),
        ({"type": "status", "id": -1}, "bad_request", 0),
        ({"type": "dance", "id": 7}, "unknown_message", 7),
        ({"id": 7}, "bad_request", 7),
        (["chat", 7], "bad_request", 0),
    ],
)
def test_what_makes_no_sense_is_answered(
    daemon: Supervised, request_fields: dict[str, Any], code: str, echoed: int
) -> None:
    with PageClient(daemon.endpoint) as client:
        client.send(request_fields)
        failed = client.until("failed")
        assert (code_of(failed), failed["id"]) == (code, echoed)
        assert client.events(client.ask("status"))[0]["type"] == "status_reply"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", "bad_request"),
        (b"\xc1", "bad_request"),
        (b"GET / HTTP/1.1\r\n", "bad_request"),
        (msgpack.packb({"type": "chat", "id": 1})[:-1], "bad_request"),
        (b"\x91" * 100_000, "bad_request"),
        (b"\x82\xa4type\xa6status\xa2id" + b"\x91" * 100_000, "bad_request"),
        (
            msgpack.packb({"type": "chat", "id": 1, "messages": [], "model": "x" * (8 << 20)}),
            "frame_too_large",
        ),
    ],
    ids=["empty", "no msgpack", "http", "cut off", "deep", "deep id", "too large"],
)
def test_junk_is_answered_and_harms_nobody(daemon: Supervised, frame: bytes, code: str) -> None:
    with PageClient(daemon.endpoint) as client:
        client.send_frames(frame)
        assert code_of(client.until("failed")) == code
        assert text_of(client.events(client.chat("still here"))) == "still here "


def test_over_the_hard_limit_the_connection_is_dropped(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        client.until("welcome")
        client.send_frames(bytes(65 << 20))
        with pytest.raises(GoneError):
            client.next()
    with PageClient(daemon.endpoint) as client:
        assert client.next()["type"] == "welcome"


def test_hello_comes_first(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint, greet=False) as client:
        client.ask("status")
        failed = client.next()
        assert (code_of(failed), failed["id"]) == ("hello_required", 1)


def test_another_protocol_is_refused(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint, protocol=1) as client:
        failed = client.next()
        assert (code_of(failed), failed["id"]) == ("protocol_mismatch", 0)


def test_an_open_id_is_not_taken_twice(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        chat = client.chat("x", options=ENDLESS)
        client.send({"type": "chat", "id": chat, "messages": [{"role": "user", "content": "y"}]})
        failed = client.until("failed")
        assert (code_of(failed), failed["id"]) == ("duplicate_id", 0)
        client.send({"type": "cancel", "id": chat})
        assert client.events(chat)[-1]["type"] == "cancelled"


def test_unknown_fields_are_ignored(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        assert text_of(client.events(client.chat("x", colour="red"))) == "x "


def test_a_worker_that_dies_before_the_first_content_costs_a_notice(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        events = client.events(client.chat("x", options={"extra": {"kill_at": 0}}))
    assert [event["kind"] for event in events if event["type"] == "notice"] == ["retry"]
    assert code_of(events[-1]) == "worker_died"


def test_a_worker_that_dies_in_mid_answer_interrupts(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        events = client.events(client.chat("a b c d", options={"extra": {"kill_at": 2, "pace": 0.05}}))
    assert text_of(events) == "a b "
    assert (events[-1]["type"], events[-1]["reason"]["code"]) == ("interrupted", "worker_died")


def test_a_client_that_does_not_read_is_cut_off_alone(daemon: Supervised) -> None:
    flood = {"extra": {"tokens": 40_000, "chunk": 4096}}
    with PageClient(daemon.endpoint, held=1) as idle, PageClient(daemon.endpoint) as other:
        chat = idle.chat("x", options=flood)
        assert text_of(other.events(other.chat("fine"))) == "fine "
        eventually(lambda: not other.events(other.ask("status"))[0]["workers"][0].get("active"))
        events = idle.events(chat)
    assert (events[-1]["type"], events[-1]["reason"]["code"]) == ("interrupted", "client_too_slow")
    assert text_of(events)


def test_stop_only_if_idle_is_refused_while_busy(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        chat = client.chat("x", options=ENDLESS)
        assert code_of(client.events(client.ask("stop", only_if_idle=True))[0]) == "model_busy"
        client.send({"type": "cancel", "id": chat})
        client.events(chat)
        assert client.events(client.ask("stop", only_if_idle=True))[0]["type"] == "stopping"
        with pytest.raises(GoneError):
            client.next()
    assert daemon.process.wait(60) == 0


def test_a_killed_supervisor_is_noticed(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        client.chat("x", options=ENDLESS)
        client.until("delta")
        daemon.process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        with pytest.raises(GoneError):
            client.until("done")
        assert time.monotonic() - killed < allowed(1)


def test_stop_only_if_idle_is_refused_beneath_the_load_of_another(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client, PageClient(daemon.endpoint) as other:
        load = client.ask("load", model="echo?load_seconds=3")
        client.until("loading")
        assert code_of(other.events(other.ask("stop", only_if_idle=True))[0]) == "model_busy"
        assert client.events(load)[-1]["type"] == "loaded"


def test_an_image_goes_to_the_model_in_a_frame_of_its_own(daemon: Supervised) -> None:
    """A picture of 5 MB reaches the worker; the supervisor does not grow by what has gone through it."""
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII5s", 13, b"IHDR", 1000, 1000, bytes(5))
    picture = head + os.urandom((5 << 20) - len(head))
    parts = [{"type": "text", "text": "see"}, {"type": "image", "media_type": "image/png", "frame": 1}]
    with PageClient(daemon.endpoint) as client:
        for number in range(1, 11):
            chat = {"type": "chat", "id": number, "messages": [{"role": "user", "content": parts}]}
            client.send_frames(msgpack.packb(chat), picture)
            events = client.events(number)
            assert events[-1]["type"] == "done", events[-1]
            assert text_of(events).split()[-3:] == ["[image/png:", "5242880", "bytes]"]
        first = client.events(client.ask("status"))[-1]["memory"]
        for number in range(2001, 2011):
            chat = {"type": "chat", "id": number, "messages": [{"role": "user", "content": parts}]}
            client.send_frames(msgpack.packb(chat), picture)
            assert client.events(number)[-1]["type"] == "done"
        grown = client.events(client.ask("status"))[-1]["memory"] - first
    assert grown < 20 << 20


def test_a_frame_that_never_comes_is_missed(daemon: Supervised) -> None:
    parts = [{"type": "image", "media_type": "image/png", "frame": 1}]
    with PageClient(daemon.endpoint) as client:
        chat = {"type": "chat", "id": 1, "messages": [{"role": "user", "content": parts}]}
        client.send(chat)
        assert code_of(client.events(1)[-1]) == "bad_request"
        assert text_of(client.events(client.chat("still here"))) == "still here "


def test_vectors_ranks_and_counts(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        embedded = client.events(client.ask("embed", texts=["a b", "c"], model="echo"))[-1]
        assert embedded["type"] == "embedded"
        floats = struct.unpack(f"<{2 * embedded['dimensions']}f", embedded["vectors"])
        assert sum(value * value for value in floats) == pytest.approx(2.0, abs=1e-3)
        reranked = client.events(
            client.ask("rerank", query="red", texts=["a red door", "snow"], model="echo")
        )[-1]
        assert reranked["scores"][0] > reranked["scores"][1]
        messages = [{"role": "user", "content": "one two three"}]
        counted = client.events(client.ask("count_tokens", messages=messages, model="echo"))[-1]
        done = client.events(client.ask("chat", messages=messages, model="echo"))[-1]
        assert counted["tokens"] == done["usage"]["prompt_tokens"]
        assert text_of(client.events(client.ask("complete", prompt="x y", model="echo")))


def test_a_job_without_a_model_of_its_kind_says_what_is_needed(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        failed = client.events(client.ask("embed", texts=["a"]))[-1]
        assert code_of(failed) == "model_not_found"
        assert "embedding model" in failed["reasons"][0]["message"]
        assert code_of(client.events(client.ask("embed", texts=[]))[-1]) == "bad_request"
        assert code_of(client.events(client.ask("embed", texts=["x"] * 1025))[-1]) == "bad_request"


def test_fifty_counts_take_no_slot_and_no_time(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        client.events(client.ask("load", model="echo?slots=1"))
        chat = client.chat("x", model="echo?slots=1", options=ENDLESS)
        client.until("delta")
        messages = [{"role": "user", "content": "one two three"}]
        for _ in range(50):
            counted = client.events(client.ask("count_tokens", messages=messages, model="echo?slots=1"))
            assert counted[-1]["tokens"]
        client.send({"type": "cancel", "id": chat})
        assert client.events(chat)[-1]["type"] == "cancelled"


def test_models_are_listed(daemon: Supervised) -> None:
    with PageClient(daemon.endpoint) as client:
        models = client.events(client.ask("models"))[-1]["models"]
        here = client.events(client.ask("models", here=True))[-1].get("models", [])
    states = {model["name"]: model["state"] for model in models}
    assert states["smollm2"] == "not here"
    assert all(model["here"] for model in here)
    assert "smollm2" not in {model["name"] for model in here}
