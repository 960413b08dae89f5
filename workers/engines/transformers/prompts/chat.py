"""From messages to the text a model expects: its own template, or a documented format for those without."""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NoReturn

import msgspec

from ai_pal.errors import AiPalError, Code, fail
from ai_pal.protocol import needs
from ai_pal.protocol.content import Audio, Image, Message, Text, ToolCall, ToolResult
from ai_pal.protocol.options import Tool
from workers.engines.base import OTHER_TURNS, TEMPLATE_REFUSES
from workers.engines.jinja_template import FAILURES, words_of
from workers.engines.template_limits import LONGEST_TEMPLATE, bounded
from workers.engines.template_shape import Shape, shape_of
from workers.engines.thought_marks import SWITCHES
from workers.engines.transformers.prompts.conversation import for_template, tools_for_template
from workers.template_clock import FUNCTION, Begun, TemplateClock, steerable
from workers.turns import Manners, arranged, manners_of

REMEMBERED = 512
EFFORTS = ("reasoning_effort", "thinking_effort")
"""What templates call how hard to think."""


class Format(msgspec.Struct, frozen=True):
    """How messages of each role are written, how an answer begins, and what says that it is over."""

    system: str
    user: str
    assistant: str
    prompt: str
    stop: list[str]


FORMATS = {
    # https://huggingface.co/microsoft/phi-2, "QA Format"
    "phi-2": Format("{}\n", "Instruct: {}\n", "Output: {}\n", "Output:", ["\nInstruct:", "\nOutput:"]),
    "plain": Format("{}\n\n", "User: {}\n", "Assistant: {}\n", "Assistant:", ["\nUser:"]),
}
BY_MODEL_TYPE = {"phi": "phi-2"}


class Extras(msgspec.Struct, frozen=True):
    """What a template is given beside the messages: tools, and values of its own (`variables`)."""

    tools: list[Tool] = []
    variables: dict[str, Any] = {}


NOTHING = Extras()
QUESTION = Message("user", "x")
PICTURE = Message("user", [Image("image/png"), Text(QUESTION.text)])


class Chat:
    """Renders conversations for one tokenizer. Thread-safe."""

    def __init__(
        self, tokenizer: Any, model_type: str, wanted: str = "", now: Callable[[], float] = time.time
    ) -> None:
        """Raises `AiPalError` (`model_invalid` for a template that does not work, `config_invalid`)."""
        if wanted and wanted not in FORMATS:
            known = ", ".join(FORMATS)
            fail(Code.CONFIG_INVALID, f"there is no chat format {wanted!r}", f"use one of: {known}")
        self._tokenizer = tokenizer
        self._format: Format | None = None
        self._manners = Manners()
        self._shape = Shape()
        self._named: dict[str, str] = {}
        self._clock = TemplateClock("")
        if wanted or not tokenizer.chat_template:
            self._format = FORMATS[wanted or BY_MODEL_TYPE.get(model_type, "plain")]
        else:
            self._named = _by_name(tokenizer.chat_template)
            self._try_template()
        self.traits = look(self)
        self._clock = TemplateClock("".join(self._named.values()), now)

    @property
    def template(self) -> str:
        """The source of the template for conversations without tools, "" for a format without one."""
        return "" if self._format else self._named.get("default", "")

    @property
    def template_with_tools(self) -> str:
        """The source of the template that the tokenizer takes where there are tools."""
        return "" if self._format else self._named.get("tool_use", self.template)

    @property
    def stop(self) -> list[str]:
        """Stop strings of the format itself."""
        return self._format.stop if self._format else []

    @property
    def adds_special_tokens(self) -> bool:
        """Whether the tokenizer has to add what begins a text; templates do it themselves."""
        return self._format is not None

    def carry_on(self, messages: Sequence[Message], begun: Begun | None) -> None:
        """See `TemplateClock`."""
        self._clock.carry_on(arranged(messages, self._manners), begun)

    def begun(self, messages: Sequence[Message]) -> Begun | None:
        """See `TemplateClock`."""
        return self._clock.begun(arranged(messages, self._manners))

    def render(self, messages: Sequence[Message], extras: Extras = NOTHING) -> str:
        """The prompt as the model sees it. Raises `AiPalError` (`bad_request`)."""
        if self._format is not None:
            return render(messages, self._format)
        try:
            return self._template(arranged(messages, self._manners), extras)
        except FAILURES as error:
            fail(Code.BAD_REQUEST, f"{TEMPLATE_REFUSES}: {words_of(error)}", OTHER_TURNS)

    def _template(self, messages: Sequence[Message], extras: Extras = NOTHING) -> str:
        return self._applied(for_template(messages, self._shape), messages, extras)

    def _applied(
        self, written: list[dict[str, Any]], messages: Sequence[Message] = (), extras: Extras = NOTHING
    ) -> str:
        size = sum(len(one.text) for one in messages)
        tools = tools_for_template(extras.tools) or None
        given = dict(extras.variables)
        if moment := self._clock.time_of(messages):
            given = self._clock.told(moment) | given
        source = self.template_with_tools if tools else self.template
        if FUNCTION in source:  # the library gives templates no function of ours
            given["chat_template"] = steerable(source)
        return bounded(
            size,
            lambda: self._tokenizer.apply_chat_template(
                written, tools=tools, tokenize=False, add_generation_prompt=True, **given
            ),
        )

    def _try_template(self) -> None:
        if any(len(template) > LONGEST_TEMPLATE for template in self._named.values()):
            _refuse("it is a very long one")
        try:
            self._shape = shape_of(self.template, self._applied)
        except Exception as error:  # noqa: BLE001 - a template is a program and can fail in any way
            _refuse(str(error))
        self._manners = manners_of(self._shown)

    def _shown(self, messages: Sequence[Message]) -> str | None:
        try:
            return self._template(messages)
        except Exception:  # noqa: BLE001
            return None


