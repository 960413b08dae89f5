"""What is known of one node of Ray's: by an actor there that is asked again and again. Without Ray itself."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import msgspec

from ai_pal.cluster.engine import SILENT_SECONDS
from ai_pal.cluster.ray_nodes import RayNode, last_words
from ai_pal.protocol import node_facts
from ai_pal.protocol.cluster import Node
from ai_pal.restarts import Restarts

FORGET_SECONDS = 600.0
"""After this a node that is gone is no longer listed: in a cluster that grows and shrinks they add up."""


class Lookout:
    """Knows the facts of one node, by an actor there that is started again whenever it ends. `failed` is the
    id under which it has answered nothing but errors lately."""

    def __init__(self, row: RayNode, scout: Callable[[RayNode], Any]) -> None:
        """`scout` has Ray start such an actor on a node."""
        self.row, self._new_scout = row, scout
        self._node, self._told_at = Node(row.name, silent=True), float("-inf")
        self._listed_at = time.monotonic()
        self._scout: Any = None
        self._began = self._begin_at = 0.0
        self._asked = False
        self._restarts = Restarts()
        self._said = ""
        self.failed = ""

    @property
    def is_new(self) -> bool:
        """Whether it has neither answered nor failed yet."""
        return self._told_at == float("-inf") and self.failed != self.row.id

    def node(self, now: float) -> Node:
        """What it told last."""
        silent = now - self._told_at > SILENT_SECONDS
        return msgspec.structs.replace(self._node, silent=silent) if silent else self._node

    def is_listed(self, row: RayNode) -> None:
        """Ray has it, perhaps as a new one: it was started again."""
        if row.id != self.row.id:
            self._scout, self._asked, self._begin_at, self._restarts = None, False, 0.0, Restarts()
        self.row, self._listed_at = row, time.monotonic()

    def forgotten(self, now: float) -> bool:
        return now - self._listed_at > FORGET_SECONDS

    def look(self, now: float) -> None:
        """Ask it, unless it is asked or to be let alone."""
        if self._asked or now < self._begin_at:
            return
        self._asked = True
        try:
            if self._scout is None:
                self._began = now
                self._scout = self._new_scout(self.row)
            scout = self._scout
            scout.look.remote().future().add_done_callback(lambda done: self._told(scout, done))
        except Exception as error:  # noqa: BLE001 - whatever Ray says, it cannot be asked now
            self._failed(error)

    def _told(self, scout: Any, done: "Future[bytes]") -> None:
        if scout is not self._scout:
            return
        self._asked = False
        try:
            node = node_facts.read(done.result(), self._node)
        except Exception as error:  # noqa: BLE001 - its node has gone, or has no AI-PAL of this version
            self._failed(error)
        else:
            self._node, self._told_at, self._said, self.failed = node, time.monotonic(), "", ""

    def _failed(self, error: BaseException) -> None:
        now, words = time.monotonic(), last_words(error)
        self.failed = self.row.id
        self._scout, self._asked, self._told_at = None, False, float("-inf")
        self._begin_at = now + self._restarts.wait(now - self._began)
        if words != self._said:
            self._said = words
            print(f"node {self.row.name} does not answer: {words}", file=sys.stderr, flush=True)
