"""How things stand, for the router: the models of this machine, Ollama, the clouds with keys and consent."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence

from ai_pal import privacy
from ai_pal.catalog.known.twins import twin, window_at_ollama
from ai_pal.config import Settings, paths
from ai_pal.config.clouds import OLLAMA, clouds, ollama_is_set_up, ollama_url, provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.machine_settings import provider_of
from ai_pal.config.provider_access import Access, access_in, consented
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.egress import MachineState
from ai_pal.protocol.provider import Provider
from ai_pal.providers.cloud import cloud
from ai_pal.providers.prices import PriceTable, price_table
from ai_pal.providers.server import Server
from ai_pal.server.app.machines import there as on_machine
from ai_pal.server.app.own_models import OwnModels
from ai_pal.server.pool.running.pool import Pool
from ai_pal.server.ports import Clock
from ai_pal.server.router.policy.snapshot import Snapshot, There
from ai_pal.server.services.inquiries import Subject
from ai_pal.store.accounts import Accounts
from ai_pal.store.machine_models import told_models


class MachineSnapshots:
    """Implements `router.ports.Snapshots` with the files and the environment of this machine, and with the
    supervisor's `pool`."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        accounts: Accounts,
        pool: Pool,
        environ: Mapping[str, str] = os.environ,
        told: Callable[[str], MachineState | None] = lambda name: None,
    ) -> None:
        """`told` is what another machine has told of itself."""
        self._told = told
        self.spent, self.spent_by, self._environ = accounts.spent, accounts.spent_by, environ
        self._met: set[str] = set()
        self._access_file, self._seen_file = paths.providers_file(environ), paths.ollama_seen_file(environ)
        self._own = OwnModels(settings, clock, pool)
        self.seeing, self.larger, self.look_anew = self._own.seeing, self._own.larger, self._own.look_anew
        self.take(settings)

    def take(self, settings: Settings) -> None:
        """From now on these are in force."""
        self._settings = settings
        self._own.take(settings)
        self._clouds, self._names = clouds(settings), provider_names(settings)
        self._prices = price_table().over(settings.prices)

    def prices(self) -> PriceTable:
        return self._prices

    def snapshot(self, reference: str, lora: Sequence[str] = ()) -> Snapshot:
        reference = self._own.meant(reference)
        there = elsewhere(reference, self._names)
        if there is not None and there.provider == OLLAMA:
            return Snapshot(ollama=self._ollama(there.model, named=True))
        if there is not None and there.provider in self._settings.machines:
            return Snapshot(machines=(self._machine(there.provider, there.model),))
        if there is not None:
            return Snapshot(clouds=(self._cloud(there.provider, self._access(), there.model),))
        if reference:
            here = self._own.here(reference, lora)
            nothing = here.failure is not None and here.failure.code == Code.MODEL_NOT_FOUND
            return Snapshot(
                here=here, ollama=None if nothing else self._ollama(twin(reference, self._settings))
            )
        access, ours = self._access(), self._settings.ollama
        model = ours.model or twin(self._settings.local.model, self._settings)
        servers = tuple(self._cloud(name, access) for name in self._clouds)
        own = self._settings.machines.items()
        machines = tuple(self._machine(name, one.model) for name, one in own if one.model)
        here = self._own.here("", lora)
        return Snapshot(here=here, machines=machines, ollama=self._ollama(model), clouds=servers)

    def providers(self) -> list[Subject]:
        """Who could be asked at all, and the models that they would be asked for."""
        snapshot, ours = self.snapshot(""), self._settings.ollama
        found = [
            Subject(server, _named(server.mid, server.strong)) for server in snapshot.clouds if server.key
        ]
        if snapshot.ollama is not None:
            found.insert(0, Subject(snapshot.ollama, _named(snapshot.ollama.mid, *ours.models.values())))
        return [*self._machines_told(), *found]

    def _machines_told(self) -> list[Subject]:
        """The user's other machines, with what each has told last."""
        told = told_models(self._settings, self._environ)
        return [
            Subject(
                Server(provider=provider_of(name, setting), mid=setting.model),
                _named(setting.model),
                tuple(told.get(name, ())),
            )
            for name, setting in self._settings.machines.items()
        ]

    # -- other machines ------------------------------------------------------------------------

    def _machine(self, name: str, model: str) -> There:
        return on_machine(name, model, self._settings.machines[name], self._told(name))

    # -- elsewhere -----------------------------------------------------------------------------

    def _access(self) -> dict[str, Access]:
        """What was decided about providers; what cannot be read is a no to all of them."""
        try:
            return access_in(self._access_file)
        except AiPalError:
            return {name: Access(consent=False) for name in (OLLAMA, *self._clouds)}

    def _ollama(self, model: str, *, named: bool = False) -> Server | None:
        ours = self._settings.ollama
        if not ours.enabled or not model:
            return None
        url = ollama_url(self._settings, self._environ)
        provider = Provider(OLLAMA, "ollama", url)
        return Server(
            provider=provider,
            mid=model,
            # Whom the user names is asked whatever its length.
            window=0 if named else window_at_ollama(model),
            consent=privacy.stays_here(provider, model) or self._agreed_to_ollama(model),
            expected=named or ollama_is_set_up(self._settings, self._environ) or self._has_met_ollama(),
        )

    def _agreed_to_ollama(self, model: str) -> bool:
        decided = self._access().get(OLLAMA, Access()).consent
        own = bool(self._settings.ollama.base_url) and not privacy.is_passed_on(model)  # its cloud is not
        return consented(decided, None, source="", own_server=own)

    def met(self, provider: str) -> None:
        self._met.add(provider)
        if provider == OLLAMA:
            with contextlib.suppress(OSError):
                self._seen_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._seen_file.touch(0o600)

    def _has_met_ollama(self) -> bool:
        if OLLAMA not in self._met:
            with contextlib.suppress(OSError):
                if self._seen_file.exists():
                    self._met.add(OLLAMA)
        return OLLAMA in self._met

    def _cloud(self, name: str, access: Mapping[str, Access], model: str = "") -> Server:
        return cloud(name, self._clouds[name], access.get(name, Access()), self._environ, model)


def _named(*models: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(model for model in models if model))
