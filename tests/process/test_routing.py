"""Who answers: a real supervisor with its egress process, echo, and a server that speaks as OpenAI does."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from ai_pal.client import Client
from ai_pal.config import paths
from ai_pal.store.doubts import Calibration, Kind, ModelDoubts, Seen
from tests.process.command import ai_pal_bytes
from tests.process.eventually import eventually
from tests.process.homes import Environ, client_endpoint
from tests.servers.clouds import openai
from tests.servers.loopback import Exchange, Loopback

SECONDS = 120


class Cloud:
    """Answers as OpenAI does, or with `status`; `prompts` are those that reached it."""

    def __init__(self) -> None:
        self.status = 200
        self.breaks = False
        self.prompts: list[str] = []

    async def handle(self, exchange: Exchange) -> None:
        if exchange.method == "POST":
            asked = json.loads(exchange.body)  # what would be refused is not answered, and the test fails
            openai.check(asked if asked["model"] in openai.MODELS else asked | {"model": "gpt-4o"})
            self.prompts.append(json.loads(exchange.body)["messages"][-1]["content"])
        if self.status != 200:
            await exchange.answer_json(self.status, {"error": {"message": "no", "type": "server_error"}})
            return
        await exchange.begin("text/event-stream")
        await exchange.piece(_chunk({"role": "assistant", "content": "from "}))
        if self.breaks:
            exchange.reset()
            return
        await exchange.piece(_chunk({"content": "afar"}))
        await exchange.piece(_chunk({}, finish_reason="stop"))
        await exchange.piece(
            _chunk(None, usage={"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11})
        )
        await exchange.piece(b"data: [DONE]\n\n")
        await exchange.end()


def _chunk(delta: dict[str, Any] | None, finish_reason: str | None = None, **more: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4", "choices": choices}
    return b"data: " + json.dumps(chunk | more).encode() + b"\n\n"


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def tiers(home: Environ, cloud: Cloud, tmp_path: Path) -> Iterator[Environ]:
    """Echo here, nobody where Ollama would be, and a cloud."""
    with Loopback(cloud.handle) as server, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused
        config = tmp_path / "config.toml"
        config.write_text(
            f"""
            [local]
            model = "echo"
            [ollama]
            model = "phi"
            base_url = "http://127.0.0.1:{taken.getsockname()[1]}"
            [providers.openai]
            base_url = "{server.url}/v1"
            api_key = "sk-not-a-real-key"
            mid = "gpt-3.5-turbo"
            strong = "gpt-4"
            """
        )
        home.pop("AI_PAL_MODEL", None)
        home["AI_PAL_CONFIG"] = str(config)
        yield home


def chat(environ: Environ, *args: str) -> "subprocess.CompletedProcess[bytes]":
    return ai_pal_bytes(environ, "chat", *args)


def answered(environ: Environ, *args: str) -> dict[str, Any]:
    done = chat(environ, "--json", *args)
    assert done.returncode == 0, done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def usage(environ: Environ, *args: str) -> bytes:
    done = ai_pal_bytes(environ, "usage", *args)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_a_cloud_answers_and_the_answer_says_so(tiers: Environ, cloud: Cloud) -> None:
    answer = answered(tiers, "--goal", "quality", "hello there")
    assert (answer["text"], answer["provider"], answer["model"]) == ("from afar", "openai", "gpt-4")
    assert (answer["tier"], answer["remote"]) == (3, True)
    assert answer["cost"] == pytest.approx(9 * 30e-6 + 2 * 60e-6)
    assert 0 <= answer["score"] <= 1
    assert cloud.prompts == ["hello there"]


def test_a_simple_prompt_stays_here(tiers: Environ, cloud: Cloud) -> None:
    answer = answered(tiers, "hello")
    assert (answer["text"], answer["tier"], answer["remote"]) == ("hello ", 1, False)
    assert not cloud.prompts


def test_when_the_cloud_and_ollama_fail_this_machine_answers_with_one_line(
    tiers: Environ, cloud: Cloud
) -> None:
    cloud.status = 500
    done = chat(tiers, "--goal", "quality", "hello there")
    assert (done.returncode, done.stdout) == (0, b"hello there \n")
    line = next(line for line in done.stderr.decode().splitlines() if "->" in line)
    parts = line.split(" -> ")
    assert [part.partition(": ")[0] for part in parts] == [
        "openai:gpt-4", "openai:gpt-3.5-turbo", "ollama", "echo",
    ]  # fmt: skip
    assert parts[2] == "ollama: connection refused"


def test_a_no_for_good_is_remembered_until_something_changes(tiers: Environ, cloud: Cloud) -> None:
    for status, word in ((401, "key"), (402, "credit"), (403, "does not let")):
        cloud.status = status
        cloud.prompts.clear()
        for number in range(3):
            answer = answered(tiers, "--goal", "quality", f"Prove lemma {number}.")
            assert (answer["tier"], answer["remote"]) == (1, number == 0), "it left once"
            assert answer["cost"] == 0
        assert len(cloud.prompts) == 1
        done = ai_pal_bytes(tiers, "route", "--goal", "quality", "hello")
        assert f"(HTTP {status}) (asked again in 10 min)" in done.stdout.decode()
        assert word in done.stdout.decode()
        named = chat(tiers, "-m", "openai:gpt-4", "--no-fallback", "hello")
        assert f"(HTTP {status})".encode() in named.stderr
        assert len(cloud.prompts) == 2, "naming it asks it"
        assert ai_pal_bytes(tiers, "consent", "openai").returncode == 0
    cloud.status = 404
    cloud.prompts.clear()
    for number in range(3):
        answered(tiers, "--goal", "quality", f"Prove lemma {number}.")
    assert len(cloud.prompts) == 2, "each of its models once"
    cloud.status = 200
    assert answered(tiers, "-m", "openai:gpt-4", "hello")["tier"] == 3
    assert answered(tiers, "--goal", "quality", "hello")["model"] == "gpt-4", "an answer makes it forgotten"


def test_local_only_never_asks_the_cloud(tiers: Environ, cloud: Cloud) -> None:
    assert answered(tiers, "--goal", "quality", "--local-only", "hello there")["tier"] == 1
    assert answered(tiers | {"AI_PAL_LOCAL_ONLY": "1"}, "--goal", "quality", "hello there")["tier"] == 1
    named = chat(tiers, "--local-only", "-m", "openai:gpt-4", "hello there")
    assert named.returncode == 1
    assert b"[local_only]" in named.stderr
    assert not cloud.prompts


def test_no_fallback_ends_with_the_first(tiers: Environ, cloud: Cloud) -> None:
    cloud.status = 500
    done = chat(tiers, "--goal", "quality", "--no-fallback", "hello there")
    assert done.returncode == 1
    assert done.stderr.count(b"error:") == 1
    assert len(cloud.prompts) == 1


def test_what_is_too_dear_is_not_asked(tiers: Environ, cloud: Cloud) -> None:
    answer = answered(tiers, "--goal", "quality", "--max-cost", "0", "hello there")
    assert answer["tier"] == 1
    assert not cloud.prompts


def test_an_answer_that_breaks_off_stays_as_it_is(tiers: Environ, cloud: Cloud) -> None:
    cloud.breaks = True
    done = chat(tiers, "--goal", "quality", "hello there")
    assert (done.returncode, done.stdout.strip()) == (4, b"from")
    assert len(cloud.prompts) == 1


def test_route_explains_and_asks_nobody(tiers: Environ, cloud: Cloud) -> None:
    done = ai_pal_bytes(tiers, "route", "--json", "--goal", "quality", "hello")
    rows = json.loads(done.stdout)["candidates"]
    names = [row["model"] for row in rows if row["position"]]
    assert names == ["gpt-4", "gpt-3.5-turbo", "phi", "echo"]
    assert {row["failure"]["code"] for row in rows if not row["position"]} == {"no_key"}
    assert not cloud.prompts


def test_the_python_client_knows_who_answered(tiers: Environ, cloud: Cloud) -> None:
    chat(tiers, "hello")  # starts the supervisor
    with Client(client_endpoint(tiers)) as client:
        answer = client.ask("hello there", goal="quality")
        assert (answer.text, answer.provider, answer.tier, answer.remote) == ("from afar", "openai", 3, True)
        assert answer.cost
        assert client.route("hello", local_only=True).candidates[0].provider == "local"


def test_a_price_that_nobody_knows_is_told_everywhere(tiers: Environ, cloud: Cloud) -> None:
    model = "openai:org/model-of-nobody:free"
    answer = answered(tiers, "--model", model, "hello")
    assert (answer["text"], answer["cost"]) == ("from afar", None)
    with Client(client_endpoint(tiers)) as client:
        assert client.ask("hello", model=model).cost is None
        assert client.route("hello", model=model).candidates[0].cost is None
        over = client.route("hello", model=model, max_cost=1.0).candidates[0].failure
        assert over is not None
        assert over.code == "over_budget"
    eventually(lambda: b"nobody knows what 2 answers cost" in usage(tiers), within=SECONDS)
    report = json.loads(usage(tiers, "--json"))
    assert (report["spent"], report["unpriced"]) == (0.0, 2)


@pytest.fixture
def doubting(tiers: Environ) -> Environ:
    """The same with an echo that can doubt: entropies of others from 0 to 1."""
    seen = [number / 100 for number in range(100)]
    kinds = {kind: Seen([*seen], [*seen], [*seen]) for kind in get_args(Kind)}
    known = {"echo echo": ModelDoubts(Calibration(0.8, 100), 0.0, kinds)}
    file = paths.doubts_file(tiers)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.encode(known))
    return tiers


LONG = "one two three four five six seven eight nine ten"
DRAFT = ("--option", "tokens=40", "--option", "doubt=5")


def test_a_doubted_answer_is_anothers_and_the_draft_stays_here(doubting: Environ, cloud: Cloud) -> None:
    answer = answered(doubting, "--escalate", "auto", *DRAFT, LONG)
    assert (answer["text"], answer["tier"], answer["remote"]) == ("from afar", 3, True)
    assert answer["doubt"] > 0.9
    (line,) = [notice["reason"] for notice in answer["notices"] if notice["kind"] == "fallback"]
    assert line.startswith("echo was unsure (")
    assert line.endswith(" -> openai:gpt-3.5-turbo")
    assert cloud.prompts == [LONG]
    eventually(lambda: b"1 answer of this machine gave way to another's" in usage(doubting), within=SECONDS)


def test_a_doubted_answer_of_a_slow_model_stands_above_the_seam(doubting: Environ, cloud: Cloud) -> None:
    done = chat(doubting, "--escalate", "auto", *DRAFT, "--option", "pace=0.05", LONG)
    draft, _, other = done.stdout.decode().rpartition("\n")[0].partition("\n")
    assert draft.startswith("one two three")
    assert other == "from afar"
    assert "echo was unsure" in done.stderr.decode()


@pytest.mark.parametrize(
    "how", [("--local-only",), ("--escalate", "ask"), ("--no-fallback",), ("-m", "echo")]
)
def test_a_doubted_answer_that_may_not_leave_stands_and_says_so(
    doubting: Environ, cloud: Cloud, how: tuple[str, ...]
) -> None:
    answer = answered(doubting, "--escalate", "auto", *how, *DRAFT, LONG)
    assert answer["tier"] == 1
    assert answer["notices"][-1]["kind"] == "unsure"  # before it perhaps that an Ollama here is asked
    assert not cloud.prompts


def test_without_a_doubt_nothing_changes(doubting: Environ, cloud: Cloud) -> None:
    answer = answered(doubting, "--escalate", "auto", "--option", "tokens=40", "--option", "doubt=0.1", LONG)
    assert (answer["tier"], answer["notices"]) == (1, [])
    assert answer["doubt"] < 0.5
    assert not cloud.prompts


def test_stronger_asks_the_strong_one(doubting: Environ, cloud: Cloud) -> None:
    assert answered(doubting, "--escalate", "stronger", "hello")["model"] == "gpt-4"
