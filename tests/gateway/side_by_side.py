"""The same calls to our own server, llama.cpp's and a real Ollama: what each answers, as a table."""

import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from tests.gateway.conftest import CONFIG, MODELS, TEMPLATES, serving, starter
from tests.process.homes import environment
from tests.servers import llama_cpp
from tests.servers.ollama import MODEL, installed, ollama

SAID = [{"role": "user", "content": "Say hello."}]
CHAT: dict[str, Any] = {"model": MODEL, "messages": SAID, "max_tokens": 8, "temperature": 0}
MESSAGE = {name: CHAT[name] for name in ("model", "messages", "max_tokens")}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)
LOOK = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
NAMED = {"type": "function", "function": {"name": "time"}}
TOOLS = [{**NAMED, "function": {"name": "time", "parameters": {"type": "object", "properties": {}}}}]
COLOUR = {"type": "object", "properties": {"a": {"enum": ["red"]}}, "required": ["a"]}
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": COLOUR, "strict": True}}
LONG = "word " * 20_000

Look = Callable[[Any], str]


class Call(NamedTuple):
    """What is asked, and what of an answer in JSON is worth a word."""

    what: str
    path: str
    body: Any = None
    look: Look = lambda _: ""
    headers: dict[str, str] = {}  # noqa: RUF012 - a default that nobody changes


def chat(what: str, change: dict[str, Any], look: Look = lambda _: "") -> Call:
    return Call(what, "/v1/chat/completions", {**CHAT, **change}, look)


def _called(told: Any) -> str:
    calls = told["choices"][0]["message"].get("tool_calls")
    return f"calls {calls[0]['function']['name']}" if calls else "calls nothing"


def _formed(told: Any) -> str:
    return "holds" if '"red"' in told["choices"][0]["message"]["content"] else "does not hold"


def _told_window(told: Any) -> str:
    return "told" if "context_length" in json.dumps(told) else "not told"


def _prompt_told(told: Any) -> str:
    tokens = (told["choices"][0].get("logprobs") or {}).get("tokens") or []
    return "the prompt's too" if len(tokens) > ECHOED["max_tokens"] else "without them"


