"""What models do not take: known of their families, or learned from a refusal. Pure."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from ai_pal.egress.providers.failures.error_body import Said
from ai_pal.egress.providers.requests.thinking import Thinking
from ai_pal.protocol.families import bare, claude_version
from ai_pal.protocol.provider import Api

OLD_LIMIT, NEW_LIMIT = "max_tokens", "max_completion_tokens"
"""OpenAI's two names for one thing."""

NEUTRAL = {"temperature": 1, "top_p": 1, "p": 1, "frequency_penalty": 0, "presence_penalty": 0}
"""What is the default anyway where it cannot be chosen: leaving it out changes nothing."""

SAMPLING = ("temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias")
NAMES = {
    "stop_sequences": "stop",
    "p": "top_p",
    "k": "top_k",
    NEW_LIMIT: OLD_LIMIT,
    "reasoning_effort": "thinking",
    "chat_template_kwargs": "thinking",
    "repetition_penalty": "repeat_penalty",
}
"""APIs' names for what users know under others."""

MAY_BE_LEFT_OUT = frozenset(
    {*SAMPLING, "k", "min_p", "p", "repeat_penalty", "repetition_penalty", "seed", "stop", "stop_sequences"}
    | {"stream_options", "top_k", "typical_p"}
    | {"reasoning_effort", "chat_template_kwargs", "thinking", "parallel_tool_calls"}
)
"""What an answer is still one without. Others, such as its format, are refused where they are not taken."""

LONGEST = 400
"""Characters of a refusal that is learned from. Longer ones quote the request, and then name everything."""

SHAPES = ("spoken", "joined", "system_as_user", "unthought")
"""What can be done to turns when a server asks for it, see `turns`."""


class Rules(msgspec.Struct, frozen=True):
    """What one model does not take. `refused` are parameters, `one_of` those of which only the first may be
    there, `ranges` their smallest and largest values, `limit` is the name of the answer's limit, `shapes`
    what has to be done to the turns. `blank_stops`: a text to stop at may consist of blanks. `room` are the
    tokens that the window leaves for the answer to this prompt; 0: nobody has said."""

    refused: frozenset[str] = frozenset()
    blank_stops: bool = True
    one_of: tuple[tuple[str, ...], ...] = ()
    ranges: tuple[tuple[str, float, float], ...] = ()
    limit: str = OLD_LIMIT
    shapes: frozenset[str] = frozenset()
    room: int = 0


class Fitted(msgspec.Struct, frozen=True):
    """Parameters as a model takes them, and what had to be done for that, for people."""

    given: dict[str, Any]
    told: tuple[str, ...] = ()


def fitted(
    wanted: Mapping[str, Any],
    rules: Rules,
    extra: Mapping[str, Any],
    known_extra: AbstractSet[str],
    thinking: Thinking | None = None,
) -> Fitted:
    """The parameters by these rules. None, and what is empty, means that one is not wanted. Of `extra` only
    what is known is passed on."""
    thinking = thinking or Thinking()
    given = {name: value for name, value in wanted.items() if value not in (None, {})} | thinking.given
    given |= {name: value for name, value in extra.items() if name in known_extra}
    told = [
        *thinking.told,
        *(
            f"{_shown(name, value)} is left out, it is not known there"
            for name, value in extra.items()
            if name not in known_extra
        ),
    ]
    told += _left_out(given, thinking.drops, "it is not taken beside thinking")
    for name in ("stop", "stop_sequences"):
        told += _stops_fitted(given, name, rules)
    for old in (OLD_LIMIT, NEW_LIMIT):
        if old in given:
            given[rules.limit] = given.pop(old)
    told += _left_out(given, rules.refused, "it is not taken")
    for names in rules.one_of:
        first, *others = [name for name in names if name in given] or [""]
        for name in others:
            told.append(f"{_shown(name, given.pop(name))} is left out, it is not taken beside {first}")
    room = [(rules.limit, 0.0, float(rules.room))] if rules.room else []
    for name, least, most in (*rules.ranges, *room):
        if name in given and not least <= given[name] <= most:
            way = (
                f"raised to {least:g}, the least" if given[name] < least else f"lowered to {most:g}, the most"
            )
            told.append(f"{_shown(name, given[name])} is {way} that is taken")
            given[name] = type(given[name])(min(max(given[name], least), most))
    return Fitted(given, tuple(told))


