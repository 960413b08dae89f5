"""Flaws of whole answers: broken ones are caught, good ones are not suspected. Good ones are made of what the
standard library says of itself."""

import importlib
import inspect
import json
import random
import textwrap
from collections.abc import Callable
from functools import cache

import pytest

from ai_pal.protocol.doubt import Flaw
from workers.flaws import find_flaws

MODULES = (
    "argparse ast base64 bisect calendar cmd configparser contextlib copy csv dataclasses datetime difflib "
    "enum fractions ftplib functools gettext hashlib heapq http.client imaplib inspect ipaddress json "
    "logging logging.handlers mailbox mimetypes optparse pathlib pickle pkgutil plistlib poplib pprint queue "
    "random sched selectors shelve shlex shutil smtplib socketserver ssl statistics string subprocess "
    "tarfile tempfile textwrap threading timeit tokenize trace traceback types unittest.mock urllib.parse "
    "urllib.request uuid warnings weakref xml.dom.minidom xml.etree.ElementTree xmlrpc.client zipfile"
)
SHORT = [
    *(
        "4",
        "Yes.",
        "No",
        "Paris",
        "B. carbon dioxide",
        "-17",
        "3.14",
        "👍",
        "?",
        "∞",
        "42 km",
        "x = 3",
        "東京",
    ),
    *("O(n log n)", "The capital of France is Paris.", "Ja.", "Je ne sais pas, mais probablement oui."),
    *("I cannot recommend this book enough.", "You can't divide by zero.", "He said that he was sorry."),
    *("It depends on what you want it to do", "- one\n- two\n- three", "na na na na, hey hey hey, goodbye"),
    "The first is true. The second is not.\n\nIt follows from the third.\n\nSo the correct answer is B",
    *("Unfortunately the shop closes at five.", "Sorry, that was wrong: 7 * 8 is 56.", "0, 0, 0, 0, 0, 0"),
]
REFUSALS = [
    "I'm sorry, but I can't assist with that.",
    "I cannot provide that information.",
    "As an AI language model, I don't have access to current events.",
    "I apologize, but I am unable to help with this request.",
    "Sorry, I won't write that.",
    "Es tut mir leid, aber dabei kann ich dir nicht helfen.",
    "Leider kann ich diese Frage nicht beantworten.",
    "Je suis désolé, mais je ne peux pas répondre à cette question.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "Desculpe, mas não posso ajudar com isso.",
    "Mi dispiace, ma non posso aiutarti.",
    "Het spijt me, maar ik kan u daar niet mee helpen.",
    "Przepraszam, ale nie mogę w tym pomóc.",
    "Извините, но я не могу помочь с этим.",  # noqa: RUF001
    "抱歉，我无法回答这个问题。",  # noqa: RUF001
    "申し訳ありませんが、その質問にはお答えできません。",
    "죄송하지만 그 요청은 도와드릴 수 없습니다.",
    "Üzgünüm, bu konuda yardımcı olamam.",  # noqa: RUF001
    "عذراً، لا أستطيع المساعدة في ذلك.",
    "Tyvärr kan jag inte hjälpa till med det.",
]
NOTHING = [
    "",
    " \n ",
    "...",
    "```\n```",
    "Sure! Here is the code:",
    "Answer:",
    "[insert answer here]",
    "---",
    "…",
    "N/A",
]
JSON = {"name": "Ada", "born": 1815, "known for": ["notes", "an engine"], "alive": False, "age": None}


@cache
def docs() -> list[str]:
    """Docstrings of classes and functions."""
    found: dict[str, None] = {}
    for module in map(importlib.import_module, MODULES.split()):
        for member in vars(module).values():
            if getattr(member, "__module__", None) == module.__name__:
                text = inspect.getdoc(member) or ""
                if len(text) > 80 and ". . ." not in text:
                    found[text] = None
    return list(found)


@cache
def code() -> list[str]:
    """Functions, each in an answer that shows it."""
    found = []
    for module in map(importlib.import_module, MODULES.split()):
        for member in vars(module).values():
            if inspect.isfunction(member) and member.__module__ == module.__name__:
                source = textwrap.dedent(inspect.getsource(member))
                if 120 < len(source) < 3000 and "```" not in source:
                    found.append(f"This does it:\n\n```python\n{source}```\n\nCall it with what you have.")
    return found


def prose() -> list[str]:
    """Paragraphs of one flow of words."""
    paragraphs = [" ".join(part.split()) for text in docs() for part in text.split("\n\n")]
    plain = [one for one in paragraphs if one.count(". ") >= 2 and one[-1] == "." and one.isascii()]
    return [one for one in plain if not any(mark in one for mark in "`=<>{}[]|*_\\")]


def drawn() -> random.Random:
    return random.Random(3)


