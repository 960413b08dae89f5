"""How a model's answers are taken apart: by the marks that its template and its tokenizer have for thoughts,
calls and the end of a turn. Needs no weights."""

from collections.abc import Sequence
from typing import Any

from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, Tool
from workers.engines import turn_ends
from workers.engines.bare_calls import bare_calls
from workers.engines.channels import MARKS, Channels
from workers.engines.transformers import families
from workers.engines.transformers.chat import Chat
from workers.engines.transformers.conversation import tools_for_template
from workers.engines.transformers.parts import Parts, response_template


class Parting:
    """Of one model. `thinking` and `calls` are how it thinks and calls tools, None where it does not;
    `turn_ends` are texts that end an answer."""

    def __init__(self, tokenizer: Any, chat: Chat) -> None:
        own = getattr(tokenizer, "response_template", None)
        self._own_template = own if isinstance(own, dict) else None
        self._added = list(tokenizer.get_added_vocab())
        self.thinking = families.thinking_of(chat.template, self._added)
        self.calls = families.calls_of(chat.template_with_tools)
        self.turn_ends = self._marks_of_turns(chat)

    @property
    def tells_calls(self) -> bool:
        """Whether calls can be told from text."""
        return self.calls is not None or self._own_template is not None

    @property
    def marks(self) -> list[str]:
        """What has to be seen of special tokens to take an answer apart."""
        if self._own_template is not None:
            return self._added
        if self.thinking is families.HARMONY_THINKING:
            return list(MARKS)
        thinking = [self.thinking.open.strip(), self.thinking.close] if self.thinking is not None else []
        return [
            *thinking,
            *(self.calls.marks if self.calls is not None else []),
            "<|python_tag|>",
            "[ARGS]",
        ]

    def of(self, options: GenerationOptions, text: str, opened: bool, tools: Sequence[Tool]) -> Parts | None:
        """What takes the answer to the prompt `text` apart; None where it is nothing but text. `opened`: the
        prompt has begun a thought."""
        from transformers.utils.chat_parsing import ResponseParser

        known, bare = tools_for_template(tools), bare_calls(options)
        if self._own_template is not None:
            return Parts(ResponseParser(self._own_template, text, tools=known), None, bare)
        calls = self.calls if tools else None
        if self.thinking is None and calls is None:
            return None
        if self.thinking is families.HARMONY_THINKING:
            parser = Channels(calls=calls is not None, begun=bool(options.prefill))
            return Parts(parser, calls, bare)
        prefix = self.thinking.open if self.thinking is not None and opened else ""
        template = response_template(self.thinking, calls)
        return Parts(ResponseParser(template, prefix, tools=known), calls, bare)

    def _marks_of_turns(self, chat: Chat) -> list[str]:
        """The template's mark behind an answer, where it is no token, which would end one by itself."""
        if not chat.template:
            return []
        question, answer = Message("user", "x"), Message("assistant", turn_ends.ANSWER)
        try:
            mark = turn_ends.turn_end(chat.render([question, answer, question]))
        except AiPalError:
            return []
        return [mark] if mark and mark not in self._added else []
