"""How models of this machine stand, for the router: what their files tell, and what their workers add."""

import contextlib
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from ai_pal import catalog
from ai_pal.catalog.inventory.larger import larger_than
from ai_pal.catalog.inventory.senses import abilities_with_senses, senses_of
from ai_pal.catalog.known.model import WRITES
from ai_pal.catalog.references.resolved import Resolved
from ai_pal.catalog.weights.abilities import abilities_of
from ai_pal.config import Settings
from ai_pal.errors import AiPalError
from ai_pal.memory.estimates import window_of
from ai_pal.protocol.client import KEPT_HERE
from ai_pal.protocol.options import Ability
from ai_pal.server.app.recent import MOST_LOOKS, Recent
from ai_pal.server.app.references import load_of, stamp_of
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.running.pool import Pool
from ai_pal.server.ports import Clock
from ai_pal.server.router.policy.candidate import UNUSABLE
from ai_pal.server.router.policy.snapshot import Here

LARGER_FRESH = 30.0
"""Seconds for which a look at all models of the disk holds."""

MOST_LARGER = 2
"""Larger models that are asked, one after the other, where one doubts its answer."""


class OwnModels:
    """With the files of this machine, and with the supervisor's `pool`. What was seen of a model holds for
    seconds, unless its files have changed."""

    def __init__(self, settings: Settings, clock: Clock, pool: Pool) -> None:
        self._settings, self._clock, self._pool = settings, clock, pool
        self.look_anew()

    def take(self, settings: Settings) -> None:
        """From now on these are in force."""
        self._settings = settings
        self.look_anew()

    def look_anew(self) -> None:
        """The models on the disk are others now: what was seen of them holds no longer."""
        self._looked, self._named = Recent[Here](self._clock), Recent[str](self._clock)
        self._larger: tuple[float, list[str]] = (float("-inf"), [])

    def meant(self, reference: str) -> str:
        """An alias of a provider's model as that model. To find which model none means takes 2 ms of looking
        through folders."""
        named = self._named.get(reference)
        if named is None:
            with contextlib.suppress(AiPalError):  # a circle of aliases: said where its file is looked for
                named = catalog.meant(reference, self._settings)
                self._named.put(reference, named)
        return reference if named is None else named

    def here(self, reference: str, lora: Sequence[str] = ()) -> Here:
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
            resolved = load_of(name, self._settings, found)
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

    def seeing(self) -> list[Here]:
        able = abilities_with_senses(self._settings)
        loaded = {worker.model: _set_of(*worker.info.abilities) for worker in self._pool if worker.info}
        able |= {name: known for name, known in loaded.items() if known & {"images", "audio"}}
        return [msgspec.structs.replace(self.here(name), abilities=known) for name, known in able.items()]

    def larger(self) -> list[Here]:
        own, now = self.here(""), self._clock.now()
        if own.resolved is None:
            return []
        at, names = self._larger
        if now - at >= LARGER_FRESH:
            names = larger_than(own.model, own.resolved.size, self._settings)
            self._larger = now, names
        found = [self.here(name) for name in names]
        return [one for one in found if self._has_room(one)][:MOST_LARGER]

    def _has_room(self, here: Here) -> bool:
        chats = here.abilities is None or "chat" in here.abilities
        if here.failure is not None or here.resolved is None or here.absent or not chats:
            return False
        return here.loaded or self._pool.admission.fits(here.resolved.load)


def _has_changed(here: Here) -> bool:
    """Whether its files were taken away or replaced since it was looked at."""
    if here.resolved is None or not here.resolved.stamp:
        return False
    try:
        return stamp_of(here.resolved.load) != here.resolved.stamp
    except (AiPalError, OSError):
        return True


@lru_cache(maxsize=MOST_LOOKS)
def _set_of(*abilities: Ability) -> frozenset[Ability]:
    """The same one for all requests of a model, which hold it while they are open."""
    return frozenset(abilities)
