"""Answers to /v1/completions: chunks of a stream, or one body. Pure."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.errors import Failure, main_reason
from ai_pal.gateway.answering.in_turn import Patience, in_order
from ai_pal.gateway.openai.chat_answer import DONE, event, progress, usage_of
from ai_pal.gateway.openai.errors import error_of
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import TokenLogprob
from ai_pal.protocol.usage import Usage

_json = msgspec.json.encode


class CompletionStream:
    """Writes one text, the only one or the one with this `index`. `echo` is what goes before it."""

    media_type = "text/event-stream"

    thought = 0

    def __init__(
        self, answer_id: str, model: str, created: int, echo: str, *, include_usage: bool, index: int
    ) -> None:
        self._id, self._model, self._created = answer_id, model, created
        self._echo, self._include_usage, self._index = echo, include_usage, index
        self._offset = len(echo)
        self.holds, self._held, self._patience = False, "", Patience()
        """Whether text waits for its probabilities."""
        self.tells = True
        """Whether probabilities are told; where only the echo of tokens is, they are not."""

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these become. Text waits for its probabilities, as in chats."""
        if not self.holds:
            return b"".join(map(self._event, events))
        told = b"".join(map(self._event, in_order(events)))
        if not self._patience.ends(events):
            return told
        self.holds = False
        return told + self._settled()

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """How far it is, as a comment, and a chunk that says nothing, as in chats."""
        return self._settled() + f": {progress(latest)}\n\n".encode() + self._chunk("")

    def broken(self, failure: Failure) -> bytes:
        """An error in place of the rest."""
        return self._settled() + event(error_of(failure))

    def whole(self, answer: Answer) -> bytes:
        """All of it in one body."""
        return self.body(answer, [self.choice(answer)], 0)

    def choice(self, answer: Answer) -> dict[str, Any]:
        """This text among others."""
        said = self._echoed(answer.prompt_logprobs)
        text, self._offset = self._echo + answer.text, 0 if said else self._offset
        return self._choice(text, answer.finish_reason, [*said, *answer.logprobs])

    def _echoed(self, prompt: Sequence[TokenLogprob]) -> Sequence[TokenLogprob]:
        """The prompt's tokens, as far as they are told; what they say is the echo, where that is no text."""
        if prompt and not self._echo:
            self._echo = b"".join(token.data for token in prompt).decode(errors="replace")
        return prompt if self.tells else ()

    def body(self, answer: Answer, choices: list[dict[str, Any]], thought: int) -> bytes:
        """The body that holds these."""
        self._model = self._model or answer.model
        return _json({**self._fields(choices), "usage": usage_of(answer.usage, thought)})

    def opening(self) -> bytes:
        """Nothing: a text has no role that would be told first."""
        return b""

    def ended(self, done: wire.Done) -> bytes:
        """The last chunk of this text."""
        return self._settled() + self._begin() + self._chunk("", done.finish_reason)

    def closing(self, usage: Usage, thought: int) -> bytes:
        """The end of the stream."""
        if not self._include_usage:
            return DONE
        return event({**self._fields([]), "usage": usage_of(usage, thought)}) + DONE

    def _event(self, event_: wire.AnyEvent) -> bytes:
        match event_:
            case wire.Delta() if self.holds:
                self._held += event_.text
            case wire.Delta():
                return self._begin() + self._chunk(event_.text)
            case wire.Logprobs(prompt=True):
                said, self._offset = self._echoed(event_.tokens), 0
                echoed = self._chunk(self._echo, None, said)
                self._offset, self._echo = len(self._echo), ""
                return echoed
            case wire.Logprobs():
                text, self._held = self._held, ""
                return (self._begin() if text else b"") + self._chunk(text, None, event_.tokens)
            case wire.Started():
                self._model = self._model or event_.model
            case wire.Done():
                return self.ended(event_) + self.closing(event_.usage, self.thought)
            case wire.Failed():
                return self.broken(main_reason(event_.reasons))
            case wire.Interrupted():
                return self.broken(event_.reason)
        return b""

    def _begin(self) -> bytes:
        echo, self._echo = self._echo, ""
        return self._chunk(echo) if echo else b""

    def _settled(self) -> bytes:
        """The text whose probabilities have not come with it."""
        text, self._held = self._held, ""
        return self._begin() + self._chunk(text) if text else b""

    def _chunk(self, text: str, reason: str | None = None, tokens: Sequence[TokenLogprob] = ()) -> bytes:
        usage = {"usage": None} if self._include_usage else {}
        return event({**self._fields([self._choice(text, reason, tokens)]), **usage})

    def _fields(self, choices: list[Any]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }

    def _choice(
        self, text: str, reason: str | None = None, tokens: Sequence[TokenLogprob] = ()
    ) -> dict[str, Any]:
        said = None
        if tokens and self.tells:
            said = _logprobs(tokens, self._offset)
            self._offset = said["text_offset"][-1] + len(said["tokens"][-1])
        return {"text": text, "index": self._index, "logprobs": said, "finish_reason": reason}


def _logprobs(tokens: Sequence[TokenLogprob], at: int) -> dict[str, Any]:
    """As lists side by side, with the offset of each token in the text; that of the first is `at`. One with
    nothing before it has no probability."""
    texts = [token.data.decode(errors="replace") for token in tokens]
    offsets = []
    for text in texts:
        offsets.append(at)
        at += len(text)
    return {
        "tokens": texts,
        "token_logprobs": [token.logprob if isfinite(token.logprob) else None for token in tokens],
        "top_logprobs": [
            {other.data.decode(errors="replace"): other.logprob for other in token.top}
            if isfinite(token.logprob)
            else None
            for token in tokens
        ],
        "text_offset": offsets,
    }
