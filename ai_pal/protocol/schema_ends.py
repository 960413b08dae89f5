"""Where the references of a JSON Schema lead, and whether anything of finite length validates. Pure.

Each schema within it ends if one of each of its groups does: a reference, each of `allOf` and each property
that has to be there is a group of one; the branches of `anyOf` and `oneOf` are one group together.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from ai_pal.protocol.schemas import SCHEMA_KEYWORDS, SCHEMA_LISTS, SCHEMA_MAPS

Node = dict[str, Any]
REFERENCES = ("$ref", "$dynamicRef")


def objection_to_references(schema: Node) -> str:
    """Why nothing can be made of the references within a schema, with the path to one; or nothing."""
    named, needs = _named(schema), _Needs()
    left, seen = [(schema, "#")], {id(schema)}
    while left:
        node, path = left.pop()
        inside, targets = list(_within(node, path)), []
        for keyword in REFERENCES:
            if isinstance(reference := node.get(keyword), str):
                target = _resolved(reference, schema, named)
                if not isinstance(target, dict | bool):
                    return f"{path}/{keyword}: {reference!r} leads nowhere in the schema; nothing is fetched"
                targets.append(target)
                inside += _dicts([(f"{path}/{keyword}", target)])
        needs.add(node, [*([target] for target in targets), *_groups(node)])
        left += [(child, where) for where, child in inside if id(child) not in seen]
        seen |= {id(child) for _, child in inside}
    return "" if needs.ends(schema) else "#: it holds itself without end, so that nothing can validate"


class _Needs:
    """What has to end for something to end. A group has ended when one of it has."""

    def __init__(self) -> None:
        self._groups_left: dict[int, int] = {}
        self._groups_with: dict[int, list[tuple[int, int]]] = {}

    def add(self, node: Node, groups: list[list[Any]]) -> None:
        needed = [group for group in groups if all(isinstance(one, dict) for one in group)]
        self._groups_left[id(node)] = len(needed)
        for number, group in enumerate(needed):
            for one in group:
                self._groups_with.setdefault(id(one), []).append((id(node), number))

    def ends(self, schema: Node) -> bool:
        """Whether this one does, once all have been added."""
        left, ended = self._groups_left, set[tuple[int, int]]()
        ending = [node for node, count in left.items() if count == 0]
        while ending:
            for group in self._groups_with.get(ending.pop(), ()):
                if group not in ended:
                    ended.add(group)
                    left[group[0]] -= 1
                    if left[group[0]] == 0:
                        ending.append(group[0])
        return left[id(schema)] == 0


def _groups(node: Node) -> Iterator[list[Any]]:
    """What a schema needs besides its references."""
    if "const" in node or "enum" in node:
        return
    for one in node.get("allOf") or ():
        yield [one]
    for keyword in ("anyOf", "oneOf"):
        if node.get(keyword):
            yield node[keyword]
    properties, kind = node.get("properties"), node.get("type")
    if isinstance(properties, dict) and kind in (None, "object", ["object"]):
        yield from ([properties[name]] for name in node.get("required") or () if name in properties)
    if kind in ("array", ["array"]) and (least := node.get("minItems") or 0) >= 1:
        first = node.get("prefixItems") or []
        yield from ([one] for one in first[: int(least)])
        if least > len(first) and "items" in node:
            yield [node["items"]]


def _within(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    for keyword, value in node.items():
        at = f"{path}/{keyword}"
        if keyword in SCHEMA_KEYWORDS and isinstance(value, dict):
            yield at, value
        elif isinstance(value, list) and (keyword in SCHEMA_LISTS or keyword == "items"):
            yield from _dicts((f"{at}/{index}", one) for index, one in enumerate(value))
        elif isinstance(value, dict) and keyword in SCHEMA_MAPS:
            yield from _dicts((f"{at}/{name}", one) for name, one in value.items())


def _dicts(found: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Node]]:
    return ((at, one) for at, one in found if isinstance(one, dict))


def _named(schema: Node) -> dict[str, Node]:
    """What can be referred to by a name: `$id` as it is, anchors behind a `#`."""
    named: dict[str, Node] = {}
    left: list[Any] = [schema]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += value.values()
            for keyword, lead in (("$id", ""), ("$anchor", "#"), ("$dynamicAnchor", "#")):
                if isinstance(name := value.get(keyword), str):
                    named.setdefault(lead + name.removesuffix("#"), value)
        elif isinstance(value, list):
            left += value
    return named


def _resolved(reference: str, schema: Node, named: dict[str, Node]) -> Any:
    """What a reference leads to; None where that is nowhere."""
    base, _, fragment = reference.partition("#")
    found: Any = named.get(base) if base else schema
    if found is None or not fragment:
        return found
    if not fragment.startswith("/"):
        return named.get(f"#{fragment}")
    for step in fragment[1:].split("/"):
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found
