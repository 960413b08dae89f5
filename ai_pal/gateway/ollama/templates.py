"""A template of a client's own, in Go's language: the fields and conditions that prompts need; all else is
refused. Pure."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from ai_pal.gateway.wire.bodies import BodyError

_OPENS, _CLOSES = "{{", "}}"
_BLANK = re.compile(r"\s*")
_FIELD = re.compile(r"\.(\w+)")
_FIELDS = ("System", "Prompt", "Response")


class Action(NamedTuple):
    """What stands between braces."""

    word: Literal["field", "if", "else", "end"]
    field: str = ""


def actions_of(template: str) -> Iterator[str | Action]:
    """Its texts and actions in their order, each `if` with its `end`. Raises `BodyError`: it wants more."""
    at = depth = 0
    while (opens := template.find(_OPENS, at)) >= 0 and (closes := template.find(_CLOSES, opens)) >= 0:
        action = template[opens + len(_OPENS) : closes]
        trims_before, trims_behind = action.startswith("-"), len(action) > 1 and action.endswith("-")
        action = action[trims_before : len(action) - trims_behind].strip()
        before = _whole(template[at:opens])
        yield before.rstrip() if trims_before else before
        at = closes + len(_CLOSES)
        if trims_behind and (blank := _BLANK.match(template, at)):
            at = blank.end()
        read = _read(action)
        if read.word in ("else", "end") and not depth:
            raise _refused(f"there is no if before this {read.word}")
        depth += {"if": 1, "end": -1}.get(read.word, 0)
        yield read
    if depth:
        raise _refused("an if has no end")
    yield _whole(template[at:])


def filled(template: str, system: str, prompt: str) -> str:
    """The template with these in it, up to where the answer belongs. Raises `BodyError`: it wants more."""
    values = {"System": system, "Prompt": prompt, "Response": ""}
    told, shown = [], [True]
    for part in actions_of(template):
        if isinstance(part, str):
            told.append(part if shown[-1] else "")
        elif part == Action("field", "Response") and shown[-1]:
            break
        elif part.word == "field":
            told.append(values[part.field] if shown[-1] else "")
        elif part.word == "if":
            shown.append(shown[-1] and bool(values[part.field]))
        else:
            held = shown.pop()
            if part.word == "else":
                shown.append(shown[-1] and not held)
    return "".join(told)


def _whole(text: str) -> str:
    if "{{" in text:
        raise _refused("what {{ begins has no }}")
    return text


def _read(action: str) -> Action:
    word, _, rest = action.partition(" ")
    if word == "if":
        return Action("if", _field(rest))
    if action in ("else", "end"):
        return Action(action)  # type: ignore[arg-type]
    return Action("field", _field(action))


def _field(name: str) -> str:
    found = _FIELD.fullmatch(name.strip())
    if found is None or found[1] not in _FIELDS:
        raise _refused(f"{{{{ {name} }}}} means nothing here")
    return found[1]


def _refused(why: str) -> BodyError:
    hint = "it may have {{ .System }}, {{ .Prompt }}, {{ .Response }} and {{ if }} of these; or leave it out"
    return BodyError(why, "template", hint)
