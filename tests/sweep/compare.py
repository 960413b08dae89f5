"""One type of model: what our engine writes, against what the library's own `generate` writes."""

from pathlib import Path
from typing import Any

import msgspec
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from tests.sweep.tiny_types import build
from tests.unit.workers.engines.transformers.recorder import Loaded
from workers.engines.transformers.parts.text import Detokenizer
from workers.engines.transformers.prompts.tokens import Tokens

TOKENS = 16
CHUNK = 5
"""Prompt tokens per step, so that every prompt is read in parts."""
QUESTION = "Where do the ships sail, and why? 🌊"
GREEDY = GenerationOptions(temperature=0.0, max_tokens=TOKENS, repeat_penalty=1.0, extra={"ignore_eos": True})
Chat = list[Message]


class Found(msgspec.Struct, frozen=True):
    """`way` is how the engine computes the type, empty where it does not; `wrong` are the cases in which it
    writes something else than the library; `why` is why there is no answer to compare."""

    kind: str
    way: str = ""
    wrong: tuple[str, ...] = ()
    why: str = ""

    @property
    def verdict(self) -> str:
        if self.wrong:
            return f"differs: {', '.join(self.wrong)}"
        return self.why or "as the library"


def compare(kind: str, folder: Path) -> Found:
    """Build, load and ask. Raises nothing that a model can be blamed for."""
    try:
        build(kind, folder)
    except Exception as error:  # noqa: BLE001 - many types, and each refuses small sizes in its own way
        return Found(kind, why=f"not built so small: {_line(error)}")
    try:
        library = Library(folder)
        library.says([Message("user", QUESTION)])
    except Exception as error:  # noqa: BLE001
        return Found(kind, why=f"the library does not generate: {_line(error)}")
    try:
        engine = Loaded(folder, dtype="float32", chunk=CHUNK)
    except AiPalError as error:
        return Found(kind, why=f"refused: {error.failure.message.partition('cannot be loaded: ')[2]}")
    try:
        return Found(kind, type(engine.engine._batch._stepper).__name__.lower(), _wrong(engine, library))
    finally:
        engine.engine.close()


def _wrong(engine: Loaded, library: "Library") -> tuple[str, ...]:
    short, long = [Message("user", QUESTION)], [Message("user", QUESTION * 4)]
    several = [[Message("user", f"{QUESTION} {n}" * (n + 1))] for n in range(4)]
    second = [*long, Message("assistant", "away"), Message("user", "Go on.")]
    wrong = [name for name, chat in (("short", short), ("long", long)) if not _same(engine, library, chat)]
    keys = [engine.begin(chat, GREEDY) for chat in several]
    said = [engine.sink.wait_for_end(key) for key in keys]
    if any(one.failure or one.text != library.says(chat) for one, chat in zip(said, several, strict=True)):
        wrong.append("four together")
    if not _same(engine, library, second):
        wrong.append("second turn")
    return tuple(wrong)


def _same(engine: Loaded, library: "Library", chat: Chat) -> bool:
    answer = engine.ask(chat, GREEDY)
    return answer.failure is None and answer.text == library.says(chat)


class Library:
    """The model as transformers itself loads and asks it."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        size = self._model.get_input_embeddings().weight.shape[0]
        self._decode = Tokens(self._tokenizer, size).decode

    def says(self, chat: Chat) -> str:
        """The greedy answer, of `TOKENS` tokens."""
        turns = [{"role": one.role, "content": one.content} for one in chat]
        inputs = self._tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        ids = inputs["input_ids"]
        written = self._model.generate(
            input_ids=ids,
            attention_mask=inputs["attention_mask"],
            do_sample=False,
            max_new_tokens=TOKENS,
            min_new_tokens=TOKENS,
            eos_token_id=None,
        )
        detokenizer = Detokenizer(self._decode)
        tokens = written[0, ids.shape[1] :].tolist()
        return "".join(detokenizer.push(token) for token in tokens) + detokenizer.end()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
