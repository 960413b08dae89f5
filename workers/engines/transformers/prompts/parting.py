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
from workers.engines.transformers.parts import families
from workers.engines.transformers.parts.call_forms import PLAIN, Calls, calls_of
from workers.engines.transformers.parts.parts import Parts, response_template
from workers.engines.transformers.prompts.chat import Chat
from workers.engines.transformers.prompts.conversation import tools_for_template


class Parting:
    """Of one model. `thinking` and `calls` are how it thinks and calls tools, None where it does not;
    `turn_ends` are texts that end an answer."""

    def __init__(self, tokenizer: Any, chat: Chat) -> None:
        own = getattr(tokenizer, "response_template", None)
        self._own_template = own if isinstance(own, dict) else None
        self._added = list(tokenizer.get_added_vocab())
        self.thinking = families.thinking_of(chat.template, self._added)
        self.calls = calls_of(chat.template_with_tools)
        self.turn_ends = self._marks_of_turns(chat)

    @property
    def tells_calls(self) -> bool:
        """Whether calls can be told from text."""
        return self.calls is not None or self._own_template is not None

    def calls_for(self, options: GenerationOptions) -> Calls | None:
        """How calls are written in the answer: where they must come and the model's own form is none that an
        answer can be held to, they are plain."""
        forced = options.tool_choice not in (None, "auto", "none")
        return self.calls if not forced or (self.calls is not None and self.calls.forced) else PLAIN

    @property
    def marks(self) -> list[str]:
        """The tokens that have to be seen, though they may be special ones, to take an answer apart."""
        if self._own_template is not None:
            return self._added
        if self.thinking is families.HARMONY_THINKING:
            return list(MARKS)
        texts = [self.thinking.open, self.thinking.close] if self.thinking is not None else []
        texts += self.calls.marks if self.calls is not None else []
        return [one for one in self._added if any(one in text for text in texts)]

    def of(self, options: GenerationOptions, text: str, opened: bool, tools: Sequence[Tool]) -> Parts | None:
        """What takes the answer to the prompt `text` apart; None where it is nothing but text. `opened`: the
        prompt has begun a thought."""
        from transformers.utils.chat_parsing import ResponseParser

        known, bare = tools_for_template(tools), bare_calls(options)
        calls = self.calls_for(options) if tools else None
        if self._own_template is not None and calls is not PLAIN:
            return Parts(ResponseParser(self._own_template, text, tools=known), None, bare)
        if self.thinking is None and calls is None:
            return None
        if self.thinking is families.HARMONY_THINKING:
            parser = Channels(calls=calls is not None, begun=bool(options.prefill))
            return Parts(parser, calls, bare)
        prefix = self.thinking.open if self.thinking is not None and opened else ""
        template = response_template(self.thinking, calls, [tool.name for tool in tools])
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
