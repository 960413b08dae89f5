"""How families of models write the tools they call: one entry for each form, and which one a template shows.

The texts are cut apart by transformers' own response parser; a tokenizer that brings a response template of
its own needs no entry here.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from workers.engines import channels

Body = Literal["objects", "named", "python", "keyed", "whole"]
"""How calls are written between the marks: as JSON with a name and arguments, as the name and JSON behind it,
as Python's calls, as JSON with the name as a key, or in a form that the response parser reads."""


class Calls(msgspec.Struct, frozen=True):
    """The marks around calls, their body, and for JSON what the arguments are called. `separator` stands
    between two calls; `region` is what the response parser is told, `name` the pattern of a name in front
    of JSON or of tags, `pair` that of an argument in tags, `inner` are marks between the others. `forced`: an
    answer can be held to this form."""

    open: str
    close: str
    body: Body
    arguments: str = "arguments"
    separator: str = ""
    region: dict[str, Any] = {}
    name: str = ""
    pair: str = ""
    inner: tuple[str, ...] = ()
    forced: bool = False
    block: bool = False

    @property
    def marks(self) -> list[str]:
        return [mark for mark in (self.open, self.close, *self.inner) if mark]


def _tags(before: str, name: str, pair: str, end: str, behind: str) -> dict[str, Any]:
    """A region of calls with a name and arguments in tags. `pair` finds an argument, `before` and `behind`
    are around all calls or each."""
    return {
        "open_pattern": rf"\s*{before}\s*{name}",
        "close_pattern": rf"{end}{behind}",
        "repeats": True,
        "content": "xml-inline",
        "content_args": {"tag_pattern": pair},
        "transform": {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}},
    }


def _function_tags(tag: str) -> Calls:
    name, pair = (
        r"<function=(?P<name>[^>\n]+)>",
        r"<parameter=(?P<key>[^>\n]+)>\n?(?P<value>.*?)\n?</parameter>",
    )
    region = _tags(f"<{tag}>", name, pair, r"</function>", rf"\s*</{tag}>")
    return Calls(f"<{tag}>", f"</{tag}>", "whole", region=region, name=name, pair=pair)


def _invocations(opening: str, closing: str, prefix: str) -> Calls:
    pair = rf'<{prefix}parameter name="(?P<key>[^"]+)"[^>]*>(?P<value>.*?)</{prefix}parameter>'
    name = rf'<{prefix}invoke name="(?P<name>[^"]+)">'
    region = _tags(f"(?:{opening})?", name, pair, f"</{prefix}invoke>", "")
    return Calls(opening, closing, "whole", region=region, name=name, pair=pair, block=True)


