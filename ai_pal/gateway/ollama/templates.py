"""A template of a client's own in Ollama's /api/generate, in Go's language: the fields and conditions that
prompts need; what else there is is refused. Pure."""

import re
from collections.abc import Mapping

from ai_pal.gateway.bodies import BodyError

_ACTION = re.compile(r"(?s)(\s*)\{\{(-)?\s*(.*?)\s*(-)?\}\}(\s*)")
_FIELD = re.compile(r"\.(\w+)")
_FIELDS = ("System", "Prompt", "Response")


def filled(template: str, system: str, prompt: str) -> str:
    """The template with these in it, up to where the answer belongs. Raises `BodyError`: it wants more."""
    values = {"System": system, "Prompt": prompt, "Response": ""}
    told, shown = [], [True]
    at = 0
    for found in _ACTION.finditer(template):
        before, trims_before, action, trims_behind, behind = found.groups()
        told.append(template[at : found.start()] + ("" if trims_before else before) if shown[-1] else "")
        at = found.end() - (0 if trims_behind else len(behind))
        if action == ".Response":
            return "".join(told)
        said = _carried_out(action, shown, values)
        told.append(said if shown[-1] else "")
    if len(shown) > 1:
        raise _refused("an if has no end")
    return "".join(told) + template[at:]


def _carried_out(action: str, shown: list[bool], values: Mapping[str, str]) -> str:
    """What an action writes; `shown` says whether each of the conditions that are open holds."""
    word, _, rest = action.partition(" ")
    if word == "if":
        shown.append(shown[-1] and bool(values[_field(rest)]))
    elif action in ("else", "end"):
        if len(shown) == 1:
            raise _refused(f"there is no if before this {action}")
        held = shown.pop()
        if action == "else":
            shown.append(shown[-1] and not held)
    else:
        return values[_field(action)]
    return ""


def _field(name: str) -> str:
    found = _FIELD.fullmatch(name.strip())
    if found is None or found[1] not in _FIELDS:
        raise _refused(f"{{{{ {name} }}}} means nothing here")
    return found[1]


def _refused(why: str) -> BodyError:
    hint = "it may have {{ .System }}, {{ .Prompt }}, {{ .Response }} and {{ if }} of these; or leave it out"
    return BodyError(why, "template", hint)
