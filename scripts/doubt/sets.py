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
SHORT, WORKED = 24, 240
"""Tokens of an answer."""
DIRECT = "Answer with the letter only."
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
    right: Callable[[str], bool]
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
        Item("explained", _asked(one.id, one.prompt, WORKED), _last_letter(one.gold), one.strong)
        for one in lines[most : most + worked]
    ]
    return [direct, explained]


def _direct(prompt: str) -> str:
    return f"{prompt.removesuffix('Answer:').rstrip()}\n{DIRECT}"


def problems(most: int) -> list[Item]:
    """Word problems that are worked out."""
    drawn = random.Random(SEED)  # noqa: S311 - the same every time
    items = []
    for number in range(most):
        text, result = PROBLEMS[number % len(PROBLEMS)]
        a, b, c = (drawn.randrange(3, 8 + 4 * (number // 6)) for _ in range(3))
        prompt = text.format(name=drawn.choice(NAMES), a=a, b=b, c=c)
        prompt += " Work it out step by step, and end with the number."
        items.append(
            Item("problem", _asked(f"problem/{number}", prompt, WORKED), _number(str(result(a, b, c))))
        )
    return items


def _asked(name: str, prompt: str, tokens: int) -> Asked:
    wanted = closed(prompt)
    probe: Probe | None = None if wanted is None else wanted.probe
    return Asked(name, prompt, tokens, probe)


def _marked(question: Question) -> Callable[[str], bool]:
    return lambda answer: is_right(question, answer)


def _letter(right: str) -> Callable[[str], bool]:
    return lambda answer: (found := _ALONE.search(answer)) is not None and (found[1] == right)


def _last_letter(right: str) -> Callable[[str], bool]:
    """The last that is called the answer, else the last that stands before a mark, or at all."""

    def is_right(answer: str) -> bool:
        for pattern in (_CALLED, _MARKED, _ALONE):
            if found := pattern.findall(answer):
                return bool(found[-1] == right)
        return False

    return is_right


def _number(right: str) -> Callable[[str], bool]:
    return lambda answer: re.findall(r"-?\d+", answer.replace(",", ""))[-1:] == [right]


_ALONE = re.compile(r"(?<![A-Za-z])([A-D])(?![A-Za-z])")
_MARKED = re.compile(r"(?<![A-Za-z])([A-D])(?=[.):*])")
_CALLED = re.compile(r"(?:answer|option|choice)\b(?: is|:)*[\s*:(]*([A-D])(?![A-Za-z])", re.IGNORECASE)
