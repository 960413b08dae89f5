"""AI-PAL beside other servers with the same weights, each as it comes: cold start, first text, speed,
memory, a switch of models, turn 10."""

import contextlib
import http.client
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from scripts.benchmarks.figures import Row, row, skipped
from scripts.benchmarks.hf_engines import DTYPE, can_serve
from scripts.benchmarks.models import safetensors_folder, starter_file
from scripts.benchmarks.peer_servers import Server, llama_cpp, ollama, ours, transformers_serve
from tests.servers.ollama import installed

ROUNDS = 5
"""Starts of each server at most: one takes seconds, and everything is measured after each."""

TOKENS, WARM = 64, 5
TURNS, TURN_TOKENS = 10, 32
PATIENCE = 120.0

STORY = "Number {}: write a long story about a lighthouse, its keeper and the storms of one winter."
TURN = "Question {0}: the keeper also has {0} sheep, a boat and a garden of stones. What does he do then?"

COLUMNS = {
    "cold start": "s",
    "first text": "s",
    "speed": "tokens/s",
    "memory": "MB",
    "switch of models": "s",
    "first text of turn 10": "s",
}

Message = dict[str, str]


class Answer(NamedTuple):
    """Seconds until its first text, tokens per second from there on."""

    text: str
    first: float
    speed: float


def with_gguf(pairs: int) -> Iterator[Row]:
    """The starter in GGUF."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ai-pal-bench-")))
        models = starter_file(), _twin(starter_file(), folder)
        servers = [ours("AI-PAL, llama.cpp", models), llama_cpp(models)]
        if found := installed():
            servers.append(stack.enter_context(ollama(found, models)))
        else:
            yield skipped("cold start", "not here: scripts/setup --dev", "Ollama")
        yield from _side_by_side(servers, pairs)


def with_safetensors(pairs: int) -> Iterator[Row]:
    """The starter in safetensors."""
    with tempfile.TemporaryDirectory(prefix="ai-pal-bench-") as folder:
        twin = Path(folder, "twin")
        twin.symlink_to(safetensors_folder())
        models = safetensors_folder(), twin
        servers = [ours("AI-PAL, transformers", models, f"?dtype={DTYPE}")]
        if can_serve():
            servers.append(transformers_serve(models))
        else:
            yield skipped("cold start", "not here: scripts/setup --dev", "transformers serve")
        yield from _side_by_side(servers, pairs)


def _twin(model: Path, folder: Path) -> Path:
    """The same weights under another name, inside too: who goes by content takes it for another model."""
    data = bytearray(model.read_bytes())
    found = re.search(rb"general\.name.{12}", data, re.DOTALL)  # the type, and the length of the text
    if found is None:
        raise RuntimeError(f"{model} does not say its name")
    data[found.end()] ^= 0x20  # a capital becomes a small letter, or the other way round
    twin = folder / f"twin-{model.name}"
    twin.write_bytes(data)
    return twin


def _side_by_side(servers: Sequence[Server], pairs: int) -> Iterator[Row]:
    found: dict[str, list[tuple[float, ...]]] = {server.name: [] for server in servers}
    for number in range(min(pairs, ROUNDS)):
        for place in range(len(servers)):
            server = servers[(number + place) % len(servers)]
            found[server.name].append(_measured(server, number))
    for name, rounds in found.items():
        for (column, unit), samples in zip(COLUMNS.items(), zip(*rounds, strict=True), strict=True):
            yield row(column, samples, unit, subject=name)


def _measured(server: Server, number: int) -> tuple[float, ...]:
    """What is in `COLUMNS`, in that order, of one start."""
    one, other = server.models
    with contextlib.ExitStack() as stack:
        begun = time.perf_counter()
        running = stack.enter_context(server.start(one))
        ready = time.perf_counter()
        cold = ready - begun + _answer(running.url, one, _story(number), TOKENS).first
        warm = [_answer(running.url, one, _story(f"{number}.{more}"), TOKENS) for more in range(WARM)]
        last = _conversation(running.url, one)
        memory = running.memory() / 1e6
        begun = time.perf_counter()
        if not server.has_both:
            stack.close()
            running = stack.enter_context(server.start(other))
        ready = time.perf_counter()
        switch = ready - begun + _answer(running.url, other, _story(number), TOKENS).first
    middle = WARM // 2
    first = sorted(answer.first for answer in warm)[middle]
    speed = sorted(answer.speed for answer in warm)[middle]
    return cold, first, speed, memory, switch, last


def _story(number: object) -> list[Message]:
    return [{"role": "user", "content": STORY.format(number)}]


def _conversation(url: str, model: str) -> float:
    """Seconds until the first text of its last turn."""
    messages: list[Message] = []
    for number in range(1, TURNS + 1):
        messages.append({"role": "user", "content": TURN.format(number)})
        answer = _answer(url, model, messages, TURN_TOKENS)
        messages.append({"role": "assistant", "content": answer.text})
    return answer.first


def _answer(url: str, model: str, messages: list[Message], tokens: int) -> Answer:
    """Greedy, read as it streams. Raises RuntimeError without a text."""
    asked = {"model": model, "messages": messages, "max_tokens": tokens, "temperature": 0.0, "stream": True}
    asked["stream_options"] = {"include_usage": True}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    texts: list[str] = []
    first = last = count = 0.0
    with contextlib.closing(connection):
        begun = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", msgspec.json.encode(asked), headers)
        reply = connection.getresponse()
        for line in iter(reply.readline, b""):
            text, counted = _said(line)
            count = counted or count
            if text:
                last = time.perf_counter()
                first = first or last
                texts.append(text)
        if not texts:
            raise RuntimeError(f"{url} answered {reply.status} and no text: {line!r}")
    spent = last - first
    return Answer("".join(texts), first - begun, ((count or len(texts)) - 1) / spent if spent else 0.0)


def _said(line: bytes) -> tuple[str, int]:
    """The text of an event, and the tokens that the answer had, where it says so."""
    if not line.startswith(b"data: {"):
        return "", 0
    event: dict[str, Any] = msgspec.json.decode(line[6:])
    usage = event.get("usage") or {}
    choices = event.get("choices") or [{}]
    return (choices[0].get("delta") or {}).get("content") or "", usage.get("completion_tokens") or 0