def _left_out(given: dict[str, Any], names: AbstractSet[str], why: str) -> list[str]:
    """Take these parameters away; what to tell of those that were more than a default."""
    away = {name: given.pop(name) for name in sorted(names & given.keys())}
    return [
        f"{_shown(name, value)} is left out, {why}"
        for name, value in away.items()
        if NEUTRAL.get(name) != value and name != "stream_options"
    ]


def _stops_fitted(given: dict[str, Any], name: str, rules: Rules) -> list[str]:
    """Texts to stop at: an empty one says nothing, one of blanks is not taken everywhere."""
    wanted = [text for text in given.pop(name, ()) if text]
    taken = [text for text in wanted if rules.blank_stops or text.strip()]
    if taken:
        given[name] = taken
    blanks = sorted(set(wanted) - set(taken))
    return [f"stop {text!r} is left out, blanks are not taken" for text in blanks]


_OPENAI = (("temperature", 0.0, 2.0), ("presence_penalty", -2.0, 2.0), ("frequency_penalty", -2.0, 2.0))
_COHERE = (
    *(("temperature", 0.0, 1.0), ("k", 0.0, 500.0)),
    *(("presence_penalty", 0.0, 1.0), ("frequency_penalty", 0.0, 1.0)),
)
"""As their references have them: what lies beyond is a wish that they take the nearest of."""


def known(api: Api, model: str, *, own: bool) -> Rules:
    """What is known of a model by the name of its family. `own`: it is asked at the maker's own address."""
    name = bare(model)
    if api == "openai":
        return _openai(name, own=own)
    if api == "anthropic":
        return _anthropic(name)
    return Rules(ranges=_COHERE) if api == "cohere" else Rules()


def learned(rules: Rules, status: int, said: Said, given: Mapping[str, Any]) -> Rules | None:
    """The rules with what a refusal teaches; None where it teaches nothing that could be done better."""
    if status not in (400, 422) or len(said.words) > LONGEST:
        return None
    more = _taught(rules, said.words, said.param, given)
    return more if more != rules else None


# -- families ------------------------------------------------------------------------------------

_O_SERIES = re.compile(r"o\d+(-.*)?", re.ASCII)
_GPT = re.compile(r"gpt-(\d+)(\.\d+)?(-.*)?", re.ASCII)


def _openai(name: str, *, own: bool) -> Rules:
    """https://platform.openai.com/docs/guides/reasoning: the o-series and the first GPT-5 sample in their own
    way; later ones take a temperature as long as they do not reason, which their refusal tells."""
    gpt = _GPT.fullmatch(name)
    recent = gpt is not None and int(gpt[1]) >= 5
    chat = gpt is not None and "chat" in (gpt[3] or "")
    first = recent and gpt is not None and gpt[1] == "5" and not gpt[2] and not chat
    reasons = first or _O_SERIES.fullmatch(name) is not None
    limit = NEW_LIMIT if own or reasons or recent else OLD_LIMIT
    stop = {"stop"} if first or re.match(r"o[34]", name) else set()
    refused = frozenset({*SAMPLING, *stop}) if reasons else frozenset[str]()
    return Rules(refused=refused, limit=limit, ranges=_OPENAI if own or "gpt-" in name else ())


def _anthropic(name: str) -> Rules:
    """Claude from 4.7 on samples in its own way; from 4.1 on it takes temperature or top_p, not both."""
    highest = (("temperature", 0.0, 1.0),)
    version = claude_version(name)
    if version >= (4, 7):
        refused = frozenset({"seed", "temperature", "top_p", "top_k"})
        return Rules(refused=refused, ranges=highest, blank_stops=False)
    both = (("temperature", "top_p"),) if version >= (4, 1) else ()
    return Rules(refused=frozenset({"seed"}), one_of=both, ranges=highest, blank_stops=False)


# -- refusals ------------------------------------------------------------------------------------