def good_answers() -> list[tuple[str, bool]]:
    """A thousand, and whether JSON was asked for."""
    random_ = drawn()
    texts = random_.sample(docs(), 560) + random_.sample(code(), 300)
    objects = [{**JSON, "born": born, "notes": docs()[born][:60]} for born in range(100)]
    as_json = [json.dumps(one, indent=1 + at % 3) for at, one in enumerate(objects)]
    as_json = [f"```json\n{one}\n```" if at % 2 else one for at, one in enumerate(as_json)]
    texts += [*SHORT, *(f"{a} + {a + 9} = {2 * a + 9}" for a in range(40 - len(SHORT)))]
    return [*((text, False) for text in texts), *((text, True) for text in as_json)]


def broken_answers() -> list[tuple[Flaw, str, bool]]:
    """A hundred, with what is wrong and whether JSON was asked for."""
    random_ = drawn()
    said, programs = random_.sample(prose(), 60), random_.sample(code(), 30)
    programs = [one for one in programs if one.split("\n")[3].endswith("):")]
    broken: list[tuple[Flaw, str, bool]] = [("refusal", one, False) for one in REFUSALS]
    broken += [("nothing_said", one, False) for one in NOTHING]
    for text in said[:20]:  # in the middle of a sentence that is not the first
        sentence = text.rindex(". ", 0, -20) + 2
        words = text[sentence:-1].split()
        half = next(at for at in range(max(len(words) // 2, 1), len(words)) if words[at - 1].isalpha())
        broken.append(("cut_off", text[:sentence] + " ".join(words[:half]), False))
    assert len(programs) >= 15
    for text in programs[:5]:
        broken.append(("cut_off", text[: text.rindex("```") - 20], False))
    for at, text in enumerate(said[20:40]):
        sentences = text.split(". ")
        again = sentences[1] + ". " if at % 2 else " ".join(text.split()[3:9]) + " "
        broken.append(("loop", text + " " + again * random_.randrange(8, 20) + again[: at % 7], False))
    for at, text in enumerate(programs[:15]):
        head, block, tail = text.partition("```python\n")[0], *text.split("```")[1:]
        lines = block.removeprefix("python\n").splitlines()
        wrong: Callable[[list[str]], list[str]] = [
            lambda of: [of[0].replace("(", "", 1), *of[1:]],
            lambda of: [of[0].rstrip(":").replace("):", ")"), *of[1:]],
            lambda of: [*of[:-1], of[-1] + ")"],
        ][at % 3]
        broken.append(("broken_code", f"{head}```python\n" + "\n".join(wrong(lines)) + f"\n```{tail}", False))
    whole = json.dumps(JSON, indent=1)
    damaged = [
        whole[:-20],
        whole.replace('"', "'"),
        whole.replace(",", "", 1),
        whole + "}",
        whole.replace("null", "None"),
    ]
    broken += [("invalid_json", one, True) for one in damaged]
    broken += [("invalid_json", f"```json\n{one}\n```", True) for one in damaged]
    return broken


def test_of_a_hundred_broken_answers_at_least_95_are_caught_for_what_they_are() -> None:
    broken = broken_answers()
    assert len(broken) >= 100
    missed = [
        (flaw, text[-80:])
        for flaw, text, wants_json in broken
        if flaw not in find_flaws(text, wants_json=wants_json)
    ]
    assert len(missed) <= 0.05 * len(broken), missed


def test_of_a_thousand_good_answers_at_most_10_are_suspected() -> None:
    good = good_answers()
    assert len(good) == 1000
    found = [(find_flaws(text, wants_json=wants_json), text[-80:]) for text, wants_json in good]
    suspected = [one for one in found if one[0]]
    assert len(suspected) <= 10, suspected


@pytest.mark.parametrize("text", SHORT)
def test_a_short_answer_is_an_answer(text: str) -> None:
    assert find_flaws(text) == []


def test_what_the_worker_knows_counts_too() -> None:
    assert find_flaws("All is well.", cut=True) == ["cut_off"]
    assert find_flaws("All is well.", repeats=True) == ["loop"]
    assert find_flaws("", calls=True) == []


def test_json_is_looked_at_where_it_was_asked_for() -> None:
    assert find_flaws('{"a": 1', wants_json=True) == ["invalid_json"]
    assert find_flaws('{"a": 1', wants_json=False) == []
    assert find_flaws("JSON is a format for data.", wants_json=True) == []


@pytest.mark.parametrize(
    "text", ["(" * 100_000, "[" * 100_000, "a" * 1_000_000, "a b " * 200_000, "\n" * 100_000]
)
def test_no_text_is_too_much(text: str) -> None:
    find_flaws(text, wants_json=True)
    find_flaws(f"```python\n{text}\n```")
