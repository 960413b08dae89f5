"""What is plainly wrong with a whole answer, whatever was asked. Pure: text in, flaws out.

Each looks for what no good answer has: to suspect a good one costs more than to let a broken one pass."""

import json
import re
from typing import get_args

from ai_pal.protocol.doubt import Flaw
from workers.broken_code import blocks, is_broken
from workers.declining import declines
from workers.looping import loops

LONGEST = 1 << 18
"""Characters of an answer that are looked at, its last ones."""


def find_flaws(
    text: str, *, cut: bool = False, repeats: bool = False, wants_json: bool = False, calls: bool = False
) -> list[Flaw]:
    """Those of an answer with this text. `cut`: its limit of tokens was reached; `repeats`: it was stopped
    because it said the same over and over; `calls`: it calls tools, and need not say anything."""
    text = text[-LONGEST:].strip()
    found: dict[Flaw, bool] = {
        "loop": repeats or loops(text),
        "nothing_said": not calls and _says_nothing(text),
        "refusal": declines(text),
        "cut_off": cut or _stops_in_the_middle(text),
        "invalid_json": wants_json and not calls and _is_no_json(text),
        "broken_code": any(is_broken(block) for block in blocks(text)),
    }
    return [flaw for flaw in get_args(Flaw) if found[flaw]]


def _says_nothing(text: str) -> bool:
    """No letter, figure or picture at all; or nothing but an announcement, or a place left open."""
    bare = _FENCE_LINE.sub("", text)
    if not any(one.isalnum() or ord(one) > _SYMBOLS for one in bare):
        return not _ONE_SIGN.fullmatch(text)
    return bool(_ONLY_ANNOUNCES.fullmatch(bare.strip()) or _PLACEHOLDER.fullmatch(bare.strip()))


def _stops_in_the_middle(text: str) -> bool:
    """A block of code that is not closed, or last words behind which something must come."""
    fences = [line.strip() for line in text.splitlines() if line.lstrip().startswith("```")]
    if len(fences) % 2:
        return True
    prose = _CODE_BLOCK.sub("", text).strip()
    if not prose or text.rstrip().endswith("```"):
        return False
    last = prose.splitlines()[-1].strip()
    if len(last.split()) >= _FEWEST_WORDS and _DANGLING.search(last):
        return True
    return _breaks_off(prose, last)


def _breaks_off(prose: str, last: str) -> bool:
    """Prose whose sentences end everywhere but at its end."""
    if not last or last[-1] in _ENDS or not last[-1].isalpha() or _IS_LIST_ITEM.match(last):
        return False
    if len(last.split()) < _FEWEST_WORDS or any(mark in last for mark in _NO_PROSE):
        return False
    if _CONCLUDES.search(last):
        return False
    ends = [line.rstrip()[-1:] for line in prose.splitlines()[:-1] if len(line.split()) >= _FEWEST_WORDS]
    inner = len(re.findall(r"[.!?][\"')\]]?\s+[A-ZÀ-Þ\"'(]", last))
    ended = sum(end in _ENDS for end in ends)
    return (inner >= 1 and ended == len(ends)) or (len(ends) >= 2 and ended == len(ends))


def _is_no_json(text: str) -> bool:
    """It begins as JSON, in a block or by itself, and is none."""
    fenced = [block.text for block in blocks(text) if block.language in ("json", "")]
    body = fenced[0].strip() if fenced else text
    if not body.startswith(("{", "[")):
        return False
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return True
    return False


_SYMBOLS = 0x2190
"""Arrows, signs and pictures begin here: each says something."""
_ONE_SIGN = re.compile(r"[^\s\w]{1,2}(?<![.…])")
_ENDS = ".!?:;…)]}\"'”’»`*_|>。！？」）~"  # noqa: RUF001
_NO_PROSE = ("http", "|", "`", "=", "\\", "  ")
_FEWEST_WORDS = 5
_CONCLUDES = re.compile(
    r"\b(?:answer|result|solution|total|value|equals?|option|is:?) \S+(?: \S+)?$", re.IGNORECASE
)
_IS_LIST_ITEM = re.compile(r"(?:[-*•+>#]|\d+[.)]|[a-zA-Z][.)])\s")
_FENCE_LINE = re.compile(r"^\s*```\w*\s*$", re.MULTILINE)
_CODE_BLOCK = re.compile(r"^[ \t]*```.*?^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)
_ONLY_ANNOUNCES = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok|yes|absolutely|natürlich|gerne|bien sûr|claro)[,.!: ]*)?"
    r"(?:(?:here(?:'s| is| are)|below (?:is|are)|the following|hier (?:ist|sind)|voici|aquí (?:está|tienes))"
    r"\b[^.\n]{0,80})?:"
    r"|(?:the )?(?:answer|solution|result|response|output|code|antwort|réponse|respuesta)(?: is)?\s*:?"
    r"|(?:i hope (?:this|that) helps|let me know if you (?:need|have)[^.\n]{0,60})[.!]*",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"[\[<{(]*\s*(?:insert|your|enter|add|put|answer|response|placeholder|todo|tbd|n/?a|none|null|undefined)"
    r"(?: (?:your|the|a|an|text|answer|response|name|code|content|here|goes))*\s*[\]>})]*[.:]*"
    r"|(?:null|undefined|nan|lorem ipsum.*)",
    re.IGNORECASE | re.DOTALL,
)
_DANGLING = re.compile(
    r"(?:[,(\[{&]|\b(?:"
    r"the|an|and|or|but|of|at|by|for|with|from|into|whose|because|although|while|than|if"
    "|was|were|been|has|have|had|will|would|could|should|must|may|its|their|our|your|my|such|every|very"
    "|der|die|das|ein|eine|einen|und|oder|aber|mit|von|für|weil|dass|wird|werden|dem|den|im"
    "|le|les|un|une|et|ou|mais|avec|pour|que|est|sont|du|des|dans"
    "|el|los|las|una|pero|con|para|porque|del|il|gli|di|che|della|os|uma|não))$"
)
