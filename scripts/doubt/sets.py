"""What models are asked to see whether their doubt tells what they get wrong: sets of questions with their
right answers, and whether a strong model is right, where that is known."""

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from ai_pal.protocol.doubt import Probe
from ai_pal.server.router.cascade.closed import closed
from ai_pal.server.router.cascade.questions import Question, is_right, questions
from scripts.doubt.asking import Asked

SEED = 5
SHORT, WORKED = 24, 400
"""Tokens of an answer."""
DIRECT = "Reply with a single letter (A, B, C or D), without any explanation."
STEPS = "Work it out step by step, and end with the number."
Marking = Callable[[str, bool], bool | None]
"""Whether an answer is right, given whether it was cut off; None: it was before it said it."""
PROBLEMS: list[tuple[str, Callable[[int, int, int], int]]] = [
    (
        "{name} buys {a} boxes with {b} pencils each and gives {c} pencils away. How many pencils are left?",
        lambda a, b, c: a * b - c,
    ),
    (
        (
            "A baker makes {a} trays of {b} rolls. {c} rolls are burnt, and the rest is sold at 2 coins each."
            " How many coins does the baker get?"
        ),
        lambda a, b, c: 2 * (a * b - c),
    ),
    (
        "{name} runs {a} km on each of {b} days and {c} km more on the last one. How many km is that in all?",
        lambda a, b, c: a * b + c,
    ),
    (
        (
            "A tank holds {a}{b} litres. A pump takes out {c} litres a minute for 3 minutes, and then {a} "
            "litres are poured in. How many litres are in the tank?"
        ),
        lambda a, b, c: int(f"{a}{b}") - 3 * c + a,
    ),
    (
        (
            "{name} has {a} coins and gets {b} each week. After {c} weeks half of all coins are spent, and "
            "one more if that is no whole number. How many are left?"
        ),
        lambda a, b, c: (a + b * c) // 2,
    ),
    (
        (
            "In a hall are {a} rows of {b} seats. {c} people sit down, and then twice as many come. How many "
            "seats stay free? Below zero means that seats are lacking."
        ),
        lambda a, b, c: a * b - 3 * c,
    ),
]
NAMES = ("Ada", "Omar", "Mei", "Jonas", "Lucía")


class Item(NamedTuple):
    """A question of a set. `strong` is how right a strong model is, None where nobody knows."""

    set: str
    asked: Asked
    right: Marking
    strong: float | None = None


class Exam(msgspec.Struct):
    """A line of a file of choices, as doubt_dev.jsonl has them."""

    id: str
    prompt: str
    gold: str
    strong: float


def shipped() -> list[Item]:
    """Those that AI-PAL calibrates with."""
    return [Item(one.set, _asked(one.id, one.prompt, SHORT), _marked(one)) for one in questions()]


def exams(file: Path, most: int, worked: int) -> list[list[Item]]:
    """Choices of a file, drawn evenly: so many to be answered by the letter, and others as they stand there,
    which models explain at length."""
    lines = [msgspec.json.decode(line, type=Exam) for line in file.read_bytes().splitlines()]
    random.Random(SEED).shuffle(lines)  # noqa: S311 - the same every time
    direct = [
        Item("exam", _asked(one.id, _direct(one.prompt), SHORT), _letter(one.gold), one.strong)
        for one in lines[:most]
    ]
    explained = [
        Item("explained", _asked(one.id, one.prompt, WORKED), _last_letter(one), one.strong)
        for one in lines[most : most + worked]
    ]
    return [direct, explained]


def _direct(prompt: str) -> str:
    return f"{DIRECT}\n\n{prompt.removesuffix('Answer:').rstrip()}\nLetter:"


def problems(most: int) -> list[Item]:
    """Word problems that are worked out."""
    drawn = random.Random(SEED)  # noqa: S311 - the same every time
    items = []
    for number in range(most):
        text, result = PROBLEMS[number % len(PROBLEMS)]
        a, b, c = (drawn.randrange(3, 8 + 4 * (number // 6)) for _ in range(3))
        prompt = text.format(name=drawn.choice(NAMES), a=a, b=b, c=c)
        prompt += f" {STEPS}"
        items.append(
            Item("problem", _asked(f"problem/{number}", prompt, WORKED), _number(str(result(a, b, c))))
        )
    return items


def _asked(name: str, prompt: str, tokens: int) -> Asked:
    wanted = closed(prompt)
    probe: Probe | None = None if wanted is None else wanted.probe
    return Asked(name, prompt, tokens, probe)


def _marked(question: Question) -> Marking:
    return lambda answer, cut: is_right(question, answer, cut=cut)


def _letter(right: str) -> Marking:
    def marked(answer: str, cut: bool) -> bool | None:
        found = _ALONE.search(answer)
        return found[1] == right if found else None if cut else False

    return marked


def _last_letter(exam: Exam) -> Marking:
    """The last that is called the answer; else, of an answer that is whole, the last that stands before a
    mark, or the last option whose words it says."""
    options = [(letter, text.strip(" .").casefold()) for letter, text in _OPTION.findall(exam.prompt)]

    def marked(answer: str, cut: bool) -> bool | None:
        plain = _ORNAMENT.sub(" ", answer)
        if found := _CALLED.findall(plain):
            return bool(found[-1] == exam.gold)
        if cut:
            return None
        if found := _MARKED.findall(plain):
            return bool(found[-1] == exam.gold)
        places = {letter: plain.casefold().rfind(text) for letter, text in options}
        said = max(places, key=lambda letter: places[letter], default="")
        return places.get(said, -1) >= 0 and said == exam.gold

    return marked


def _number(right: str) -> Marking:
    def marked(answer: str, cut: bool) -> bool | None:
        found = re.findall(r"-?\d+", answer.replace(",", ""))[-1:]
        return None if cut else found == [right]

    return marked


_ORNAMENT = re.compile(r"\\boxed|\\text|[*_${}()\[\]`\"]")
_OPTION = re.compile(r"^([A-D])\. *(.+)$", re.MULTILINE)
_ALONE = re.compile(r"(?<![A-Za-z])([A-D])(?![A-Za-z])")
_MARKED = re.compile(r"(?<![A-Za-z])([A-D])(?=[.:])")
_CALLED = re.compile(r"(?i:answer|option|choice)\b(?i: is|:)*[\s:]*([A-D])(?![A-Za-z])")