class Traits(msgspec.Struct, frozen=True):
    """What a template knows of: tools, conversations in which they were called, what switches thinking on and
    off or says how hard to think (the names of variables, "" for none), and where pictures stand."""

    tools: bool = False
    results: bool = False
    switch: str = ""
    effort: str = ""
    pictures: bool = False


def look(chat: Chat) -> Traits:
    """Find it out by trying: what changes nothing is not known."""
    source = chat.template
    tool = Tool("some_tool", "a description", {"type": "object", "properties": {"x": {"type": "integer"}}})

    def rendered(messages: Sequence[Message], extras: Extras = NOTHING) -> str:
        try:
            return chat.render(messages, extras)
        except AiPalError:
            return ""

    def differs(name: str, one: Any, other: Any) -> bool:
        if name not in source:
            return False
        texts = [rendered([QUESTION], Extras(variables={name: value})) for value in (one, other)]
        return texts[0] != texts[1]

    knows_tools = "tools" in chat.template_with_tools and tool.name in rendered([QUESTION], Extras([tool]))
    used = [
        QUESTION,
        Message("assistant", [ToolCall("abcdefghi", tool.name, '{"x": 1234567}')]),
        Message("tool", [ToolResult("abcdefghi", "some result")]),
    ]
    text = rendered(used, Extras([tool])) if knows_tools else ""
    return Traits(
        knows_tools,
        "1234567" in text and "some result" in text,
        next((name for name in SWITCHES if differs(name, True, False)), ""),
        next((name for name in EFFORTS if differs(name, "low", "high")), ""),
        rendered([PICTURE]) not in ("", rendered([QUESTION])),
    )


class TokenCounter:
    """The `Counter` of a context window."""

    def __init__(self, chat: Chat, count: Callable[[str], int], extras: Extras = NOTHING) -> None:
        self._chat, self._count, self._extras = chat, count, extras
        self.content = lru_cache(maxsize=REMEMBERED)(count)
        question, answer = Message("user", "x"), Message("assistant", "x")
        one = self.conversation([question])
        self.fixed = one
        try:
            three = self.conversation([question, answer, question])
        except AiPalError:  # a template for a single question
            three = 2 * one
        self.per_message = max(0, three - one)

    def attachment(self, part: Image | Audio) -> int:
        fail(Code.UNSUPPORTED, "this model cannot look at images", needs.WHO["images"])

    def conversation(self, messages: Sequence[Message]) -> int:
        """Tokens of the conversation as the model sees it."""
        return self._count(self._chat.render(messages, self._extras))


def render(messages: Sequence[Message], form: Format) -> str:
    """The conversation in a format without template."""
    parts = {"system": form.system, "user": form.user, "assistant": form.assistant}
    written = [parts[one.role].format(one.text.strip()) for one in messages if one.text.strip()]
    return "".join(written) + form.prompt


def _by_name(templates: Any) -> dict[str, str]:
    """A tokenizer's template, or its several by their names: `default`, and `tool_use` where there are tools.
    Raises `AiPalError` (`model_invalid`) where none is the default."""
    named = {"default": templates} if isinstance(templates, str) else templates
    if not isinstance(named, dict) or not all(isinstance(one, str) for one in named.values()):
        _refuse("it is no text")
    if "default" not in named:
        _refuse(f"it has names ({', '.join(map(str, named))}), and none is the default")
    return named


def _refuse(reason: str) -> NoReturn:
    fail(
        Code.MODEL_INVALID,
        f"the model's chat template does not work: {reason}",
        "set chat_format in the model's options, or use another model",
    )