_REFUSED = re.compile(
    r"unsupported|(not|n't) support|not permitted|deprecated for this model|unrecogni[sz]ed|unknown"
    r"|unexpected|not allowed|only the default|not available (for|with)",
    re.IGNORECASE,
)
_BOTH = re.compile(r"\bboth\b|only one of", re.IGNORECASE)
_MOST = re.compile(
    r"(?:> |at most |less than or equal to |\[\d+, ?|<= ?|maximum (?:of|is|value:?) )(\d+)", re.IGNORECASE
)
_SUM = re.compile(r"(?P<prompt>\d+) \+ \d+ > (?P<window>\d+)", re.ASCII)
_WINDOW = re.compile(r"(?:context (?:length|window|limit)\D{0,30}|must be <= )(\d+)", re.IGNORECASE)
_PROMPT = re.compile(
    r"(\d+)(?: tokens?)?(?: in the (?:messages|prompt|input)| of text input| input tokens| `inputs`)",
    re.IGNORECASE,
)
"""Servers tell the window and the tokens of the prompt where these and the answer are too many together."""
_BLANK = re.compile(
    r"non-?(empty|whitespace)|(must|can) ?not be (empty|blank)|white ?space|empty (content|message)",
    re.IGNORECASE,
)
_ASKED_SHAPES = {
    "joined": r"roles? must alternate|must alternate between|alternat\w+ roles",
    "system_as_user": r"system (role|message|prompt)s? (is |are )?not supported|not support ['\"`]?system\b",
    "unthought": r"reasoning_content|signature\b.{0,40}\bthinking|thinking\b.{0,60}\bsignature",
    "spoken": r"non-?(empty|whitespace)|must not be (empty|blank)|empty (content|message)",
}


def _taught(rules: Rules, words: str, param: str, given: Mapping[str, Any]) -> Rules:
    named = _named(words, param, given)
    if {"stop", "stop_sequences"} & set(named) and rules.blank_stops and _BLANK.search(words):
        return msgspec.structs.replace(rules, blank_stops=False)
    for shape, pattern in _ASKED_SHAPES.items():
        if re.search(pattern, words, re.IGNORECASE):
            return msgspec.structs.replace(rules, shapes=rules.shapes | {shape})
    if (room := _room(words)) and room < given.get(rules.limit, 0):
        return msgspec.structs.replace(rules, room=room)
    if rules.limit in named:
        return _limit_taught(rules, words, given)
    if len(named) > 1 and _BOTH.search(words):
        return msgspec.structs.replace(rules, one_of=(*rules.one_of, tuple(named)))
    if named and named[0] in MAY_BE_LEFT_OUT and _REFUSED.search(words):
        return msgspec.structs.replace(rules, refused=rules.refused | {named[0]})
    return rules


def _room(words: str) -> int:
    """Tokens that an answer may have beside this prompt; 0 where a refusal does not tell."""
    if found := _SUM.search(words):
        return max(0, int(found["window"]) - int(found["prompt"]))
    window, prompt = _WINDOW.search(words), _PROMPT.search(words)
    return max(0, int(window[1]) - int(prompt[1])) if window is not None and prompt is not None else 0


def _limit_taught(rules: Rules, words: str, given: Mapping[str, Any]) -> Rules:
    """The answer's limit under its other name, or as high as the model can say."""
    other = NEW_LIMIT if rules.limit == OLD_LIMIT else OLD_LIMIT
    found = _MOST.search(words)
    if found is not None and int(found[1]) < given[rules.limit]:
        others = tuple(one for one in rules.ranges if one[0] != rules.limit)
        return msgspec.structs.replace(rules, ranges=(*others, (rules.limit, 0.0, float(found[1]))))
    if _REFUSED.search(words) and other not in rules.refused:
        refused = rules.refused | {rules.limit}
        return msgspec.structs.replace(rules, limit=other, refused=refused)
    return rules


def _named(words: str, param: str, given: Mapping[str, Any]) -> list[str]:
    """The parameters of the request that a refusal is about, in the order of the request."""
    if param in given:
        return [param]
    text = {word.lower().replace("_", "") for word in re.findall(r"\w+", words, re.ASCII)}
    text |= {"maxtokens"} if re.search(r"\bmax tokens\b", words, re.IGNORECASE) else set()
    return [name for name in given if name.lower().replace("_", "") in text]


def _shown(name: str, value: Any) -> str:
    shown = "" if isinstance(value, dict | list) else f" {value}"
    return f"{NAMES.get(name, name)}{shown}"
