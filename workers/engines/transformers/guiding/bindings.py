"""What an answer is bound to, made into a grammar: a JSON schema, calls of tools that must come, or both."""

import importlib.util
import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from ai_pal.errors import Code, fail
from ai_pal.protocol.options import GenerationOptions, JsonObject, JsonSchema, Tool
from workers.engines.transformers.guiding.forced_calls import document_rules, forcing_grammar
from workers.engines.transformers.parts.call_forms import Calls
from workers.log import log
from workers.structured.rules import json_rule, schema_of

if TYPE_CHECKING:
    from workers.engines.transformers.guiding.constraint import Compiler, Constraint


class Bindings:
    """Of one tokenizer. The compiler is loaded when it is needed."""

    def __init__(self, tokenizer: Any, vocabulary: int, ends: Collection[int]) -> None:
        self._source, self._vocabulary, self._ends = tokenizer, vocabulary, ends
        self._added: dict[str, int] = tokenizer.get_added_vocab()
        self._compiler: Compiler | None = None

    @property
    def available(self) -> bool:
        """Whether answers can be bound at all."""
        return bool(self._source.is_fast) and importlib.util.find_spec("llguidance") is not None

    def prepare(self) -> None:
        """Make the tables over the vocabulary, as part of the load: that holds the GIL (1.4 s of CPU time for
        152,000 tokens), and on a busy machine a worker that stands still so long is taken for hung."""
        if not self.available:
            return
        try:
            _ = self.compiler.tokenizer
        except Exception as error:  # noqa: BLE001 - who asks for no form needs no tables
            log("warning", "answers cannot be held to forms", reason=repr(error))

    @property
    def compiler(self) -> "Compiler":
        if self._compiler is None:
            from workers.engines.transformers.guiding.constraint import Compiler

            self._compiler = Compiler(self._source, self._vocabulary, self._ends)
        return self._compiler

    def tokens_of(self, text: str) -> list[int]:
        return self.compiler.tokens_of(text)

    def bytes_of(self, token: int) -> bytes:
        return self.compiler.bytes_of(token)

    def plain(self, text: str) -> list[int]:
        """Tokens of a text with marks, as a prompt has them."""
        return list(self._source.encode(text, add_special_tokens=False))

    def of(
        self, options: GenerationOptions, calls: Calls | None, tools: Sequence[Tool], final: str = ""
    ) -> "Constraint | None":
        """The grammar of an answer with these options; None where it is free. `final`: see `Thinking`. Raises
        `AiPalError`."""
        wanted = options.response_format
        form = json_rule(schema_of(wanted)) if isinstance(wanted, JsonObject | JsonSchema) else ""
        must_call = bool(tools) and options.tool_choice not in (None, "auto")
        if not tools or not (form or must_call):
            return self.compiler.rules(document_rules(form, final, self._mark)) if form else None
        parallel = options.parallel_tool_calls is True
        rules = forcing_grammar(calls, tools, parallel, self._mark) if calls is not None else None
        if rules is None:
            fail(
                Code.UNSUPPORTED,
                "how this model calls tools cannot be forced",
                'use tool_choice "auto", and no response format beside tools',
            )
        if form and not must_call:
            document = document_rules(form, final, self._mark).replace("start:", "document:", 1)
            rules = f"start: document | calls\n{document}\n" + rules.replace("start:", "calls:", 1)
        return self.compiler.rules(rules)

    def _mark(self, text: str) -> str:
        """A mark as the grammar wants it: by its number what the compiler takes for a special token, which it
        does with `<tool_call>`, whatever the tokenizer calls it."""
        index = self._added.get(text)
        if index is not None and self.compiler.tokenizer.is_special_token(index):
            return f"<[{index}]>"
        return json.dumps(text)
