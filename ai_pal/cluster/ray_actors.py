"""What Ray runs on nodes: the agents that are placed there, and who tells of a node. Without Ray itself."""

import msgspec

from ai_pal.cluster import facts
from ai_pal.protocol.cluster import Ticket
from ai_pal.protocol.node_facts import FilesTold
from ai_pal.transport import curve


class Agent:
    """Two calls: the public key of a pair that never leaves its node, then the life of the agent."""

    def __init__(self, ticket: bytes) -> None:
        self._ticket, self._keys = msgspec.json.decode(ticket, type=Ticket), curve.fresh_keys()

    def key(self) -> str:
        return self._keys.public

    def run(self) -> None:
        from ai_pal.cluster.agent import serve

        serve(self._ticket, self._keys)


class Scout:
    """Tells a node's facts."""

    def __init__(self, name: str, address: str) -> None:
        from ai_pal import catalog
        from ai_pal.config import load_settings

        self._files = FilesTold()
        self._facts = facts.Facts(name, catalog.cache_dir(load_settings().settings), address)

    def look(self) -> bytes:
        (told,) = self._files.shortened([self._facts.look()])
        return msgspec.json.encode(told)
