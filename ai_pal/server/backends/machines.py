"""What the user's other machines have told of themselves, while a link to them stands."""

from collections.abc import Callable, Iterable

from ai_pal.errors import Failure
from ai_pal.protocol.egress import FromEgress, MachineLost, MachineState
from ai_pal.server.children.egress import EgressProcess


class MachineStates:
    """The last report of each machine, by its name. Implements `children.egress.EgressUser`, without work of
    its own for the process."""

    busy = False

    def __init__(self, process: EgressProcess, keep: Callable[[str, Iterable[str]], None]) -> None:
        """`keep` is handed which models a machine has when that is news."""
        self._states: dict[str, MachineState] = {}
        self._keep = keep
        process.join(self, MachineState, MachineLost)

    def of(self, name: str) -> MachineState | None:
        """How a machine stands; None while no link to it stands."""
        return self._states.get(name)

    def egress_ready(self) -> None:
        """Reports come when somebody is asked."""

    def egress_gone(self, reason: Failure | None) -> None:
        self._states.clear()

    def egress_message(self, message: FromEgress) -> None:
        match message:
            case MachineState():
                before = self._states.get(message.name)
                self._states[message.name] = message
                if before is None or before.models.keys() != message.models.keys():
                    self._keep(message.name, message.models)
            case MachineLost():
                self._states.pop(message.name, None)
