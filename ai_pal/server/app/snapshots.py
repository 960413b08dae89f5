"""How things stand, for the router: the models of this machine, Ollama, the clouds with keys and consent."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import msgspec

from ai_pal import catalog, privacy
from ai_pal.catalog.abilities import abilities_of
from ai_pal.catalog.larger import larger_than
from ai_pal.catalog.model import WRITES
from ai_pal.catalog.resolved import Resolved
from ai_pal.catalog.senses import abilities_with_senses, senses_of
from ai_pal.catalog.twins import twin, window_at_ollama
from ai_pal.config import Settings, paths
from ai_pal.config.clouds import OLLAMA, clouds, ollama_is_set_up, ollama_url, provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.machine_settings import provider_of
from ai_pal.config.provider_access import Access, consented, read_access
from ai_pal.errors import AiPalError, Code
from ai_pal.memory.estimates import window_of
from ai_pal.protocol.client import KEPT_HERE
from ai_pal.protocol.egress import MachineState
from ai_pal.protocol.options import Ability
from ai_pal.protocol.provider import Provider
from ai_pal.providers.cloud import cloud
from ai_pal.providers.prices import PriceTable, price_table
from ai_pal.providers.server import Server
from ai_pal.server.app.machines import there as on_machine
from ai_pal.server.app.recent import MOST_LOOKS, Recent
from ai_pal.server.app.references import load_of, stamp_of
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.pool import Pool
from ai_pal.server.ports import Clock
from ai_pal.server.router.policy.candidate import UNUSABLE
from ai_pal.server.router.policy.snapshot import Here, Snapshot, There
from ai_pal.server.services.inquiries import Subject
from ai_pal.store.accounts import Accounts
from ai_pal.store.machine_models import told_models

LARGER_FRESH = 30.0
"""Seconds for which a look at all models of the disk holds."""

MOST_LARGER = 2
"""Larger models that are asked, one after the other, where one doubts its answer."""


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
        self._clock, self._pool, self._told = clock, pool, told
        self.spent, self.spent_by, self._environ = accounts.spent, accounts.spent_by, environ
        self._met: set[str] = set()
        self.take(settings)

    def take(self, settings: Settings) -> None:
        """From now on these are in force."""
        self._settings = settings
        self._clouds, self._names = clouds(settings), provider_names(settings)
        self._prices = price_table().over(settings.prices)
        self.look_anew()

    def look_anew(self) -> None:
        """The models on the disk are others now: what was seen of them holds no longer."""
        self._looked, self._named = Recent[Here](self._clock), Recent[str](self._clock)
        self._larger: tuple[float, list[str]] = (float("-inf"), [])

    def prices(self) -> PriceTable:
        return self._prices

    def snapshot(self, reference: str, lora: Sequence[str] = ()) -> Snapshot:
        reference = self._meant(reference)
        there = elsewhere(reference, self._names)
        if there is not None and there.provider == OLLAMA:
            return Snapshot(ollama=self._ollama(there.model, named=True))
        if there is not None and there.provider in self._settings.machines:
            return Snapshot(machines=(self._machine(there.provider, there.model),))
        if there is not None:
            return Snapshot(clouds=(self._cloud(there.provider, self._access(), there.model),))
        if reference:
            here = self._here(reference, lora)
            nothing = here.failure is not None and here.failure.code == Code.MODEL_NOT_FOUND
            return Snapshot(
                here=here, ollama=None if nothing else self._ollama(twin(reference, self._settings))
            )
        access, ours = self._access(), self._settings.ollama
        model = ours.model or twin(self._settings.local.model, self._settings)
        servers = tuple(self._cloud(name, access) for name in self._clouds)
        own = self._settings.machines.items()
        machines = tuple(self._machine(name, one.model) for name, one in own if one.model)
        here = self._here("", lora)
        return Snapshot(here=here, machines=machines, ollama=self._ollama(model), clouds=servers)

    def seeing(self) -> list[Here]:
        able = abilities_with_senses(self._settings)
        loaded = {worker.model: _set_of(*worker.info.abilities) for worker in self._pool if worker.info}
        able |= {name: known for name, known in loaded.items() if known & {"images", "audio"}}
        return [msgspec.structs.replace(self._here(name), abilities=known) for name, known in able.items()]

    def larger(self) -> list[Here]:
        own, now = self._here(""), self._clock.now()
        if own.resolved is None:
            return []
        at, names = self._larger
        if now - at >= LARGER_FRESH:
            names = larger_than(own.model, own.resolved.size, self._settings)
            self._larger = now, names
        found = [self._here(name) for name in names]
        return [one for one in found if self._has_room(one)][:MOST_LARGER]

    def _has_room(self, here: Here) -> bool:
        chats = here.abilities is None or "chat" in here.abilities
        if here.failure is not None or here.resolved is None or here.absent or not chats:
            return False
        return here.loaded or self._pool.admission.fits(here.resolved.load)

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

    def _meant(self, reference: str) -> str:
        """An alias of a provider's model as that model. To find which model none means takes 2 ms of looking
        through folders."""
        named = self._named.get(reference)
        if named is None:
            with contextlib.suppress(AiPalError):  # a circle of aliases: said where its file is looked for
                named = catalog.meant(reference, self._settings)
                self._named.put(reference, named)
        return reference if named is None else named

    # -- this machine --------------------------------------------------------------------------

    def _here(self, reference: str, lora: Sequence[str] = ()) -> Here:
        """What is known of a model, and what is wrong with its name or its file."""
        if lora:
            named = reference or catalog.default_model(self._settings)
            reference = catalog.with_adapters(named, lora)
        found = self._looked.get(reference)
        if found is None or _has_changed(found):
            found = self._look(reference)
            if found.failure is None:  # else looked at again each time: it may be mended by then
                self._looked.put(reference, found)
        here = self._as_loaded(found, found.model)
        if not found.on_nodes:
            return here
        alone = msgspec.structs.replace(found, on_nodes=False)
        kept = self._as_loaded(alone, f"{found.model}{KEPT_HERE}")
        return msgspec.structs.replace(here, kept=kept)

    def _look(self, reference: str) -> Here:
        name = reference or catalog.default_model(self._settings)
        try:
            found = catalog.find(name, self._settings)
        except AiPalError as error:
            return Here(model=name, state=UNUSABLE, on_nodes=self._settings.cluster.on, failure=error.failure)
        resolved = None
        with contextlib.suppress(AiPalError, OSError, ValueError):
            resolved = load_of(name, self._settings)
        return Here(
            model=name,
            state="here" if found.is_here else "not_here",
            window=self._window(found, resolved),
            absent=not found.is_here,
            on_nodes=self._settings.cluster.on,
            resolved=resolved,
            abilities=self._abilities(found, resolved),
        )

    def _window(self, found: catalog.Found, resolved: Resolved | None) -> int:
        """Tokens that a conversation with it may have, as far as that is known before the load; else 0."""
        known = found.entry.context if found.entry is not None else 0
        if resolved is not None:
            with contextlib.suppress(AiPalError, OSError, ValueError):
                window = window_of(resolved.load) if resolved.load.path else None
                return window.tokens if window is not None else resolved.load.context or known
        return min(known or self._settings.context, self._settings.context or known)

    @staticmethod
    def _abilities(found: catalog.Found, resolved: Resolved | None) -> frozenset[Ability] | None:
        """What it can be asked for at most, as far as that is known before the load."""
        if resolved is not None and resolved.load.path:
            with contextlib.suppress(AiPalError, OSError, ValueError):
                return abilities_of(resolved.load) or WRITES | senses_of(resolved.load)
        return found.entry.abilities if found.entry is not None else None

    def _as_loaded(self, here: Here, name: str) -> Here:
        """With what the worker of this name, if there is one, adds."""
        model_worker = None if here.failure is not None else self._pool.serving(name)
        if model_worker is None:
            return here
        phase, reason = model_worker.state.phase, model_worker.state.reason
        failed = phase is Phase.FAILED and model_worker.state.until > self._clock.now()
        return Here(
            model=here.model,
            state=phase.value if phase is not Phase.GONE else here.state,
            window=model_worker.info.context if model_worker.info is not None else here.window,
            loaded=phase is Phase.READY,
            absent=here.absent and phase is Phase.GONE,
            on_nodes=here.on_nodes,
            failure=reason if failed else None,
            resolved=here.resolved,
            abilities=here.abilities if model_worker.info is None else _set_of(*model_worker.info.abilities),
        )

    # -- other machines ------------------------------------------------------------------------

    def _machine(self, name: str, model: str) -> There:
        return on_machine(name, model, self._settings.machines[name], self._told(name))

    # -- elsewhere -----------------------------------------------------------------------------

    def _access(self) -> dict[str, Access]:
        """What was decided about providers; what cannot be read is a no to all of them."""
        try:
            return read_access(self._environ)
        except AiPalError:
            return {name: Access(consent=False) for name in (OLLAMA, *self._clouds)}

    def _ollama(self, model: str, *, named: bool = False) -> Server | None:
        ours = self._settings.ollama
        if not ours.enabled or not model:
            return None
        url = ollama_url(self._settings, self._environ)
        decided = self._access().get(OLLAMA, Access()).consent
        own = bool(ours.base_url) and not privacy.is_passed_on(model)  # its cloud is no server of theirs
        agreed = consented(decided, None, source="", own_server=own)
        provider = Provider(OLLAMA, "ollama", url)
        return Server(
            provider=provider,
            mid=model,
            # Whom the user names is asked whatever its length.
            window=0 if named else window_at_ollama(model),
            consent=agreed or privacy.stays_here(provider, model),
            expected=named or ollama_is_set_up(self._settings, self._environ) or self._has_met_ollama(),
        )

    def met(self, provider: str) -> None:
        self._met.add(provider)
        if provider == OLLAMA:
            with contextlib.suppress(AiPalError, OSError):
                seen = paths.ollama_seen_file(self._environ)
                seen.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                seen.touch(0o600)

    def _has_met_ollama(self) -> bool:
        if OLLAMA not in self._met:
            with contextlib.suppress(AiPalError, OSError):
                if paths.ollama_seen_file(self._environ).exists():
                    self._met.add(OLLAMA)
        return OLLAMA in self._met

    def _cloud(self, name: str, access: Mapping[str, Access], model: str = "") -> Server:
        return cloud(name, self._clouds[name], access.get(name, Access()), self._environ, model)


def _has_changed(here: Here) -> bool:
    """Whether its files were taken away or replaced since it was looked at."""
    if here.resolved is None or not here.resolved.stamp:
        return False
    try:
        return stamp_of(here.resolved.load) != here.resolved.stamp
    except (AiPalError, OSError):
        return True


def _named(*models: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(model for model in models if model))


@lru_cache(maxsize=MOST_LOOKS)
def _set_of(*abilities: Ability) -> frozenset[Ability]:
    """The same one for all requests of a model, which hold it while they are open."""
    return frozenset(abilities)
