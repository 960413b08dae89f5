"""A provider on loopback that answers as it was told to: OpenAI's protocol, one piece of text at a time."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "scripted"


class Script:
    """What is said next: `texts` after `thoughts` and `calls`, each piece when `go` lets it, `pause` seconds
    apart. Without any, the last prompt comes back."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.reset()

    def reset(self, *texts: str, thoughts: tuple[str, ...] = (), calls: Any = (), pause: float = 0.0) -> None:
        """Say this from now on, at once, and as long as nothing else is set."""
        self.texts, self.thoughts, self.calls, self.pause = texts, thoughts, calls, pause
        self.go = threading.Event()
        self.go.set()
        self.hold_at: int | None = None

    def pieces(self, prompt: str) -> Iterator[dict[str, Any]]:
        """The deltas of an answer."""
        for text in self.thoughts:
            yield {"reasoning_content": text}
        for at, text in enumerate(self.texts or ([] if self.calls else [prompt])):
            if at == self.hold_at:
                self.go.wait(60)
            yield {"content": text}
        for index, (name, arguments) in enumerate(self.calls):
            call = {"name": name, "arguments": arguments}
            yield {
                "tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": call}]
            }


@contextmanager
def scripted() -> Iterator[tuple[str, Script]]:
    """Its base URL, and what it says."""
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Nothing."""

        def do_GET(self) -> None:
            self._whole({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            script.asked.append(asked)
            said = asked["messages"][-1]["content"]
            prompt = said if isinstance(said, str) else said[-1]["text"]
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
            try:
                for delta in script.pieces(prompt):
                    self._event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
                    if script.pause:
                        threading.Event().wait(script.pause)
                reason = "tool_calls" if script.calls else "stop"
                self._event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
                usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
                self._event({**head, "choices": [], "usage": usage})
                self.wfile.write(b"data: [DONE]\n\n")
            except OSError:
                pass  # nobody listens any more
            self.close_connection = True

        def _event(self, data: dict[str, Any]) -> None:
            self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())
            self.wfile.flush()

        def _whole(self, data: dict[str, Any]) -> None:
            body = json.dumps(data).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def config(base_url: str) -> str:
    """The settings that make it one of the providers."""
    return f"""[providers.cloudy]
api = "openai"
base_url = "{base_url}"
api_key = "sk-of-nobody"
mid = "{MODEL}"
strong = "{MODEL}"

[models.spare]
model = "echo?pace=0.0"

[models.slow]
model = "echo?pace=0.02"

[models.doubter]
model = "echo?doubt=5"

[machines.box]
ssh = "nobody@127.0.0.1"
host_key = "ssh-ed25519 AAAA"
identity = "00000000000000000000000000000000"

[router]
learn = true

[prices."cloudy:{MODEL}"]
input = 1.0
output = 2.0
"""
