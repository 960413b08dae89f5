"""Numbers that can be listed, listed: those of an `enum`, and multiples within bounds. Older compilers trip
over a fraction that another schema of the same value rules out, and write no multiple below 0. Pure."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

from workers.structured.keywords import DEFINITIONS, definition, inner_schemas, replaced
from workers.structured.tightening import SAYS_NOTHING

Refuses = Callable[[dict[str, Any]], bool]
MOST_VALUES = 100
"""Of those that are looked at, each by itself: a list of more stays as it is."""
SEVERAL = frozenset({"allOf", "anyOf", "oneOf"})
NUMBERS = frozenset({"integer", "number"})


def listed(schema: dict[str, Any], refuses: Refuses) -> dict[str, Any]:
    """The same schema; `refuses` says that nothing validates against one."""
    return _Listing(schema, refuses).of(schema, ())


class _Listing:
    def __init__(self, whole: dict[str, Any], refuses: Refuses) -> None:
        self._whole, self._refuses = whole, refuses
        self._definitions = {key: whole[key] for key in DEFINITIONS if key in whole}

    def of(self, node: dict[str, Any], beside: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """`beside` are other schemas of the same value."""
        values = next(filter(None, map(_values, self._together(node))), None)
        others = [one for schema in (node, *beside) for one in self._together(schema) if one is not node]
        below = any("multipleOf" in one for one in (node, *others))
        if values and (beside or _says_more(node)) and any(_trips(one, below) for one in values):
            said = {key: value for key, value in node.items() if key in SAYS_NOTHING - {"type"}}
            return said | {"enum": [one for one in values if self._is_possible(one, [node, *beside])]}
        for name, inner in inner_schemas(node):
            if name.partition("/")[0] in SEVERAL:
                also = [node, *beside]
            else:
                also = [same for one in others for place, same in inner_schemas(one) if place == name]
            node = replaced(node, name, self.of(inner, also))
        return node

    def _is_possible(self, value: Any, schemas: Sequence[dict[str, Any]]) -> bool:
        return not self._refuses({**self._definitions, "allOf": [{"const": value}, *schemas]})

    def _together(self, node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The schemas that all apply to the value of this one."""
        left, seen = [node], set[str]()
        while left:
            one = left.pop()
            yield one
            left += [inner for inner in one.get("allOf", ()) if isinstance(inner, dict)]
            reference = one.get("$ref")
            if isinstance(reference, str) and reference not in seen:
                seen.add(reference)
                left += filter(None, [definition(self._whole, reference)])


def _values(node: dict[str, Any]) -> list[Any] | None:
    """All that the value can be, by what this schema says."""
    values = node.get("enum", [node["const"]] if "const" in node else _multiples(node))
    return values if isinstance(values, list) and len(values) <= MOST_VALUES else None


def _multiples(node: dict[str, Any]) -> list[Any] | None:
    if "multipleOf" not in node or not NUMBERS.issuperset(_kinds(node)):
        return None
    step = Fraction(str(node["multipleOf"]))
    least, most = (node.get(key, node.get(f"exclusive{key.title()}")) for key in ("minimum", "maximum"))
    if least is None or most is None or most - least > MOST_VALUES * step:
        return None
    numbers = range(ceil(Fraction(str(least)) / step), floor(Fraction(str(most)) / step) + 1)
    return [_plain(number * step) for number in numbers]


def _plain(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)


def _says_more(node: dict[str, Any]) -> bool:
    """Than its list, and that its values are numbers."""
    return not node.keys() <= SAYS_NOTHING | {"enum", "const"} or "integer" in _kinds(node)


def _kinds(node: dict[str, Any]) -> list[Any]:
    kinds = node.get("type")
    return kinds if isinstance(kinds, list) else [kinds]


def _trips(value: Any, below: bool) -> bool:
    """Whether there is a number in it that older compilers trip over, also for being `below` 0."""
    if isinstance(value, dict | list):
        return any(_trips(one, below) for one in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, int | float) and (value != int(value) or (below and value < 0))
