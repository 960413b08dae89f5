"""How an answer is wanted: the one set of options that travels from every face to every engine and provider.

Whoever answers honours each of them or refuses it. What a request needs (tools, a schema, images) rules
out who cannot do it; what it merely wishes (a seed) is dropped with a notice where it has no meaning.
"""

from typing import Any, Literal

import msgspec


class Format(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="type"):
    """Base of the forms that an answer may be bound to."""


class JsonObject(Format, tag="json_object", frozen=True):
    """Any JSON object."""


class JsonSchema(Format, tag="json_schema", frozen=True):
    """JSON that validates against `schema` (JSON Schema 2020-12). `name` is for providers that want one."""

    schema: dict[str, Any]
    name: str = "answer"


class Grammar(Format, tag="grammar", frozen=True):
    """Text of this grammar, in llama.cpp's GBNF."""

    grammar: str


ResponseFormat = JsonObject | JsonSchema | Grammar


class Tool(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A function that the model may call: `parameters` is the JSON Schema of its arguments, an object's."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "object", "properties": {}})


class NamedTool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model has to call this tool."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool
"""Whether tools are called: as the model likes, never, at least one of them, or the named one."""

Thinking = Literal["off", "on", "low", "medium", "high"]
"""Whether a model thinks before it answers, and how hard."""

Ability = Literal[
    "chat",
    "complete",
    "infill",
    "embed",
    "rerank",
    "tools",
    "schema",
    "grammar",
    "thinking",
    "images",
    "audio",
    "documents",
    "logprobs",
]
"""What a model can be asked for: kinds of work, and what a chat may need."""


class GenerationOptions(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """None and empty mean what the model and its server do by default.

    `logit_bias` adds to the logits of tokens by their ids. `logprobs` asks for the logarithms of the
    probabilities: of the tokens that were chosen, and of so many alternatives to each. `thinking_budget` is
    in tokens. `context` is the window in tokens that the request needs. `prefill` is how the answer begins;
    it is part of it. With `stop_repeating` an answer that says the same over and over is ended. Unless `trim`
    is false the oldest turns go where a conversation does not fit; then it is refused. `lora` are adapters
    that the model is loaded with, each the absolute path of its file as `FILE` or `FILE=SCALE`. `extra` is
    passed to the engine as it is."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: list[str] = msgspec.field(default_factory=list)
    extra: dict[str, Any] = msgspec.field(default_factory=dict)
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repeat_penalty: float | None = None
    logit_bias: dict[int, float] = msgspec.field(default_factory=dict)
    logprobs: int | None = None
    response_format: ResponseFormat | None = None
    tools: list[Tool] = msgspec.field(default_factory=list)
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    thinking: Thinking | None = None
    thinking_budget: int | None = None
    context: int | None = None
    prefill: str = ""
    stop_repeating: bool | None = None
    trim: bool | None = None
    lora: list[str] = msgspec.field(default_factory=list)

    def over(self, defaults: "GenerationOptions") -> "GenerationOptions":
        """These options, and the defaults where they leave something out."""
        if defaults == NOTHING_SAID:
            return self
        given = {
            name: value
            for name in self.__struct_fields__
            if name != "extra" and (value := getattr(self, name)) not in (None, [], {}, "")
        }
        return msgspec.structs.replace(defaults, **given, extra=defaults.extra | self.extra)


NOTHING_SAID = GenerationOptions()
