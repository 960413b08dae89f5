"""The Jinja text of a kind of template."""

from tests.template_kinds.calls import Form, lit
from tests.template_kinds.kind import Kind, Thoughts, Tools


def jinja(kind: Kind) -> str:
    """The template."""
    if kind.text:
        return kind.text
    return "".join(
        [
            lit(kind.head) if not kind.bos else "{{ bos_token }}" + lit(kind.head),
            _last_question(kind),
            _system(kind),
            "{% for m in said %}",
            _alternation(kind),
            _user(kind),
            _assistant(kind),
            _system_turn(kind),
            _results(kind),
            "{% endif %}{% endfor %}",
            _prompt(kind),
        ]
    )


def calls_text(form: Form) -> str:
    """Jinja of all the calls of a message `m`."""
    between = "{% if not loop.first %}" + lit(form.between) + "{% endif %}" if form.between else ""
    each = "{% for call in m.tool_calls %}{% set c = call.function %}" + between + form.each + "{% endfor %}"
    return lit(form.before) + each + lit(form.after)


def _content(kind: Kind) -> str:
    trimmed = " | trim" if kind.trims else ""
    text = "{{ m.content" + trimmed + " }}"
    if kind.content == "text":
        return text
    thought = "{% elif part.type == 'image' %}" + lit(kind.picture) if kind.picture else ""
    if kind.content == "either" and kind.thoughts:
        thought += "{% elif part.type == 'thinking' %}" + lit(kind.thoughts.open) + "{{ part.thinking }}"
        thought += lit(kind.thoughts.close)
    parts = "{% for part in m.content %}{% if part.type == 'text' %}{{ part.text" + trimmed + " }}"
    parts += thought + "{% endif %}{% endfor %}"
    return (
        parts
        if kind.content == "parts"
        else "{% if m.content is string %}" + text + "{% else %}" + parts + "{% endif %}"
    )


def _tools(tools: Tools) -> str:
    listed = "{% for tool in tools %}{{ tool | tojson }}" + lit("\n") + "{% endfor %}"
    return (
        "{% if tools %}"
        + lit(tools.open)
        + (listed if tools.lines else "{{ tools | tojson }}")
        + lit(tools.close)
        + "{% endif %}"
    )


def _last_question(kind: Kind) -> str:
    """The number of the last question, where something depends on it."""
    wanted = kind.place == "last question" or (kind.tools and kind.tools.place == "last question")
    if not wanted and not (kind.thoughts and kind.thoughts.kept == "of this question"):
        return ""
    return (
        "{% set ns = namespace(last=-1) %}"
        "{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}"
        "{% endfor %}"
    )


def _system(kind: Kind) -> str:
    """What stands in front of all turns; sets `said`, `system` and how many messages are `before`."""
    if kind.place == "refused":
        refusal = "{{ raise_exception('System role not supported') }}"
        return (
            "{% if messages[0].role == 'system' %}" + refusal + "{% endif %}"
            "{% set said = messages %}{% set before = 0 %}"
        )
    tools = _tools(kind.tools) if kind.tools and kind.tools.place == "system" else ""
    if kind.place == "any turn" and not tools:
        default = ""
        if kind.default and kind.system:
            default = "{% if messages[0].role != 'system' %}"
            default += lit(kind.system.open + kind.default + kind.system.close) + "{% endif %}"
        return default + "{% set said = messages %}{% set before = 0 %}"
    content = "messages[0].content"
    if kind.content == "parts":
        content += "[0].text"
    elif kind.content == "either":
        content += " if messages[0].content is string else messages[0].content[0].text"
    text = (
        "{% if messages[0].role == 'system' %}"
        "{% set system = " + content + " %}{% set said = messages[1:] %}{% set before = 1 %}{% else %}"
        "{% set system = '"
        + kind.default.replace("'", "\\'")
        + "' %}{% set said = messages %}{% set before = 0 %}"
        "{% endif %}"
    )
    if kind.system is None or kind.place in ("first question", "last question"):
        return text
    asked = "true" if kind.dated else "system or tools" if tools else "system"
    trimmed = " | trim" if kind.trims else ""
    return (
        text
        + "{% if "
        + asked
        + " %}"
        + lit(kind.system.open)
        + (f"Today Date: {{{{ {kind.dated} }}}}" + lit("\n\n") if kind.dated else "")
        + "{{ system"
        + trimmed
        + " }}"
        + tools
        + lit(kind.system.close)
        + "{% endif %}"
    )


