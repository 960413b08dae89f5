"""The engine seam: what places an agent on a node, and notices that the agent or its node has gone.

The cluster process owns one. Of an agent (`ai_pal.cluster.agent`) it hears the public key; all else goes over
a connection of their own: no prompt, token or secret key passes through an engine, and it decides nothing.
"""

from collections.abc import Sequence
from typing import Protocol

from ai_pal.errors import Code
from ai_pal.protocol.cluster import Node, Ticket

START_SECONDS = 45.0
"""What a `start` may take until the agent's key or end is told; then the engine gives it up itself."""

GONE_SECONDS = 5.0
"""Until `lost` follows a `stop`, where the node answers."""

FACTS_SECONDS = 1.0
"""How old the facts of a node that answers may be."""

SILENT_SECONDS = 3.0
"""From this age on facts are those of a silent node."""


class Events(Protocol):
    """What an engine tells the cluster process, from any thread; a call returns at once and never raises.

    For each `start`: `admitted` at most once, then `lost` once; or `refused` once and nothing else."""

    def admitted(self, worker: str, key: str) -> None:
        """The agent of this worker is there, with this public key (Z85, 40 characters)."""

    def refused(self, worker: str, reason: str, cause: Code | None) -> None:
        """The node cannot take it: there is no such node, say, or too little is free (`cause` None). Nothing
        is left of it. `reason` is for people, with figures where it has some."""

    def lost(self, worker: str, reason: str) -> None:
        """The agent has ended, was stopped, never came, or its node has gone. `reason` is for people."""


class Engine(Protocol):
    """Places agents. It is made with its settings and an `Events`, on the main thread, where it may take some
    seconds and raises `AiPalError` with what to do if it cannot be had. From then on every method is called
    from that thread, within an asyncio loop, and returns at once (well under 0.1 s): what takes longer is
    done in threads of the engine's own, and told by `Events`."""

    name: str
    """As in the settings: `command`, `ray`."""

    def nodes(self) -> Sequence[Node]:
        """All nodes that there are, by name, with facts no older than `FACTS_SECONDS`. One that has not told
        any for `SILENT_SECONDS`, or was seen to go, is `silent` until it answers again; one that the settings
        name is there even if it never answered."""

    def start(self, ticket: Ticket) -> None:
        """Place an agent on exactly `ticket.node`. Trouble comes as `refused` or `lost`. Raises ValueError
        where an agent for this worker is there already: names are never used twice."""

    def stop(self, worker: str) -> None:
        """See to it that nothing of this agent is left, and of its worker; `lost` follows. Harmless for one
        that has ended or never was."""

    def close(self) -> None:
        """Stop all agents and let go of everything. Called once and last; no events come after it."""
