"""The nodes of a supervisor in a test: named in its settings, and left when nothing runs there any more."""

import contextlib
from collections.abc import Iterable, Iterator

from tests.cluster_nodes import LoopbackNode
from tests.process.eventually import eventually


def settings_of(nodes: Iterable[LoopbackNode]) -> str:
    """The lines of a config file by which workers run there."""
    lines = [f"nodes.{node.name} = '''{node.command}'''" for node in nodes]
    return "\n".join(['[cluster]\nengine = "command"', *lines, ""])


@contextlib.contextmanager
def left_empty(nodes: Iterable[LoopbackNode]) -> Iterator[None]:
    """All that runs there ends with its supervisor, which is checked; then they are switched off."""
    nodes = list(nodes)
    yield
    try:
        eventually(lambda: not [process for node in nodes for process in node.processes()])
    finally:
        for node in nodes:
            node.switch_off()