def _alternation(kind: Kind) -> str:
    if not kind.alternates:
        return ""
    wrong = "(m.role == 'user') != (loop.index0 % 2 == 0)"
    if kind.calls:  # calls and results stand outside of it
        return (
            "{% if loop.index0 > 0 and m.role == 'user' and said[loop.index0 - 1].role == 'user' %}"
            "{{ raise_exception('" + kind.alternates.replace("'", "\\'") + "') }}{% endif %}"
        )
    return (
        "{% if "
        + wrong
        + " %}{{ raise_exception('"
        + kind.alternates.replace("'", "\\'")
        + "') }}{% endif %}"
    )


def _user(kind: Kind) -> str:
    inside = ""
    last = "loop.index0 + before == ns.last"
    if kind.tools and kind.tools.place != "system":
        where = "loop.first" if kind.tools.place == "first question" else last
        outside = "{% if " + where + " %}" + _tools(kind.tools) + "{% endif %}"
    else:
        outside = ""
    if kind.place in ("first question", "last question"):
        where = "loop.first" if kind.place == "first question" else last
        around = kind.system.open if kind.system else "", kind.system.close if kind.system else kind.between
        inside = (
            "{% if "
            + where
            + " and system %}"
            + lit(around[0])
            + "{{ system }}"
            + lit(around[1])
            + "{% endif %}"
        )
    return (
        "{% if m.role == 'user' %}"
        + outside
        + lit(kind.user.open)
        + inside
        + _content(kind)
        + lit(kind.user.close)
    )


def _assistant(kind: Kind) -> str:
    calls = ""
    if kind.calls:
        rules = ""
        if kind.single_calls:
            rules += (
                "{% if m.tool_calls | length > 1 %}{{ raise_exception('"
                + kind.single_calls
                + "') }}{% endif %}"
            )
        if kind.short_ids:
            rules += "{% for call in m.tool_calls %}{% if call.id | length != 9 %}"
            rules += "{{ raise_exception('" + kind.short_ids + "') }}{% endif %}{% endfor %}"
        calls = "{% if m.tool_calls %}" + rules + calls_text(kind.calls) + "{% endif %}"
    content = _answer(kind)
    if kind.calls:
        content = "{% if m.content %}" + content + "{% endif %}"
    return (
        "{% elif m.role == 'assistant' %}"
        + lit(kind.assistant.open)
        + (_thought(kind.thoughts) if kind.thoughts and kind.content != "either" else "")
        + content
        + calls
        + lit(kind.assistant.close)
    )


def _answer(kind: Kind) -> str:
    """The text of an answer; those who keep no thoughts cut off what others left in it."""
    content = _content(kind)
    if kind.thoughts and kind.thoughts.kept == "no" and kind.content == "text":
        content = "{{ m.content.split('" + kind.thoughts.close.strip() + "')[-1] }}"
    return lit(kind.answer.open) + content + lit(kind.answer.close)


def _thought(thoughts: Thoughts) -> str:
    if thoughts.kept == "no":
        return ""
    shown = "m.reasoning_content"
    if thoughts.kept == "of this question":
        shown += " and loop.index0 + before > ns.last"
    return (
        "{% if "
        + shown
        + " %}"
        + lit(thoughts.open)
        + "{{ m.reasoning_content }}"
        + lit(thoughts.close)
        + "{% endif %}"
    )


def _system_turn(kind: Kind) -> str:
    """A system message that does not stand in front."""
    if kind.place != "any turn" or kind.system is None:
        return ""
    return "{% elif m.role == 'system' %}" + lit(kind.system.open) + _content(kind) + lit(kind.system.close)


def _results(kind: Kind) -> str:
    results = kind.results
    if results is None:
        return ""
    content = "{{ m.content | tojson }}" if results.in_json else _content(kind)
    first = "loop.first or said[loop.index0 - 1].role != 'tool'"
    last = "loop.last or said[loop.index0 + 1].role != 'tool'"
    return (
        "{% elif m.role == 'tool' %}{% if "
        + first
        + " %}"
        + lit(results.open)
        + "{% endif %}"
        + lit(results.each_open)
        + ("{{ m.name }}" + lit(": ") if results.named else "")
        + content
        + lit(results.each_close)
        + "{% if "
        + last
        + " %}"
        + lit(results.close)
        + "{% endif %}"
    )


def _prompt(kind: Kind) -> str:
    opening = lit(kind.assistant.open if kind.prompt is None else kind.prompt)
    thoughts = kind.thoughts
    if thoughts is None:
        behind = ""
    elif thoughts.switch:
        is_off = thoughts.switch + " is defined and not " + thoughts.switch
        if thoughts.asked:
            is_off = "not (" + thoughts.switch + " is defined and " + thoughts.switch + ")"
        off = "{% if " + is_off + " %}" + lit(thoughts.off)
        behind = off + ("{% else %}" + lit(thoughts.open) if thoughts.opened else "") + "{% endif %}"
    else:
        behind = lit(thoughts.open) if thoughts.opened else ""
    return "{% if add_generation_prompt %}" + opening + behind + "{% endif %}"