ECHOED: dict[str, Any] = {"model": MODEL, "prompt": "One two", "max_tokens": 2, "echo": True, "logprobs": 1}
RESPONSE = {"model": MODEL, "input": "Say hello.", "max_output_tokens": 16}
CALLED = {
    "role": "assistant",
    "tool_calls": [{"id": "a", **NAMED, "function": {"name": "time", "arguments": "{}"}}],
}
TOLD = [*SAID, CALLED, {"role": "tool", "tool_call_id": "a", "content": "noon"}]
SAMPLED = {"dry_multiplier": 0.5, "xtc_probability": 0.1, "samplers": ["dry", "top_k", "xtc"]}
GENERATE = {"model": MODEL, "messages": SAID, "stream": False}
COMPLETIONS = "/v1/chat/completions"
CALLS = (
    chat("a chat", {}),
    chat("a model that nobody has", {"model": "no-such-model"}),
    chat("`temperature: -1`", {"temperature": -1}),
    chat('`role: "robot"`', {"messages": [{"role": "robot", "content": "x"}]}),
    chat("`n: 2`", {"n": 2}, lambda told: f"{len(told['choices'])} answers"),
    chat(
        "`tool_choice` that names a tool", {"tools": TOOLS, "tool_choice": NAMED, "max_tokens": 64}, _called
    ),
    chat("`response_format` with a schema", {"response_format": FORM, "max_tokens": 32}, _formed),
    chat("a picture to a model without eyes", {"messages": [{"role": "user", "content": LOOK}]}),
    chat("`num_ctx` over the window", {"num_ctx": 10_000_000}),
    chat("`reasoning_effort` to who cannot think", {"reasoning_effort": "high"}),
    chat("what came of a tool, without tools", {"messages": TOLD}),
    chat("llama.cpp's samplers", SAMPLED),
    Call("JSON that is cut off", COMPLETIONS, b'{"model": "x"'),
    Call("`text/plain`, as any page can send it", COMPLETIONS, CHAT, headers={"content-type": "text/plain"}),
    Call("`Host: evil.example`", COMPLETIONS, CHAT, headers={"host": "evil.example"}),
    Call("`Origin: https://evil.example`", COMPLETIONS, CHAT, headers={"origin": "https://evil.example"}),
    Call("the window in the list of models", "/v1/models", None, _told_window),
    Call("completions with `echo` and `logprobs`", "/v1/completions", ECHOED, _prompt_told),
    Call("a response", "/v1/responses", RESPONSE),
    Call("a `previous_response_id` unknown", "/v1/responses", {**RESPONSE, "previous_response_id": "resp_0"}),
    Call("a message of Anthropic's", "/v1/messages", MESSAGE),
    Call("its tokens counted", "/v1/messages/count_tokens", MESSAGE),
    Call("a message without `max_tokens`", "/v1/messages", {"model": MODEL, "messages": SAID}),
    Call(
        "`thinking: adaptive` to who cannot think",
        "/v1/messages",
        {**MESSAGE, "thinking": {"type": "adaptive"}},
    ),
    Call("Ollama's chat", "/api/chat", {**GENERATE, "options": {"num_predict": 8}}),
    Call(
        "its `temperature: -1`", "/api/chat", {**GENERATE, "options": {"temperature": -1, "num_predict": 8}}
    ),
    Call("`/metrics`", "/metrics"),
    Call("`/v1/models/`, with a slash too much", "/v1/models/"),
    chat("a prompt over the window", {"messages": [{"role": "user", "content": LONG}]}),
)


def asked(url: str, call: Call, key: str) -> str:
    """What one server answers, in a few words."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}", **call.headers}
    content = call.body if isinstance(call.body, bytes) else json.dumps(call.body)
    try:
        if call.body is None:
            answer = httpx2.get(url + call.path, headers=headers, timeout=300, trust_env=False)
        else:
            answer = httpx2.post(
                url + call.path, content=content, headers=headers, timeout=300, trust_env=False
            )
    except httpx2.HTTPError as error:
        return type(error).__name__
    said = str(answer.status_code)
    if answer.status_code == 200:
        with contextlib.suppress(ValueError, KeyError, IndexError, TypeError):
            if more := call.look(answer.json()):
                said += f", {more}"
    return said


@contextlib.contextmanager
def ours() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="ai-pal-beside-", dir="/tmp") as home:
        config = Path(home, "test.toml")
        config.write_text(CONFIG.format(path=starter(), template=TEMPLATES / "calls.jinja"))
        places = {"AI_PAL_MODEL_CACHE": str(MODELS), "AI_PAL_CONFIG": str(config)}
        with serving(environment(Path(home)) | places, "--port", "0") as found:
            yield found.url


def column(url: str, key: str = "none") -> list[str]:
    found = []
    for call in CALLS:
        found.append(asked(url, call, key))
        print(f"{call.what}: {found[-1]}", file=sys.stderr, flush=True)
    return found


def table(heads: Sequence[str], columns: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(('What is asked', *heads))} |", "|---" * (len(heads) + 1) + "|"]
    rows = zip((call.what for call in CALLS), *columns, strict=True)
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def main() -> int:
    folder = installed()
    if folder is None:
        sys.exit("side_by_side: there is no Ollama here; scripts/fetch_ollama brings one")
    with ours() as url:
        columns = [column(url)]
    with llama_cpp.llama_cpp(starter()) as url:
        columns.append(column(url, llama_cpp.KEY))
    with ollama(folder, starter()) as running:
        columns.append(column(running.url))
    print(table(("AI-PAL", "llama.cpp's server", folder.name.replace("ollama-", "Ollama ")), columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
