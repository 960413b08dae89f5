"""Who answers: the router, all that it can ask, and what is known of them."""

import contextlib
from collections.abc import Iterable

from ai_pal.config import Settings, paths
from ai_pal.config.current import CurrentSettings
from ai_pal.config.machine_settings import mark_of
from ai_pal.logs import get_logger
from ai_pal.server.app.judging import judge
from ai_pal.server.app.policies import router_policy
from ai_pal.server.app.snapshots import MachineSnapshots
from ai_pal.server.backends.all_providers import AllProviders
from ai_pal.server.backends.local import LocalModels
from ai_pal.server.backends.machines import MachineStates
from ai_pal.server.backends.providers import Providers
from ai_pal.server.children.egress import EgressProcess
from ai_pal.server.ports import Clients, Clock, Observe
from ai_pal.server.router.router import Router
from ai_pal.server.services.hub import HubQuestions
from ai_pal.server.services.inquiries import Inquiries
from ai_pal.store.accounts import open_accounts
from ai_pal.store.doubts import DoubtFile
from ai_pal.store.machine_models import keep_models

log = get_logger("ai_pal")


def noted(event: str, **fields: object) -> None:
    """What the ledger tells, from a thread of its own: others observe on the loop."""
    log.info(event, **fields)


class Answerers:
    """The actors that answer or ask others for it; they look at the `current` settings each time."""

    def __init__(
        self,
        *,
        current: CurrentSettings,
        clients: Clients,
        local: LocalModels,
        egress: EgressProcess,
        links: EgressProcess,
        clock: Clock,
        observe: Observe,
    ) -> None:
        self._current, settings = current, current.settings
        budgeted = settings.budget.day is not None or settings.budget.month is not None
        self._accounts = open_accounts(paths.store_file(), noted, budgeted=budgeted)
        self.doubts = DoubtFile(paths.doubts_file())
        mine, private = lambda: current.settings.mine, self._is_private
        self._providers, self._machines = (
            Providers(
                egress=process,
                clock=clock,
                observe=observe,
                local_only=lambda: current.settings.local_only,
                mine=mine,
            )
            for process in (egress, links)
        )
        told = MachineStates(links, self._keep_models).of
        self._snapshots = MachineSnapshots(settings, clock, self._accounts, local.supervisor.pool, told=told)
        self.router = Router(
            clients=clients,
            local=local,
            providers=AllProviders(self._providers, self._machines),
            snapshots=self._snapshots,
            ledger=self._accounts,
            judge=judge,
            clock=clock,
            observe=observe,
            policy=router_policy(settings),
            doubts=self.doubts,
        )
        subjects = self._snapshots.providers
        self.inquiries = Inquiries(clients, self._providers, subjects, private=private, mine=mine)
        self.hub = HubQuestions(clients, egress, clock, private=private, mine=mine)

    def take(self, settings: Settings) -> None:
        """From now on these are in force."""
        self._snapshots.take(settings)
        self.router.take(router_policy(settings))

    def look_anew(self) -> None:
        """Models have come: what was seen of them holds no longer."""
        self._snapshots.look_anew()

    def tick(self) -> None:
        """Let budgets of providers run out."""
        self._providers.tick()
        self._machines.tick()

    def close(self) -> None:
        """Keep what was spent. Waits for the disk."""
        self._accounts.close()

    def _is_private(self) -> bool:
        """Whether nothing may leave this machine, by the settings as they are now."""
        return self._current.settings.private()

    def _keep_models(self, machine: str, models: Iterable[str]) -> None:
        """What another machine has, for lists that name it while nobody asks it."""
        if setting := self._current.settings.machines.get(machine):
            with contextlib.suppress(OSError):
                keep_models(machine, mark_of(setting), models)
