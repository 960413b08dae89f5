"""The questions by which it is measured whether a model's doubts tell what it does not know. Pure but for the
file of facts; the same every time."""

import random
import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

Set = Literal["choice", "fact", "sum"]
"""Options to choose from; a fact in a word or two; something to calculate."""

SEED = 17
OPTIONS = 4
SUMS = 40
LETTERS = "ABCD"
CHOICE = (
    "The following is a question with four options, of which exactly one is right. Reply with its letter "
    "alone, without any explanation."
)
MOST_TOKENS = 24
"""That an answer may have."""


class Question(NamedTuple):
    """What is asked, and the right answer: a letter, a text or a number."""

    id: str
    set: Set
    prompt: str
    right: str


@cache
def questions() -> list[Question]:
    """All of them, sets in turn, so that the first ones are of every kind."""
    drawn = random.Random(SEED)  # noqa: S311 - the same every time
    tables = tomllib.loads(files(__package__).joinpath("facts.toml").read_text("utf-8"))
    choices, facts = [], []
    for name, table in tables.items():
        answers = list(dict.fromkeys(table["facts"].values()))
        for key, answer in table["facts"].items():
            fact = key.replace("_s_", "'s ").replace("_", " ")
            offered = [answer, *drawn.sample([one for one in answers if one != answer], OPTIONS - 1)]
            drawn.shuffle(offered)
            lines = "\n".join(f"{letter}. {one}" for letter, one in zip(LETTERS, offered, strict=True))
            prompt = f"{CHOICE}\n\n{table['choice'].format(fact)}\n{lines}\nLetter:"
            letter = LETTERS[offered.index(answer)]
            choices.append(Question(f"choice/{name}/{key}", "choice", prompt, letter))
            facts.append(Question(f"fact/{name}/{key}", "fact", table["open"].format(fact), answer))
    sums = [_sum(number, drawn) for number in range(SUMS)]
    for some in (choices, facts, sums):
        drawn.shuffle(some)
    rounds = max(map(len, (choices, facts, sums)))
    return [some[at] for at in range(rounds) for some in (choices, facts, sums) if at < len(some)]


def _sum(number: int, drawn: random.Random) -> Question:
    """Harder with its number."""
    digits = 1 + number // 10
    one, other = (drawn.randrange(10 ** (digits - 1) + 1, 10**digits) for _ in range(2))
    sign = "+-*"[number % 3]
    if sign == "-":
        one, other = max(one, other), min(one, other)
    if sign == "*":
        other = drawn.randrange(2, 10 ** max(1, digits - 1))
    result = {"+": one + other, "-": one - other, "*": one * other}[sign]
    prompt = f"What is {one} {sign} {other}? Answer with the number only."
    return Question(f"sum/{number}", "sum", prompt, str(result))


def is_right(question: Question, answer: str, *, cut: bool = False) -> bool | None:
    """Whether the answer says it: its first letter, its last number, or the name with any accents. None: it
    was `cut` off before it said anything that is right or wrong."""
    if question.set == "choice" and (found := re.search(r"(?<![A-Za-z])([A-D])(?![A-Za-z])", answer)):
        return found[1] == question.right
    return _says(question, answer) or (None if cut else False)


def _says(question: Question, answer: str) -> bool:
    match question.set:
        case "choice":
            return False
        case "sum":
            numbers = re.findall(r"-?\d+", answer.replace(",", "").replace(" ", ""))
            return bool(numbers) and numbers[-1] == question.right
        case "fact" if question.right.isdigit():
            numbers = re.findall(r"\d+", answer)
            return bool(numbers) and numbers[-1] == question.right
        case _:
            said, right = _plain(answer), _plain(question.right)
            return right in said or (len(right.split()) > 1 and right.split()[-1] in said.split())


def _plain(text: str) -> str:
    """Letters and figures in lower case, without accents."""
    apart = unicodedata.normalize("NFKD", text.replace("ł", "l"))
    return " ".join(
        re.findall(r"\w+", "".join(one for one in apart if not unicodedata.combining(one)).casefold())
    )
