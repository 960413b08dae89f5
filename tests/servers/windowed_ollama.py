"""An Ollama on loopback whose model has a window, as a real one behaves: another `num_ctx` is another load,
and what does not fit is cut without a word. A word is a token."""

import json

import msgspec

from tests.servers.loopback import Exchange


class WindowedOllama:
    """`default` is the server's window, `own` that of the Modelfile (0: none), `most` what the model was
    trained for. `loads` are the windows it was loaded with, `asked` the options of each chat, `heard` all
    paths. An older one does not `tell` which window is in force."""

    def __init__(self, *, default: int = 4096, own: int = 0, most: int = 131_072, tells: bool = True) -> None:
        self._default, self._own, self._most, self._tells = default, own, most, tells
        self.loads: list[int] = []
        self.asked: list[dict[str, object]] = []
        self.heard: list[str] = []

    async def answer(self, exchange: Exchange) -> None:
        self.heard.append(exchange.path)
        body = json.loads(exchange.body or b"{}")
        match exchange.path:
            case "/api/show":
                await exchange.answer_json(200, self._shown())
            case "/api/ps":
                await exchange.answer_json(200, {"models": self._running()})
            case "/api/generate":
                assert "prompt" not in body
                self.load(body.get("options", {}))
                await exchange.answer_json(200, {"model": "m", "done": True, "done_reason": "load"})
            case "/api/chat":
                self.asked.append(body.get("options", {}))
                await exchange.answer(200, self._answer(body))
            case _:
                await exchange.answer_json(404, {"error": "not found"})

    def load(self, options: dict[str, object]) -> int:
        """What any client's request does first."""
        window = options.get("num_ctx") or self._own or self._default
        assert isinstance(window, int)
        window = min(window, self._most)
        if not self.loads or self.loads[-1] != window:
            self.loads.append(window)
        return window

    def _answer(self, body: dict[str, object]) -> bytes:
        window = self.load(body.get("options", {}))  # type: ignore[arg-type]
        messages = body["messages"]
        assert isinstance(messages, list)
        words = sum(len(message["content"].split()) for message in messages)
        end = {"done": True, "done_reason": "stop", "prompt_eval_count": min(words, window), "eval_count": 1}
        lines = ({"message": {"content": "yes"}}, {"message": {"content": ""}, **end})
        return b"\n".join(msgspec.json.encode({"model": "m", **line}) for line in lines)

    def _shown(self) -> dict[str, object]:
        parameters = f'num_thread   1\nstop         "x"\nnum_ctx      {self._own}'
        return {
            "details": {"format": "gguf"},
            "parameters": parameters if self._own else "",
            "model_info": {"general.architecture": "llama", "llama.context_length": self._most},
        }

    def _running(self) -> list[dict[str, object]]:
        if not self.loads:
            return []
        told = {"context_length": self.loads[-1]} if self._tells else {}
        return [{"name": "m:latest", "model": "m:latest", "size": 1, **told}]
