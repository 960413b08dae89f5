"""Both engines with a model of a kind: what they make of conversations, and of answers. In this process."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import Generate, LoadModel, Ready
from tests import projectors
from tests.spoken_models import Script
from tests.template_kinds.kind import Kind
from tests.template_kinds.speaking import Parts, script
from tests.template_kinds.writing import jinja
from tests.unit.workers.engines.transformers.recorder import Answer, Recorder
from workers.engines.llamacpp.attachments import Attachments
from workers.engines.llamacpp.engine import LlamaCpp
from workers.engines.llamacpp.failures import attempt
from workers.engines.transformers.batch.answer import Generation
from workers.engines.transformers.guiding.bindings import Bindings
from workers.engines.transformers.loading.loading import marked_ends
from workers.engines.transformers.prompts.chat import Chat
from workers.engines.transformers.prompts.prompts import Prompts
from workers.engines.transformers.prompts.tokens import Tokens
from workers.refusals import check_able

CONTEXT = 2048
MARKER = re.compile(r"<__media_\w*__>")
"""What llama.cpp puts where a picture stands."""
TODAY = 1_796_000_000.0
"""For templates that tell the day."""
Outcome = list[str] | tuple[str, str]
"""The tokens of a prompt, or the code and the words of a refusal."""
Conversation = tuple[list[Message], GenerationOptions]


class LlamaCppSide:
    """llama.cpp with a tiny model; close it."""

    def __init__(self, kind: Kind, folder: Path, says: str = "", after: str = "~") -> None:
        self.script = script(kind, says, after)
        file = self.script.save_gguf(folder / "m.gguf", jinja(kind), kind.bos)
        self._sink, self._engine = Recorder(), LlamaCpp(lambda: TODAY)
        options = (
            {"mmproj": str(projectors.save(folder / "eye.gguf", width=self.script.width))}
            if kind.picture
            else {}
        )
        self._picture = kind.picture
        spec = LoadModel("m", "llamacpp", str(file), threads=1, context=CONTEXT, options=options)
        self.ready = self._engine.load(spec, self._sink)
        self.abilities = set(self.ready.abilities) - {"grammar"}  # transformers reads none
        self.close = self._engine.close

    def prompt(self, asked: Conversation) -> Outcome:
        def tokens() -> list[int]:
            with Attachments(()) as none:
                prompts, (messages, options) = self._engine._writing.prompts, asked
                body = prompts.body(messages, options, none)
                # the places of pictures: what stands around each its projector says
                text = prompts.rendered(body, options)
                return prompts.tokens(MARKER.sub(self._picture, text))

        return _outcome(asked, self.ready, self.script, tokens)

    def answer(self, asked: Conversation) -> tuple[str, Parts]:
        self._engine.start(Generate(1, *asked), ())
        return _told(self._sink.wait_for_end(1))


class Eye:
    """A processor that leaves the places of pictures as the template writes them."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __call__(self, text: list[str], **_: object) -> dict[str, Any]:
        return dict(self._tokenizer(text, return_tensors="pt", add_special_tokens=False))


class TransformersSide:
    """The transformers engine with the tokenizer of the same model. Its weights would say what `says` has."""

    def __init__(self, kind: Kind, says: str = "") -> None:
        self._says = script(kind, says)
        tokenizer, size = self._says.tokenizer(jinja(kind), kind.bos), len(self._says.tokens)
        self._ends = frozenset({tokenizer.eos_token_id, *marked_ends(tokenizer.get_added_vocab())})
        chat, tokens = Chat(tokenizer, "llama", now=lambda: TODAY), Tokens(tokenizer, size)
        bindings = Bindings(tokenizer, size, self._ends)
        eye = Eye(tokenizer) if kind.picture else None
        self._prompts = Prompts(tokenizer, chat, tokens, bindings, CONTEXT, eye)
        self.abilities = set(self._prompts.abilities)
        self.ready = Ready(0, CONTEXT, 0.0, "", 1, self._prompts.abilities)

    def prompt(self, asked: Conversation) -> Outcome:
        job = Generate(1, *asked)

        def tokens() -> list[int]:
            return self._prompts.of(job, self._prompts.sampling(job), lambda dropped: None).tokens

        return _outcome(asked, self.ready, self._says, tokens)

    def answer(self, asked: Conversation) -> tuple[str, Parts]:
        sink, job = Recorder(), Generate(1, *asked)
        prompt = self._prompts.of(job, self._prompts.sampling(job), lambda dropped: None)
        row: Any = SimpleNamespace(tokens=[])
        answer = Generation(prompt, row, None, self._ends, sink)
        for token in self._says.said:
            answer.take(token, has_room=True)
            if answer.finish_reason:
                break
        answer.end()
        return _told(sink.wait_for_end(1))


def _outcome(asked: Conversation, ready: Ready, script: Script, tokens: Callable[[], list[int]]) -> Outcome:
    read: list[str] = []

    def work() -> None:
        check_able(Generate(1, *asked), ready, "m")
        read.extend(script.tokens[token] for token in tokens())

    failure = attempt(1, work)
    return read if failure is None else (failure.code, failure.message)


def _told(answer: Answer) -> tuple[str, Parts]:
    """Why it ended, and its parts. Arguments are JSON, however that is written; blanks between a text and a
    call are anybody's."""
    assert answer.failure is None, answer.failure
    parts: Sequence[Any] = [answer.grown[place] for place in sorted(answer.grown)]
    told = [
        (
            one.kind,
            one.name,
            json.dumps(json.loads(one.text)) if one.kind == "tool_call" else one.text.strip(),
        )
        for one in parts
        if one.text or one.kind == "tool_call"
    ]
    return answer.finish_reason, told
