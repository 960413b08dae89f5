"""What llama.cpp tells only over HTTP: templates and counts."""

import contextlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from ai_pal.protocol.content import Audio, Image, Message
from workers.engines.template_shape import NO_SYSTEM
from workers.engines.unix_http import Asker, RefusedError

REMEMBERED = 512
Told = Callable[[dict[str, Any]], dict[str, Any]]


class TokenCounter:
    """Counts what the model would read, with its own template and tokenizer."""

    def __init__(self, asker: Asker, told: Told) -> None:
        """`told` gives a body its prompt, where that is not llama.cpp's to render."""
        self._asker, self._told = asker, told
        self._behind = self._put_behind()
        self.content = lru_cache(maxsize=REMEMBERED)(self._tokens)
        question, answer = {"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}
        self._front: list[dict[str, Any]] = []
        one = self._tokens(self._first({"messages": [question]}))
        try:
            three = self._tokens(self.tried({"messages": [question, answer, question]}))
        except RefusedError:  # a template for a single question
            three = 2 * one
        self.fixed = one
        self.per_message = max(0, three - one)

    def beyond_text(self, told: dict[str, Any]) -> int:
        """Tokens of an attachment in a message."""
        message = {"role": "user", "content": [told, {"type": "text", "text": "x"}]}
        return max(0, self.count({"messages": [*self._front, message]}) - self.fixed)

    @property
    def ends_texts(self) -> bool:
        """Whether the tokenizer puts an end behind each text, which a prompt must not have: what is to be
        gone on with is given as tokens then."""
        return self._behind > 0

    def prompt(self, text: str) -> list[int]:
        """The tokens of a prompt, with what begins it."""
        tokens = self._encoded(text, add_special=True)
        return tokens[: len(tokens) - self._behind]

    def count(self, body: dict[str, Any]) -> int:
        """Tokens of the prompt of a chat completion with this body."""
        counted = int(self._asker.ask("/chat/completions/input_tokens", self._told(body))["input_tokens"])
        return counted - self._behind

    def render(self, body: dict[str, Any]) -> str:
        """The prompt as the model sees it."""
        return str(self._asker.ask("/apply-template", self._told(body))["prompt"])

    def tried(self, body: dict[str, Any]) -> str:
        """The same of a few turns to try the template with: behind what it demands in front of all."""
        return self.render({**body, "messages": self.with_front(body["messages"])})

    def with_front(self, messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """These behind what the template demands in front of all."""
        return [*self._front, *messages]

    def _first(self, body: dict[str, Any]) -> str:
        """The same, and finds out whether it demands a system message. Raises `RefusedError`."""
        try:
            return self.tried(body)
        except RefusedError:
            self._front = [NO_SYSTEM]
            with contextlib.suppress(RefusedError):
                return self.tried(body)
            raise

    def _tokens(self, text: str) -> int:
        return len(self._encoded(text, add_special=False))

    def plain(self, text: str) -> list[int]:
        """The tokens of a text in which nothing is a mark."""
        return self._encoded(text, add_special=False, marks=False)

    def _encoded(self, text: str, *, add_special: bool, marks: bool = True) -> list[int]:
        body = {"content": text, "add_special": add_special, "parse_special": marks}
        return list(self._asker.ask("/tokenize", body)["tokens"])

    def _put_behind(self) -> int:
        plain, whole = (self._encoded("x", add_special=special) for special in (False, True))
        ends = range(len(plain), len(whole))
        return next((len(whole) - end for end in ends if whole[end - len(plain) : end] == plain), 0)


class PromptCounter:
    """The `Counter` of one request: its tools and options are part of each prompt. `count` gives the tokens
    of what would be asked; `besides` are bytes of what comes with them, `attachment` counts one."""

    def __init__(
        self,
        counter: TokenCounter,
        count: Callable[[Sequence[Message]], int],
        besides: int,
        attachment: Callable[[Image | Audio], int],
    ) -> None:
        self._counter, self._count, self.attachment = counter, count, attachment
        self.fixed, self.per_message = counter.fixed + besides, counter.per_message

    def content(self, text: str) -> int:
        return self._counter.content(text)

    def conversation(self, messages: Sequence[Message]) -> int:
        return self._count(messages)
