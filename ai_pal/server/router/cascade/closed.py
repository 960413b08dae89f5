"""Closed prompts: those whose answer is one of a few, or one word, and the probe that goes with each. Pure.

What is not recognised is open, and has no probe: a wrong yes costs a probe, a wrong no only its number."""

import re
from typing import Literal, NamedTuple

from ai_pal.protocol.doubt import Probe

Kind = Literal["options", "yes_no", "number", "name"]

LEAD = "Answer:"
"""How the hidden answer begins. Few tokens, the same in every language: only a number is taken from it."""
HEAD, TAIL = 4000, 2000
"""Characters that are read of a long prompt."""
LONGEST_QUESTION = 300
"""Characters of a prompt that asks for yes, no or a name; what is longer asks for more."""
YES_NO = ["yes", "no", "ja", "nein", "oui", "non", "sí", "si", "sim", "não"]


class Closed(NamedTuple):
    """What kind of answer is wanted, and how a model is tried for it."""

    kind: Kind
    probe: Probe


def closed(prompt: str) -> Closed | None:
    """What the prompt, a user's last message, wants; None where that is open."""
    text = (prompt if len(prompt) <= HEAD + TAIL else prompt[:HEAD] + "\n" + prompt[-TAIL:]).strip()
    if letters := _options(text):
        return Closed("options", Probe(LEAD, letters))
    question = _PROMPTED.sub("", text)
    sentences = [
        said for one in _SENTENCE.split(question) if (said := one.strip(" ¿¡\t")) and not _HOW.match(said)
    ]
    last = sentences[-1] if sentences else ""
    if _NAMES_TRUE.search(text):
        return Closed("yes_no", Probe(LEAD, ["true", "false"]))
    if _NAMES_YES.search(text):
        return Closed("yes_no", Probe(LEAD, YES_NO))
    if _OPEN.search(last) or _ASKS_SOMEBODY.search(last):
        return None
    if _SUM.fullmatch(last) or _NUMBER.search(last) or _WHEN.match(last):
        return Closed("number", Probe(LEAD))
    if len(question) > LONGEST_QUESTION or question.count("?") > 1:
        return None
    if last.endswith("?") and _YES_NO.match(last) and not _EITHER.search(last):
        return Closed("yes_no", Probe(LEAD, YES_NO))
    return Closed("name", Probe(LEAD)) if _NAME.match(last) else None


def _options(text: str) -> list[str]:
    """The marks of the options that the prompt offers, from the first on; a single one is none."""
    for marks in (_OPTION.findall(text), _INLINE_OPTION.findall(text)):
        run: list[str] = []
        for mark in marks:
            if run and mark == chr(ord(run[0]) + len(run)):
                run.append(mark)
            elif mark in "Aa" and len(run) < 2:
                run = [mark]
        if len(run) > 1:
            return run
    return []


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_PROMPTED = re.compile(r"\n\s*(?:answer|antwort|réponse|respuesta|a)\s*:\s*$", re.IGNORECASE)
_HOW = re.compile(
    r"(?:please |bitte )?(?:answer|reply|respond|give|say|state|just|only|antworte|nur)\b"
    r".{0,40}\b(?:only|just|single|one|number|word|name|letter|nur|zahl|wort|namen?)\b",
    re.IGNORECASE,
)
_OPTION = re.compile(r"^[ \t]*(?:[-*•][ \t]*)?(?:\*\*)?\(?([A-Ja-j])(?:[.):]|\*\*)[ \t]*\S", re.MULTILINE)
_INLINE_OPTION = re.compile(r"(?<!\w)\(?([A-Ja-j])\)\s*[^\s()]")
_SUM = re.compile(
    r"(?:what(?:'s| is)|calculate|compute|evaluate|was ist|combien font|cuánto es)?"
    r"[ (]*[-+]?\d[-+*/x×÷^().,%=\s\d]*[?.=]*",  # noqa: RUF001
    re.IGNORECASE,
)
_NAMES_TRUE = re.compile(r"\btrue\W{1,3}(?:or\W)?\W{0,2}false\b", re.IGNORECASE)
_NAMES_YES = re.compile(
    r"\b(?:yes\W{1,3}(?:or\W)?\W{0,2}no|ja\W{1,3}oder\W{1,3}nein|oui\W{1,3}ou\W{1,3}non|s[ií]\W{1,3}o\W{1,3}no)\b",
    re.IGNORECASE,
)
_YES_NO = _words(
    *("is", "are", "was", "were", "does", "do", "did", "has", "have", "had", "can", "could", "will", "must"),
    *("isn't", "aren't", "wasn't", "doesn't", "don't", "didn't", "can't"),
    *("ist", "sind", "war", "waren", "hat", "haben", "kann", "können", "gibt es", "gab es", "stimmt es"),
    *("est-ce qu\\S*", "existe-t-il", "es", "son", "era", "fue", "tiene", "existe", "puede"),
    *("é", "são", "foi", "tem", "è", "sono"),
)
_EITHER = re.compile(r"\b(?:or|oder|ou|o|oppure)\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"\b(?:how (?:many|much|old|far|tall|high|long|heavy|deep|fast|often|big|large)"
    r"|(?:which|what) (?:year|century|decade|date|percentage|number|age)"
    r"|what (?:is|was) the (?:\w+ ){0,3}?(?:number|sum|value|area|volume|price|cost|distance|total|product"
    r"|average|mean|probability|remainder|population|height|length|age|date|year|speed|temperature"
    r"|boiling point|melting point)"
    r"|wie ?viele?|wie (?:alt|hoch|weit|lang|groß|schwer)|in welchem jahr"
    r"|combien|en quelle année|quel âge|cuánt[oa]s?|en qué año|quant[oiae]s?|in che anno|em que ano)\b",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"(?:when|wann|quand|cuándo|quando)\s+(?:was|were|did|is|wurde|war|ist|hat|est|fut|a|fue|se|é|foi|è|fu)\b",
    re.IGNORECASE,
)
_NAME = _words(
    *("who", "whom", "whose", "where", "which(?! is (?:better|best))", "name (?:the|one|an?)"),
    "what (?:country|city|state|river|planet|element|language|animal|plant|colou?r|company|word|gas|metal)",
    "what (?:is|was) the (?:name|title|capital|currency|symbol|chemical|official|only|first|last|most|main"
    r"|longest|\w+est|national|word|term|opposite|antonym|synonym)",
    *("wer", "wen", "wo", "welche[rsn]?", "nenne (?:den|die|das|eine?n?)", "wie hei(?:ß|ss)t"),
    *("qui", "où", "quel(?:le)?s?", "quién", "dónde", "cuál", "quem", "onde", "qual", "quale", "chi", "dove"),
)
_ASKS_SOMEBODY = re.compile(
    r"\b(?:you|your|i|we|me|my|du|dir|ich|mir|wir|vous|tu|je|nous|usted|tú|yo|você|eu|lei|io|please|bitte)\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:why|explain|describe|discuss|compare|write|step by step|how (?:do|does|can|could|should|would|did)"
    r"|summari[sz]e|in detail|examples|tell me (?:more|about)|translate|code|script|poem|story|essay"
    r"|difference|advantages?|best way|(?:point|purpose|meaning|reason|cause|role)s? (?:of|for)"
    r"|warum|erklär\w*|beschreib\w*|schreib\w*|pourquoi|expli\w+|décri\w+|écri\w+|por qu[eé]|describ\w+"
    r"|escrib\w+|perché|spieg\w+|scriv\w+)\b",
    re.IGNORECASE,
)
