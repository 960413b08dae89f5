"""The one verdict on schemas: whether answers can be held to one, by llguidance; else the path of what cannot
be expressed, whatever engine is asked."""

import json
from functools import lru_cache
from typing import Any, NoReturn

from ai_pal.errors import Code, fail
from workers.structured.faults import find_fault
from workers.structured.listing import listed
from workers.structured.lowering import lowered
from workers.structured.tightening import tightened

COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""JSON as most programs write it. Where blanks are free, a small model spends its answer on them."""
REMEMBERED = 64
PLAINER = (
    ("Unimplemented keys: ", "this keyword is not implemented"),
    ("oneOf constraints are not supported", "its branches are not seen to exclude each other: try anyOf"),
    ("look-around, ", "patterns that look ahead or behind are not implemented"),
)
"""How complaints begin that would tell a stranger little, and what is said instead."""
LONGEST = 300
"""Characters of a complaint that are told."""


def expressed(schema: dict[str, Any], where: str = "") -> str:
    """What is compiled in place of the schema, as JSON with the compiler's options: it allows nothing that
    the schema does not. `where` leads to it.

    Raises `AiPalError` (`unsupported`) with the path of what cannot be expressed, and `bad_request`."""
    try:
        text = json.dumps(schema, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        fail(Code.BAD_REQUEST, f"{where}the schema is no JSON: {error}")
    found, path, words = _verdict(text)
    if not found:
        refuse(f"{where}{path}", words)
    return found


def refuse(place: str, complaint: str) -> NoReturn:
    """Raises `AiPalError` (`unsupported`)."""
    at = f" at {place}" if place else ""
    complaint = next((plain for begin, plain in PLAINER if complaint.startswith(begin)), complaint)
    fail(
        Code.UNSUPPORTED,
        f"answers cannot be held to this schema{at}: {complaint}",
        "say it in another way, or leave that part out and check the answer yourself",
    )


@lru_cache(maxsize=REMEMBERED)
def _verdict(text: str) -> tuple[str, str, str]:
    """What is compiled; or nothing, a path and a complaint."""
    schema = json.loads(text)
    if fault := find_fault(schema, lambda part: _complaint(lowered(part))):
        return "", *fault
    plain = listed(lowered(schema), lambda part: bool(_complaint(part)))
    tight = tightened(plain)
    compiled = plain if tight is not plain and _complaint(tight) else tight
    return json.dumps({"x-guidance": COMPACT} | compiled), "", ""


def _complaint(schema: Any) -> str:
    """What the compiler says against a schema, "" if nothing."""
    import llguidance

    try:
        grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema))
        wrong, messages = llguidance.LLMatcher.validate_grammar_with_warnings(grammar)
    except ValueError as error:
        return first_line(str(error))
    return first_line("\n".join(messages)) if wrong else ""


def first_line(complaint: str) -> str:
    """Complaints of the compiler go on with excerpts and state."""
    lines = [line for line in complaint.splitlines() if line.strip()]
    if not lines:
        return "it does not compile"
    line = lines[-1] if lines[0].startswith("regex parse error") else lines[0]
    return line.removeprefix("error: ").split(" Enable '")[0].strip()[:LONGEST]
