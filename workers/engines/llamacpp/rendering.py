"""Prompts of llama.cpp, rendered here: its own Jinja lacks some of Jinja2, and prints other things than that,
of which nobody hears. It is given a template that says the prompt that it is told, and else what the model's
own says: by that it finds out how answers are taken apart."""

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any

from workers.engines.jinja_template import FAILURES, JinjaTemplate, words_of
from workers.engines.template_shape import NO_SYSTEM, QUESTION, THOUGHTFUL, Messages, shape_of, shaped
from workers.engines.unix_http import RefusedError
from workers.tool_turns import NAME, with_properties

TOLD = "told_prompt"
TEMPLATE_REFUSAL = "template_refusal"
"""The kind of error of what a template itself refuses."""
_HEAD = (
    "{% if " + TOLD + " is defined %}{{ " + TOLD + "[0] }}"
    "{% if add_generation_prompt %}{{ " + TOLD + "[1] }}{% endif %}{% else %}\n"
)
_TAIL = "{{ '' }}{% endif %}"
_TURNS = "{% for message in messages %}{{ message.content }}{% endfor %}"
_READ = "if elif else endif for endfor set endset macro endmacro call endcall filter endfilter break continue"
_TOOL = {
    "type": "function",
    "function": {"name": NAME, "description": "x", "parameters": with_properties({})},
}
_TAG = re.compile(r"\{%[-+]?\s*(\w*)")
_ODD = re.compile(r"\srecursive\s*-?%\}|\{[%{]\+|\+[%}]\}")
BARE = _HEAD + _TURNS + _TAIL
"""In the place of one that llama.cpp cannot read: by this it finds out nothing."""
CONTINUED = "continue_final_message"


def may_be_read(template: str) -> bool:
    """Whether llama.cpp may know all that it is written with. What is not seen here is seen by a load that
    fails."""
    known = {*_READ.split(), "generation", "endgeneration"}
    return _ODD.search(template) is None and all(tag in known for tag in _TAG.findall(template))


def carrying(template: str) -> str:
    """A template that says what it is told, and else what this one says, if llama.cpp reads that."""
    return _HEAD + template.removesuffix("\n") + _TAIL if may_be_read(template) else BARE


def either(with_tools: str, plain: str) -> str:
    """One template of two: with tools the first, without the other."""
    first, second = (one.removesuffix("\n") for one in (with_tools, plain))
    return "{% if tools %}\n" + first + "{{ '' }}{% else %}\n" + second + _TAIL


def is_read(template: str, about: Mapping[str, Any]) -> bool:
    """Whether llama.cpp has read it, by what it tells of the model."""
    own = template.removesuffix("\n").replace("\r\n", "\n")  # as it does itself
    return own in str(about.get("chat_template", ""))


def rendering(template: str, about: Mapping[str, Any]) -> "Rendering | None":
    """None where llama.cpp is to render: a template of its own ("" here), and one that it can read and Jinja2
    cannot. `about` is what it tells of the model. Raises `FAILURES`."""
    try:
        return Rendering(template, about) if template else None
    except FAILURES:
        if is_read(template, about):
            return None
        raise


class Rendering:
    """Of one template. Thread-safe."""

    def __init__(self, template: str, about: Mapping[str, Any]) -> None:
        """Raises `FAILURES`."""
        specials = {name: str(about.get(name, "")) for name in ("bos_token", "eos_token")}
        self._text, self._template = template, JinjaTemplate(template, specials)
        self._marker = str(about.get("media_marker", ""))
        self._shape = shape_of(template, self._template.render)

    def told(self, body: dict[str, Any], *, once: bool = False) -> dict[str, Any]:
        """The body of a request, with its prompt: rendered twice, to tell what of it begins the answer, or
        only `once`. Raises `RefusedError` with the template's own words."""
        variables = body.get("chat_template_kwargs", {})
        if TOLD in variables:
            return body
        messages = body["messages"][:-1] if body.get(CONTINUED) else body["messages"]
        written = shaped([self._written(one) for one in messages], self._shape)
        tools = body.get("tools", ())
        try:
            whole = said = self._template.render(written, tools, variables)
            if not once:
                said = self._template.render(written, tools, variables, begin=False)
        except FAILURES as error:
            told = {"type": TEMPLATE_REFUSAL, "message": words_of(error)}
            raise RefusedError("template", 0, told) from error
        if not whole.startswith(said):
            said = whole
        return {**body, "chat_template_kwargs": {**variables, TOLD: [said, whole[len(said) :]]}}

    def text(self, body: dict[str, Any]) -> str:
        """What the template says. Raises as `told`."""
        return "".join(self.told(body)["chat_template_kwargs"][TOLD])

    def caps(self) -> dict[str, bool]:
        """What llama.cpp would tell of the template if it read that."""
        shown = self._tried(tools=[_TOOL]) if "tools" in self._text else ""
        efforts = [self._tried(variables={"reasoning_effort": one}) for one in ("low", "high")]
        return {
            "supports_tools": NAME in shown,
            "supports_tool_calls": any(NAME in self._tried(messages) for messages in THOUGHTFUL[1:]),
            "supports_reasoning_effort": efforts[0] != efforts[1],
        }

    def _tried(self, messages: Messages | None = None, **given: Any) -> str:
        turns = shaped(messages or [QUESTION], self._shape)
        for front in ([], shaped([NO_SYSTEM], self._shape)):
            with contextlib.suppress(*FAILURES):
                return self._template.render([*front, *turns], **given)
        return ""

    def _written(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """As templates take it, from a message as llama.cpp takes it: calls with objects, a mark where a
        picture or a sound stands."""
        one = dict(message)
        if isinstance(one.get("content"), list):
            one["content"] = "".join(part.get("text", self._marker) for part in one["content"])
        if "tool_calls" in one:
            one["tool_calls"] = [_with_object(call) for call in one["tool_calls"]]
        return one


def _with_object(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {**call, "function": {**function, "arguments": json.loads(function["arguments"])}}
