"""Formulas in TeX as MathML, which browsers draw themselves. Pure."""

import re
from html import escape
from xml.etree.ElementTree import tostring

from latex2mathml.converter import convert_to_element

LONGEST = 2_000
"""Characters; a longer formula is shown as it is written."""

_TAGS = (
    "math mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle "
    "msub msubsup msup mtable mtd mtext mtr munder munderover none"
)
TAGS = frozenset(_TAGS.split())

_ATTRIBUTES = (
    "accent accentunder columnalign columnlines depth display displaystyle fence height largeop "
    "linethickness lspace mathvariant maxsize minsize movablelimits rowspacing rspace scriptlevel separator "
    "stretchy symmetric voffset width"
)
ATTRIBUTES = frozenset(_ATTRIBUTES.split())


def formula(tex: str, *, display: bool) -> str:
    """The formula as MathML; as it is written where that cannot be."""
    if len(tex) <= LONGEST and tex.strip():
        try:
            return _written(tex, "block" if display else "inline")
        except Exception:  # noqa: BLE001, S110 - a formula that nobody can read breaks its reader anywhere
            pass
        except RecursionError:
            pass
    return f'<code class="tex">{escape(tex)}</code>'


def _written(tex: str, display: str) -> str:
    """Its elements as text. The reader writes signs as references (`&#x0003C;`) among words that may hold
    any character, and its own writer takes `<` in words for a tag."""
    root = convert_to_element(tex, display=display)
    for element in root.iter():
        element.text = element.text and _REFERENCE.sub(lambda found: chr(int(found[1], 16)), element.text)
    return tostring(root, encoding="unicode")


_REFERENCE = re.compile(r"&#x0?([0-9A-Fa-f]{4,5});")
