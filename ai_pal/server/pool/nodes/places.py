"""All nodes as they are to a load that they have no objection to, those with the most room first: kept in
this order from one load to the next, and only what has changed is counted anew."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

from ai_pal import memory
from ai_pal.memory.card_search import CardRoom
from ai_pal.memory.spread import Place
from ai_pal.protocol.cluster import Node
from ai_pal.server.pool.admission.admission import MemoryPolicy
from ai_pal.server.pool.nodes.cards import room_on_cards
from ai_pal.server.pool.nodes.occupancy import Occupancy


class Places:
    """`engines` are those that compute on cards of any of them."""

    def __init__(self, occupancy: Occupancy, policy: MemoryPolicy) -> None:
        self._occupancy, self._policy = occupancy, policy
        self._told: Sequence[Node] = ()
        self._known: dict[str, tuple[Node, Place]] = {}
        self._order: list[tuple[int, str]] = []
        self._leaving: set[str] = set()
        self._cards: dict[str, CardRoom] = {}
        self.engines: frozenset[str] = frozenset()

    def look(self, nodes: Sequence[Node]) -> "Places":
        """The same, as these nodes are now."""
        changed = self._occupancy.take_changed()
        if nodes is not self._told:
            self._told, self._leaving, self._cards = nodes, set(), {}
            self._known = {node.name: (node, self._place(node)) for node in nodes}
            self._order = sorted((-place.room, name) for name, (_, place) in self._known.items())
            self.engines = frozenset().union(*(node.computing for node in nodes))
            return self
        for name in changed & self._known.keys():
            self._cards.pop(name, None)
            node, before = self._known[name]
            del self._order[bisect_left(self._order, (-before.room, name))]
            place = self._place(node)
            self._known[name] = node, place
            insort(self._order, (-place.room, name))
        return self

    def of(self, name: str) -> tuple[Node, Place] | None:
        """One of them."""
        return self._known.get(name)

    def cards(self, node: Node, engine: str) -> CardRoom:
        """What the cards of one of them have for an engine."""
        if engine not in node.computing:
            return CardRoom(0)
        found = self._cards.get(node.name)
        if found is None:
            found = self._cards[node.name] = room_on_cards(node, self._occupancy.on(node.name))
        return found

    @property
    def leaving(self) -> Iterator[Place]:
        """Those where models are ending."""
        return (self._known[name][1] for name in self._leaving)

    def __iter__(self) -> Iterator[tuple[Node, Place]]:
        return (self._known[name] for _, name in self._order)

    def _place(self, node: Node) -> Place:
        there = self._occupancy.residents(node.name)
        (self._leaving.add if there.has_leaving else self._leaving.discard)(node.name)
        taken = memory.Claims(there.taken)
        room = memory.room(node.free, self._policy.low, self._policy.budget, taken)
        return Place(node.name, room, there)
