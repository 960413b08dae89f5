"""What an error body says, whoever wrote it: its names for the error, its number, its words. Pure."""

import html
import json
import re
from collections.abc import Iterator

import msgspec

WORDS = 200
"""Characters of a provider's own words that are kept."""

MOST = 4096
"""Characters that are looked at."""

DEPTH, BREADTH = 6, 8
"""How far into a body is looked: real ones have three levels."""

_INSIDE = (
    "error",
    "errors",
    "detail",
    "details",
    "metadata",
    "raw",
    "innererror",
    "fault",
    "baseresp",
    "response",
)
_MESSAGES = (
    *("message", "msg", "error", "detail", "errordescription", "description", "errormessage", "errormsg"),
    *("errmsg", "statusmsg", "faultstring", "title", "info", "raw"),
)
_KINDS = ("code", "type", "status", "reason", "errorcode")
_NUMBERS = ("code", "status", "statuscode", "httpstatus")
"""Without capitals and underscores, as all names are looked for: `errorCode`, `status_code`, `Message`."""

_EMPTY = ("provider returned error", "an error occurred", "error")
"""Words of gateways in front of those that matter."""

_PAGE = re.compile(r"\s*(<!doctype html|<html|<head|<\?xml)", re.IGNORECASE)
_TITLE = re.compile(r"<(title|h1)[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL)
_KEYISH = re.compile(
    r"(?i:bearer )\S+|[\w-]*\*{2,}[\w-]*|\b(?:sk|pk|rk|gsk|xai|hf|AIza)[-_]?[A-Za-z0-9_-]{12,}", re.ASCII
)
"""What looks like a key or the visible rest of one."""


class Said(msgspec.Struct, frozen=True):
    """An error body, read. `kinds` are its names for the error in lower case, outer ones first; `number` is
    the HTTP status that it holds; `param` the parameter that it is about. `words` are its own, whole."""

    kinds: tuple[str, ...] = ()
    number: int | None = None
    param: str = ""
    words: str = ""
    page: bool = False


def read(body: object) -> Said:
    """What a body says: JSON as an object, a list or still a text, a web page, plain words."""
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str):
        known = parsed(body)
        if not isinstance(known, dict | list):
            return _plain(body)
        body = known
    objects = list(_objects(body, DEPTH))
    return Said(
        kinds=tuple(dict.fromkeys(kind for one in objects for kind in _kinds(one))),
        number=next((number for one in objects for number in _numbers(one)), None),
        param=next((param for one in objects for param in _params(one)), ""),
        words=_joined(text for one in objects for text in _texts(one)),
    )


def words(body: object) -> str:
    """A provider's own words about an error, on one line; "" where it sent no such thing."""
    return one_line(read(body).words)


def one_line(text: str) -> str:
    """The beginning of a provider's text, without what looks like a key."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * WORDS]).split())
    line = _KEYISH.sub("[key]", line)
    return line if len(line) <= WORDS else line[: WORDS - 1] + "\u2026"


def quoted(body: object) -> str:
    """Its words, or where it has none under any name that is known, the beginning of it as it is."""
    told = words(body)
    if told or not body:
        return told
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str):
        return "" if read(body).page else one_line(body)
    try:
        return one_line(json.dumps(body, ensure_ascii=False))
    except (ValueError, TypeError, RecursionError):
        return ""


def parsed(body: bytes | str) -> object:
    """The JSON of an error body, or None."""
    try:
        return json.loads(body, strict=False)
    except (ValueError, RecursionError):
        return None


def _plain(text: str) -> Said:
    if _PAGE.match(text) is None:
        return Said(words=text[:MOST])
    found = _TITLE.search(text[:65536])
    title = re.sub(r"<[^>]*>", " ", html.unescape(found[2])) if found is not None else ""
    return Said(words=title[:MOST], page=True)


def _objects(value: object, depth: int) -> Iterator[dict[str, object]]:
    """The objects of a body that speak of the error, outer ones first. What the request held is none."""
    if depth == 0:
        return
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = parsed(value)
    if isinstance(value, list):
        for item in value[:BREADTH]:
            yield from _objects({"message": item} if isinstance(item, str) else item, depth - 1)
    if isinstance(value, dict):
        value = {name.lower().replace("_", ""): held for name, held in value.items()}
        yield value
        for name in (*_INSIDE, "message"):
            yield from _objects(value.get(name), depth - 1)


def _kinds(one: dict[str, object]) -> Iterator[str]:
    for name in _KINDS:
        kind = one.get(name)
        if isinstance(kind, str) and kind and not kind.isdecimal():
            yield kind.lower()


def _numbers(one: dict[str, object]) -> Iterator[int]:
    for name in _NUMBERS:
        value = one.get(name)
        if isinstance(value, str) and re.fullmatch(r"[45]\d\d", value, re.ASCII):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599:
            yield value


def _params(one: dict[str, object]) -> Iterator[str]:
    """The parameter that it is about; frameworks say where it lies."""
    place = one.get("loc")
    for value in (one.get("param"), place[-1] if isinstance(place, list) and place else None):
        if isinstance(value, str):
            yield value


def _texts(one: dict[str, object]) -> Iterator[str]:
    """The words of one object: the first field that has any."""
    for name in _MESSAGES:
        text = one.get(name)
        if isinstance(text, str) and text.strip():
            if not isinstance(parsed(text), dict | list):
                yield text
            return


def _joined(texts: Iterator[str]) -> str:
    """The words of a body, without those that say nothing where others do, and none twice."""
    found = list(dict.fromkeys(text.strip() for text in texts))
    telling = [text for text in found if text.lower().rstrip(".") not in _EMPTY]
    whole: list[str] = []
    for text in telling or found[:1]:
        if not any(text in other for other in whole):
            whole.append(text)
    return ": ".join(whole[:3])[:MOST]
