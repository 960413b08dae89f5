"""A template of Ollama's, in Go's language, as one that llama.cpp can use: rounds of system, prompt and
response, as Ollama writes a conversation with it. Pure."""

import json

from ai_pal.gateway.ollama.templates import Action, actions_of
from ai_pal.gateway.wire.bodies import BodyError

_ROUNDS = """
{%- macro round(System, Prompt, Response, last) -%}ROUND{%- endmacro -%}
{%- set now = namespace(system="", prompt="", response="") -%}
{%- for message in messages -%}
{%- if message["role"] == "system" -%}
{%- if now.prompt or now.response -%}
{{- round(now.system, now.prompt, now.response, false) -}}
{%- set now.prompt = "" -%}{%- set now.response = "" -%}
{%- endif -%}
{%- set now.system = message["content"] -%}
{%- elif message["role"] == "user" -%}
{%- if now.response -%}
{{- round(now.system, now.prompt, now.response, false) -}}
{%- set now.system = "" -%}{%- set now.prompt = "" -%}{%- set now.response = "" -%}
{%- endif -%}
{%- set now.prompt = (now.prompt + "\\n\\n" if now.prompt else "") + message["content"] -%}
{%- else -%}
{%- set now.response = now.response + (message["content"] or "") -%}
{%- endif -%}
{%- endfor -%}
{{- round(now.system, now.prompt, now.response, true) -}}
"""


def is_jinja(template: str) -> bool:
    """Whether it is one of llama.cpp's already: Go's have no such tags."""
    return "{%" in template


def jinja_of(template: str) -> str:
    """Raises `BodyError`: it wants more than rounds have."""
    written: list[str] = []
    depth, answered = 0, False
    for part in actions_of(template):
        if isinstance(part, str):
            written.append(f"{{{{- {json.dumps(part, ensure_ascii=False)} -}}}}" if part else "")
        elif part == Action("field", "Response"):
            if depth:
                raise BodyError("{{ .Response }} within an if", "template", "let it stand by itself")
            # what stands behind the last answer is the model's to write
            written.append("{{- Response -}}{%- if not last -%}" if not answered else "{{- Response -}}")
            answered = True
        else:
            depth += {"if": 1, "end": -1}.get(part.word, 0)
            written.append(_tag(part))
    if not answered:
        written.append("{{- Response -}}")
    return _ROUNDS.strip().replace("ROUND", "".join(written) + ("{%- endif -%}" if answered else ""))


def _tag(action: Action) -> str:
    if action.word == "field":
        return f"{{{{- {action.field} -}}}}"
    return {"if": f"{{%- if {action.field} -%}}", "else": "{%- else -%}", "end": "{%- endif -%}"}[action.word]
