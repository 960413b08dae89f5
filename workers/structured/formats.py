"""Formats of texts, as patterns where not every version of the compiler knows them, or where it allows what
programs cannot read. Each pattern allows nothing that its format does not. Pure."""

from typing import Any

YEAR = "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
DATE = (
    f"{YEAR}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    "|02-(0[1-9]|1[0-9]|2[0-8]))"
)
CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?"
TIME = f"{CLOCK}(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
ANYTHING = ""
BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = f"{BYTE}([.]{BYTE}){{3}}"
SEGMENT = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*"
LABEL = "[A-Za-z0-9]+(-[A-Za-z0-9]+)*"
HOST = f"({LABEL}[.])*[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*"
SPAN = "([0-9]{1,4}H([0-9]{1,2}M([0-9]{1,2}S)?)?|[0-9]{1,4}M([0-9]{1,2}S)?|[0-9]{1,5}S)"
URI = f"https?://{HOST}(:[1-9][0-9]{{0,3}})?(/{SEGMENT})*([?]{SEGMENT})?(#{SEGMENT})?"


def _uuid(version: str) -> str:
    return f"[0-9a-f]{{8}}-[0-9a-f]{{4}}-{version}[0-9a-f]{{3}}-[89ab][0-9a-f]{{3}}-[0-9a-f]{{12}}"


PATTERNS: dict[str, str] = {
    "date": DATE,  # the compiler has a 29th of February in every year, and a year 0
    "time": TIME,  # and a 60th second
    "date-time": f"{DATE}T{TIME}",
    "partial-time": CLOCK,
    "duration": f"P([0-9]{{1,5}}D(T{SPAN})?|T{SPAN}|[0-9]{{1,4}}W)",  # months and years are not so long
    "uri": URI,  # of those, what has to do with the web: most programs that want one want that
    "decimal": "-?(0|[1-9][0-9]{0,14})([.][0-9]{1,15})?",
    "ipvanyaddress": IPV4,
    **{f"uuid{version}": _uuid(version) for version in "1345678"},
    "byte": BASE64,
    "base64": BASE64,
    "base64url": BASE64.replace("+/", "_-"),
    **dict.fromkeys(("path", "file-path", "directory-path", "password", "binary"), ANYTHING),
}
EQUAL = {r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$": r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)$"}
"""A pattern that looks ahead, which no grammar does, and one of the same texts: pydantic's of a decimal."""


def without_formats(node: dict[str, Any]) -> dict[str, Any]:
    """The schema with patterns for such formats."""
    if isinstance(pattern := node.get("pattern"), str) and pattern in EQUAL:
        node = node | {"pattern": EQUAL[pattern]}
    name = node.get("format", node.get("contentEncoding"))
    if not isinstance(name, str) or name not in PATTERNS:
        return node
    plain = {key: value for key, value in node.items() if key not in ("format", "contentEncoding")}
    if not (pattern := PATTERNS[name]):
        return plain
    pattern = f"^({pattern})$"
    if "pattern" in plain:
        return plain | {"allOf": [*plain.get("allOf", ()), {"pattern": pattern}]}
    return plain | {"pattern": pattern}
