"""The facts of nodes on their way: of model files, which may be thousands, only news are told, and another
version of AI-PAL is known as that. Pure."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from ai_pal.protocol.cluster import Node

OLDER = "of an older kind"
"""A version that does not tell itself."""


class FilesTold:
    """Who tells facts, and knows what was told last."""

    def __init__(self) -> None:
        self._told: dict[str, frozenset[str]] = {}

    def shortened(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        """All nodes, as they are to be told now: to `completed` at the other end, each time."""
        before, self._told = self._told, {}
        return tuple(self._shortened(node, before.get(node.name)) for node in nodes)

    def _shortened(self, node: Node, before: frozenset[str] | None) -> Node:
        self._told[node.name] = node.files
        if before is None or (before is not node.files and before != node.files):
            return node
        return replace(node, files=frozenset(), same_files=True)


def completed(node: Node, before: Node | None) -> Node:
    """The node with its files, when it was told `before`."""
    if not node.same_files:
        return node
    return replace(node, files=frozenset() if before is None else before.files, same_files=False)


class FilesUnknownError(Exception):
    """It tells that its files are those of last time, and that was never heard."""


def read(text: str | bytes, before: Node, *, files_known: bool = True) -> Node:
    """The node that was `before`, as it tells of itself now. Raises `msgspec.DecodeError` for what are no
    facts, and `FilesUnknownError`."""
    try:
        node = msgspec.json.decode(text, type=Node)
    except msgspec.ValidationError:
        node = Node(before.name, version=msgspec.json.decode(text, type=_AnyVersion).version)
    if not node.version:
        node = replace(node, version=OLDER)
    if node.same_files and not files_known:
        raise FilesUnknownError
    return replace(completed(node, before), name=before.name)


class _AnyVersion(msgspec.Struct):
    """What every version can read of every other."""

    version: str = ""
