"""llama.cpp's server in this process, and its HTTP side, which nobody else can reach."""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.formats.adapters import OTHER
from ai_pal.formats.gguf import Header
from ai_pal.formats.projector import Projector, misfit
from ai_pal.protocol.worker import SAID_ON_STDERR
from workers import long_turns
from workers.engines.llamacpp.completions import Each, go_on
from workers.engines.llamacpp.rendering import BARE, TOLD
from workers.engines.unix_http import Asker, hidden

DAMAGED = "if it is damaged, fetch it again; if its chat template is, set chat_template=FILE"
SOCKET = "llamacpp-{pid}.sock"

_decode = msgspec.json.Decoder().decode


class Server:
    """A loaded model. `engine` is the library's object, `asker` asks what only HTTP tells."""

    def __init__(
        self,
        xllamacpp: Any,
        parameters: Any,
        path: str,
        header: Header,
        projector: Projector | None = None,
    ) -> None:
        """Load what `parameters` name, to people `path`. Raises `AiPalError` (`model_invalid`)."""
        self._socket = Path(SOCKET.format(pid=os.getpid())).absolute()
        key = secrets.token_hex()
        parameters.hostnames = [str(self._socket)]
        parameters.api_keys = [key]
        self._socket.unlink(missing_ok=True)
        try:
            with long_turns.inherited():
                self.engine = _served(xllamacpp, parameters, self._socket)
        except MemoryError:
            fail(Code.MODEL_INVALID, f"llama.cpp cannot load {path}: it wants far too much memory", DAMAGED)
        except (RuntimeError, ValueError):
            if projector is not None and (why := misfit(header, projector.header)):
                hint = f"{projector.path} belongs to another model: name its own one, or mmproj=off"
                fail(Code.MODEL_INVALID, f"llama.cpp cannot load {path}: {why}", hint)
            if parameters.lora_adapters:
                names = " and ".join(one.path for one in parameters.lora_adapters)
                message = f"llama.cpp cannot load {path} with this adapter: {names}"
                failure = Failure(Code.MODEL_INVALID, message, OTHER, detail=SAID_ON_STDERR)
                raise AiPalError(failure) from None
            hint = (
                f"update AI-PAL if the model is newer than its llama.cpp ({xllamacpp.__version__}); {DAMAGED}"
            )
            if projector is not None:
                hint += f"; if its projector is ({projector.path}), mmproj=off"
            if parameters.cache_type_v != xllamacpp.ggml_type.GGML_TYPE_F16:
                hint += "; if it cannot do flash attention, kv_cache=f16"
            message = f"llama.cpp cannot load {path} (architecture: {header.architecture or 'not told'})"
            if draft := parameters.speculative.draft.mparams.path:
                message += f" with the draft {draft}"
            raise AiPalError(Failure(Code.MODEL_INVALID, message, hint, detail=SAID_ON_STDERR)) from None
        self.asker = Asker(hidden(self._socket), key)
        self._takes_one_text = projector is not None

    def complete(self, body: dict[str, Any], each: Each) -> None:
        """Have a prompt gone on with: a text, tokens, or a text with pictures. `each` is told the chunks,
        until it says that it has enough."""
        if self._takes_one_text and not isinstance(body["prompt"], str):
            go_on(self.asker, body, each)
        else:
            self.engine.handle_completions(*_in_bytes(body, each))

    def chat(self, body: dict[str, Any], each: Each) -> None:
        """The same of a conversation, which llama.cpp renders, and whose answer it takes apart."""
        self.engine.handle_chat_completions(*_in_bytes(body, each))

    def close(self) -> None:
        """The process ends right after: taking the library's object apart can hang."""
        self._socket.unlink(missing_ok=True)


def _in_bytes(body: dict[str, Any], each: Each) -> tuple[bytes, Callable[[bytes], bool]]:
    """Given a dictionary, the library tells dictionaries, which it reads with Python's own `json`: a fifth of
    what a token costs on its thread."""
    return json.dumps(body).encode(), lambda chunk: each(_decode(chunk))


def _served(xllamacpp: Any, parameters: Any, socket: Path) -> Any:
    """The library's object. It loads no model whose chat template it cannot read: then it needs none. Raises
    as that."""
    try:
        return xllamacpp.Server(parameters)
    except RuntimeError:
        if TOLD not in parameters.chat_template or parameters.chat_template == BARE:
            raise
        parameters.chat_template = BARE
        socket.unlink(missing_ok=True)
        return xllamacpp.Server(parameters)
