"""What workers that have ended gave back on nodes which have not told it yet. Pure: `now` is in seconds."""

from collections.abc import Iterable

SECONDS = 2.0
"""After the end of a worker: facts of a node may be a second old, and are passed on every half second."""


class GivenBack:
    def __init__(self) -> None:
        self._on: dict[str, tuple[float, int]] = {}
        """By node, until when it may not be told, and how many bytes that is."""
        self._cards_until = 0.0

    def ended(self, nodes: Iterable[str], size: int, now: float, *, cards: bool = False) -> None:
        """A worker on these nodes, which was promised so much on each, and perhaps something of cards."""
        if cards:
            self._cards_until = now + SECONDS
        self._on = {node: told for node, told in self._on.items() if told[0] > now}
        self._on |= {node: (now + SECONDS, self.on(node, now) + size) for node in nodes}

    def on(self, node: str, now: float) -> int:
        """Bytes that are free there and may not be told."""
        until, size = self._on.get(node, (0.0, 0))
        return size if now < until else 0

    def cards(self, now: float) -> bool:
        """Whether a card of any node may be free and is not told so."""
        return now < self._cards_until

    def anywhere(self, now: float) -> dict[str, int]:
        """The same of all nodes that have any."""
        return {node: size for node in self._on if (size := self.on(node, now))}
