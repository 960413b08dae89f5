"""How models write the calls of tools, one entry for each form. Jinja, which knows the call as `call` and its
function as `c`."""

from typing import NamedTuple

ARGUMENTS = "{{ c.arguments | tojson }}"
VALUE = "{{ v if v is string else v | tojson }}"


def lit(text: str) -> str:
    """The text as Jinja prints it."""
    if not text:
        return ""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return "{{ '" + escaped + "' }}"


class Form(NamedTuple):
    """Jinja of one call, and the text before, between and behind all of one turn."""

    each: str
    before: str = ""
    between: str = ""
    after: str = ""


def _object(name: str = "name", arguments: str = "arguments", more: str = "") -> str:
    return (
        lit('{"' + name + '": "')
        + "{{ c.name }}"
        + lit('", "' + arguments + '": ')
        + ARGUMENTS
        + more
        + lit("}")
    )


def _each(before: str, behind: str) -> str:
    """For each argument, with what stands around its value; `KEY` is its name."""
    one = "{{ k }}".join(lit(part) for part in before.split("KEY"))
    return "{% for k, v in c.arguments | items %}" + one + VALUE + lit(behind) + "{% endfor %}"


def _function_tags(tag: str) -> str:
    head, foot = lit(f"<{tag}>\n<function="), lit(f"</function>\n</{tag}>")
    return head + "{{ c.name }}" + lit(">\n") + _each("<parameter=KEY>\n", "\n</parameter>\n") + foot


def _python(quote: str = "{{ v | tojson }}") -> str:
    arguments = "{% for k, v in c.arguments | items %}{{ k }}=" + quote
    arguments += "{% if not loop.last %}{{ ', ' }}{% endif %}{% endfor %}"
    return "{{ c.name }}" + lit("(") + arguments + lit(")")


def _deepseek(head: str, between: str, behind: str) -> str:
    return (
        lit("<\uff5ctool▁call▁begin\uff5c>" + head)
        + "{{ c.name }}"
        + lit(between)
        + ARGUMENTS
        + lit(behind + "<\uff5ctool▁call▁end\uff5c>")
    )


_DSML_VALUE = (
    "{% for k, v in c.arguments | items %}"
    + lit('<\uff5cDSML\uff5cparameter name="')
    + "{{ k }}"
    + lit('" string="')
    + "{{ 'true' if v is string else 'false' }}"
    + lit('">')
    + VALUE
    + lit("</\uff5cDSML\uff5cparameter>\n")
    + "{% endfor %}"
)
_GEMMA_VALUES = (
    "{% for k, v in c.arguments | items %}{{ k }}:"
    "{% if v is string %}" + lit('<|"|>') + "{{ v }}" + lit('<|"|>') + "{% else %}{{ v | tojson }}{% endif %}"
    "{% if not loop.last %},{% endif %}{% endfor %}"
)
HERMES = Form(lit("<tool_call>\n") + _object() + lit("\n</tool_call>"), between="\n")
LLAMA = Form(_object(arguments="parameters"))
MISTRAL_LIST = Form(_object(more=lit(', "id": "') + "{{ call.id }}" + lit('"')), "[TOOL_CALLS] [", ", ", "]")
MISTRAL_NAMED = Form(lit("[TOOL_CALLS]") + "{{ c.name }}" + lit("[ARGS]") + ARGUMENTS)
FUNCTION_TAGS = Form(_function_tags("tool_call"), between="\n")
SEED = Form(_function_tags("seed:tool_call"), between="\n")
GLM = Form(
    lit("<tool_call>")
    + "{{ c.name }}"
    + lit("\n")
    + _each("<arg_key>KEY</arg_key>\n<arg_value>", "</arg_value>\n")
    + lit("</tool_call>"),
    between="\n",
)
DEEPSEEK_V3 = Form(
    _deepseek("function<\uff5ctool▁sep\uff5c>", "\n```json\n", "\n```"),
    "<\uff5ctool▁calls▁begin\uff5c>",
    "\n",
    "<\uff5ctool▁calls▁end\uff5c>",
)
DEEPSEEK_V31 = Form(
    _deepseek("", "<\uff5ctool▁sep\uff5c>", ""),
    "<\uff5ctool▁calls▁begin\uff5c>",
    after="<\uff5ctool▁calls▁end\uff5c>",
)
DSML = Form(
    lit('<\uff5cDSML\uff5cinvoke name="')
    + "{{ c.name }}"
    + lit('">\n')
    + _DSML_VALUE
    + lit("</\uff5cDSML\uff5cinvoke>\n"),
    "\n\n<\uff5cDSML\uff5cfunction_calls>\n",
    after="</\uff5cDSML\uff5cfunction_calls>",
)
KIMI = Form(
    lit("<|tool_call_begin|>functions.")
    + "{{ c.name }}"
    + lit(":")
    + "{{ loop.index0 }}"
    + lit("<|tool_call_argument_begin|>")
    + ARGUMENTS
    + lit("<|tool_call_end|>"),
    "<|tool_calls_section_begin|>",
    after="<|tool_calls_section_end|>",
)
MINIMAX = Form(
    lit('<invoke name="')
    + "{{ c.name }}"
    + lit('">\n')
    + _each('<parameter name="KEY">', "</parameter>\n")
    + lit("</invoke>\n"),
    "<minimax:tool_call>\n",
    after="</minimax:tool_call>",
)
COHERE = Form(
    lit('    {"tool_call_id": "')
    + "{{ loop.index0 }}"
    + lit('", "tool_name": "')
    + "{{ c.name }}"
    + lit('", "parameters": ')
    + ARGUMENTS
    + lit("}"),
    "<|START_ACTION|>[\n",
    ",\n",
    "\n]<|END_ACTION|>",
)
GRANITE = Form(_object(), "<|tool_call|>[", ", ", "]")
PHI = Form(_object(), "<|tool_call|>[", ", ", "]<|/tool_call|>")
LFM = Form(_python(), "<|tool_call_start|>[", ", ", "]<|tool_call_end|>")
OLMO = Form(_python(), "<function_calls>", "\n", "</function_calls>")
GEMMA = Form(
    lit("<|tool_call>call:") + "{{ c.name }}" + lit("{") + _GEMMA_VALUES + lit("}") + lit("<tool_call|>")
)
NEMOTRON = Form(_object(), "<TOOLCALL>[", ", ", "]</TOOLCALL>")
JAMBA = Form(_object(), "<tool_calls>[\n", ",\n", "\n]</tool_calls>")
APERTUS = Form(
    lit('{"') + "{{ c.name }}" + lit('": ') + ARGUMENTS + lit("}"),
    "<|tools_prefix|>[",
    ", ",
    "]<|tools_suffix|>",
)
HUNYUAN = Form(
    lit("<tool_call>") + "{{ c.name }}" + lit("\n```json\n") + ARGUMENTS + lit("\n```\n</tool_call>"),
    "<tool_calls>\n",
    "\n",
    "\n</tool_calls>",
)
HARMONY = Form("")
"""It is no part of a turn: `others` has it."""
