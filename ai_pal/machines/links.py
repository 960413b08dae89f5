"""All connections of this process, one for each machine that was asked."""

from collections.abc import Callable

from ai_pal.errors import Failure
from ai_pal.machines.adapter import OnMachine
from ai_pal.machines.connected import Connected
from ai_pal.protocol.egress import FromEgress
from ai_pal.protocol.provider import Provider


class Links:
    """Implements `egress.loop.Adapters` for machines."""

    def __init__(self, tell: Callable[[FromEgress], None]) -> None:
        self._tell = tell
        self._all: dict[str, Connected] = {}

    async def adapter(self, provider: Provider) -> OnMachine:
        """The adapter for a machine; one that is defined otherwise by now is connected to anew."""
        machine = provider.machine
        if machine is None:
            raise ValueError(f"{provider.name} is no machine")
        known = self._all.get(provider.name)
        if known is None or known.machine != machine:
            if known is not None:
                known.close()
            known = self._all[provider.name] = Connected(provider.name, machine, self._tell)
        return OnMachine(known)

    def without_keys(self, told: Failure) -> Failure:
        """As it is: this process knows no key."""
        return told