HERMES = Calls("<tool_call>", "</tool_call>", "objects", separator="\n", forced=True)
MISTRAL = Calls("[TOOL_CALLS]", "", "named", inner=("[ARGS]", "[CALL_ID]"), forced=True)
MISTRAL_LIST = Calls("[TOOL_CALLS]", "", "objects", forced=True)
HARMONY = Calls(channels.CHANNEL, channels.CALL, "named", forced=True)
LLAMA = Calls(
    "",
    "",
    "objects",
    "parameters",
    region={
        "open_pattern": r'(?:<\|python_tag\|>|\A\s*(?=\{\s*"(?:name|type|parameters)"))',
        "repeats": True,
        "content": "text",
    },
    inner=("<|python_tag|>",),
    forced=True,
)
PLAIN = Calls(
    "",
    "",
    "objects",
    separator="\n",
    region={"open_pattern": r'\s*(?=\{\s*"name")', "repeats": True, "content": "text"},
    forced=True,
)
"""JSON without marks: what an answer is held to where the family's own form is none to hold one to."""
FUNCTION_TAGS = _function_tags("tool_call")
SEED = _function_tags("seed:tool_call")
MINIMAX = _invocations("<minimax:tool_call>", "</minimax:tool_call>", "")
DSML = _invocations(
    "<\uff5cDSML\uff5cfunction_calls>", "</\uff5cDSML\uff5cfunction_calls>", "\uff5cDSML\uff5c"
)
_GLM_PAIR = r"<arg_key>\s*(?P<key>.*?)\s*</arg_key>\s*<arg_value>(?P<value>.*?)</arg_value>"
GLM = Calls(
    "<tool_call>",
    "</tool_call>",
    "whole",
    region=_tags("<tool_call>", r"(?P<name>[^<\s]+)\s*", _GLM_PAIR, "</tool_call>", ""),
    name=r"\A\s*(?P<name>[^<\s]+)",
    pair=_GLM_PAIR,
    inner=("<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"),
)
GEMMA = Calls(
    "<|tool_call>",
    "<tool_call|>",
    "whole",
    region={
        "open_pattern": r"<\|tool_call>call:(?P<name>[^{\s]+)",
        "close": "<tool_call|>",
        "repeats": True,
        "content": "json",
        "content_args": {"unquoted_keys": True, "string_delims": [['<|"|>', '<|"|>']]},
        "transform": {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}},
    },
    inner=('<|"|>',),
)
KIMI = Calls(
    "<|tool_calls_section_begin|>",
    "<|tool_calls_section_end|>",
    "named",
    name=r"<\|tool_call_begin\|>\s*(?:functions\.)?([^\s:<]+)",
    inner=("<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"),
)
DEEPSEEK = Calls(
    "<\uff5ctool▁calls▁begin\uff5c>",
    "<\uff5ctool▁calls▁end\uff5c>",
    "named",
    name=r"<\uff5ctool▁call▁begin\uff5c>\s*(?:function<\uff5ctool▁sep\uff5c>)?([^\s<]+)",
    inner=("<\uff5ctool▁call▁begin\uff5c>", "<\uff5ctool▁sep\uff5c>", "<\uff5ctool▁call▁end\uff5c>"),
)
HUNYUAN = Calls("<tool_calls>", "</tool_calls>", "named", name=r"<tool_call>\s*([^\s<`]+)")
COHERE = Calls("<|START_ACTION|>", "<|END_ACTION|>", "objects", "parameters")
PHI = Calls("<|tool_call|>", "<|/tool_call|>", "objects")
GRANITE = Calls("<|tool_call|>", "", "objects")
NEMOTRON = Calls("<TOOLCALL>", "</TOOLCALL>", "objects")
JAMBA = Calls("<tool_calls>", "</tool_calls>", "objects")
LFM = Calls("<|tool_call_start|>", "<|tool_call_end|>", "python")
OLMO = Calls("<function_calls>", "</function_calls>", "python")
APERTUS = Calls("<|tools_prefix|>", "<|tools_suffix|>", "keyed")
FORMS: tuple[tuple[Calls, tuple[str, ...]], ...] = (
    (SEED, ("<seed:tool_call>",)),
    (DSML, (DSML.open,)),
    (FUNCTION_TAGS, ("<function=", "<parameter=")),
    (MINIMAX, (MINIMAX.open,)),
    (GLM, ("<arg_key>",)),
    (KIMI, (KIMI.open,)),
    (DEEPSEEK, ("<\uff5ctool▁call▁begin\uff5c>",)),
    (COHERE, (COHERE.open,)),
    (LFM, (LFM.open,)),
    (OLMO, (OLMO.open,)),
    (GEMMA, ("<|tool_call>call:",)),
    (NEMOTRON, (NEMOTRON.open,)),
    (APERTUS, (APERTUS.open,)),
    (HUNYUAN, ("<tool_calls>", "```json")),
    (JAMBA, (JAMBA.open,)),
    (PHI, (PHI.close,)),
    (GRANITE, (GRANITE.open,)),
    (HERMES, (HERMES.open,)),
    (MISTRAL, (MISTRAL.open, "[ARGS]")),
    (MISTRAL_LIST, (MISTRAL.open,)),
    (LLAMA, ("<|python_tag|>",)),
    (LLAMA, ('"parameters": ',)),
)
"""What a template shows of each, those before others whose texts they show, too."""


def calls_of(template: str) -> Calls | None:
    """How a model with this template calls tools; None where that is not known."""
    if channels.writes_channels(template):
        return HARMONY
    return next((calls for calls, shown in FORMS if all(text in template for text in shown)), None)


def region_of(calls: Calls, names: Sequence[str] = ()) -> dict[str, Any]:
    """The field of a response template in which such calls are, of tools with these names."""
    if calls is LLAMA and names:
        known = "|".join(map(re.escape, names))
        behind_text = rf'\s*(?=\{{\s*"name"\s*:\s*"(?:{known})"\s*,\s*"parameters"\s*:)'
        return calls.region | {"open_pattern": f"{calls.region['open_pattern']}|{behind_text}"}
    if calls.region:
        return calls.region
    end = {"close": calls.close} if calls.close else {}
    return {"open": calls.open, "repeats": True, "content": "text", **end}
