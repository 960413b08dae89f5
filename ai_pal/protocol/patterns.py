"""Whether the brackets of a pattern of ECMA-262 are closed: looked at in one go, for what compiles one takes
seconds for some of a few hundred characters. Pure."""

import re

_PIECES = re.compile(r"\\.|\[(?:\\.|[^\]\\])*+\]|[\[()]", re.DOTALL)
"""What is escaped, whole classes, and brackets that open or close something."""


def open_bracket(pattern: str) -> str:
    """What of it is left open, or closed without having been opened; nothing where all is well."""
    depth = 0
    for found in _PIECES.finditer(pattern):
        match found[0]:
            case "(":
                depth += 1
            case ")" if not depth:
                return "a ) that closes nothing"
            case ")":
                depth -= 1
            case "[":
                return "a [ that is never closed"
    return "a ( that is never closed" if depth else ""
