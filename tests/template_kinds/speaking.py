"""What models of a kind say, and of what parts that is."""

import json
from typing import NamedTuple

import jinja2

from ai_pal.protocol.options import GenerationOptions
from tests.spoken_models import Script
from tests.template_kinds.kind import Kind
from tests.template_kinds.shapes import WEATHER
from tests.template_kinds.writing import calls_text

THOUGHT, ANSWER, BESIDE = "I think.", "It is 4.", "I look."
ARGUMENTS = {"city": "Rome"}
Parts = list[tuple[str, str, str]]
SHORT = 5


class Spoken(NamedTuple):
    """An answer, what it was asked with, and the kind, name and text of each of its parts."""

    text: str
    options: GenerationOptions
    parts: Parts


def answers(kind: Kind, opened: bool) -> dict[str, Spoken]:
    """By what they are made of. `opened`: prompts open a thought."""
    around = kind.answer
    plain, thinking, calling = _options(), _options(), _options(tools=[WEATHER])
    said: Parts = [("text", "", ANSWER)]
    call = ("tool_call", WEATHER.name, json.dumps(ARGUMENTS))
    thought: Parts = []
    before = ""
    if kind.thoughts:
        before = ("" if opened else kind.thoughts.open) + THOUGHT + kind.thoughts.close
        thought = [("reasoning", "", THOUGHT)]
        if kind.thoughts.switch:
            thinking, calling = _options(thinking="on"), _options(thinking="on", tools=[WEATHER])
    found: dict[str, Spoken] = {}
    if not opened or (kind.thoughts and kind.thoughts.switch):
        off = _options(thinking="off") if kind.thoughts and kind.thoughts.switch else plain
        found["text"] = Spoken(kind.says.get("text", around.open + ANSWER + around.close), off, said)
    if kind.thoughts:
        text = kind.says.get("thought", before + around.open + ANSWER + around.close)
        found["thought"] = Spoken(text, thinking, [*thought, *said])
    if kind.calls:
        written = kind.says.get("call", before + _call(kind))
        found["call"] = Spoken(written, calling, [*thought, call])
        if not around.open:
            begun = _options(prefill=BESIDE, tools=[WEATHER])
            text = kind.says.get("begun", _call(kind))
            found["begun, and call"] = Spoken(text, begun, [("text", "", BESIDE), call])
        if not kind.says and not around.open:
            text = before + BESIDE + _call(kind)
            found["text and call"] = Spoken(text, calling, [*thought, ("text", "", BESIDE), call])
    return found


def script(kind: Kind, says: str = "", after: str = "~") -> Script:
    """A model with the marks of this kind that says this behind that token."""
    end = kind.end or "</s>"
    special = [one for one in dict.fromkeys((*kind.special, end, kind.bos)) if one not in ("", "<s>", "</s>")]
    pieces = _pieces(says, [*special, *kind.marks])
    return Script(pieces, after=after, end=end, special=special, marks=kind.marks)


def _options(**more: object) -> GenerationOptions:
    return GenerationOptions(temperature=0.0, max_tokens=120, **more)  # type: ignore[arg-type] # any of them


def _call(kind: Kind) -> str:
    assert kind.calls is not None
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - no page is made of it
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    call = {"id": "abcdefgh1", "function": {"name": WEATHER.name, "arguments": ARGUMENTS}}
    return environment.from_string(calls_text(kind.calls)).render(m={"tool_calls": [call]})


def _pieces(text: str, marks: list[str]) -> list[str]:
    """Tokens of which none comes twice: marks, where they first stand, and short texts."""
    pieces: list[str] = []
    plain, at = "", 0
    while at < len(text):
        mark = next((one for one in sorted(marks, key=len, reverse=True) if text.startswith(one, at)), "")
        if mark and mark not in pieces and len(plain.encode()) != 1:
            pieces += [*_cut(plain, [*pieces, *marks], marks), mark]
            plain, at = "", at + len(mark)
        else:
            plain, at = plain + text[at], at + 1
    return pieces + _cut(plain, [*pieces, *marks], marks)


def _cut(text: str, known: list[str], marks: list[str]) -> list[str]:
    """Short texts of at least two bytes that are not known yet; no mark in them is cut."""
    inside = {at + one for mark in marks for at in _places(text, mark) for one in range(1, len(mark))}
    pieces: list[str] = []
    begin = 0
    while begin < len(text):
        ends = range(min(begin + SHORT, len(text)), len(text) + 1)
        fits = (
            end
            for end in ends
            if end not in inside
            and text[begin:end] not in [*known, *pieces]
            and len(text[begin:end].encode()) > 1
            and len(text) - end != 1
        )
        end = next(fits, len(text))
        pieces.append(text[begin:end])
        begin = end
    return pieces


def _places(text: str, mark: str) -> list[int]:
    return [at for at in range(len(text)) if text.startswith(mark, at)]
