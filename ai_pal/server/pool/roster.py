"""The roster of the pool: which models have a worker, by name and by what its process is called."""

import contextlib
from collections.abc import Iterator

from ai_pal.catalog.resolved import Resolved
from ai_pal.errors import AiPalError
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.model_worker import ModelWorker
from ai_pal.server.ports import Resolve


class Roster:
    """All workers there are; `resolve` finds what a reference means."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._by_name: dict[str, ModelWorker] = {}
        self._by_identity: dict[str, ModelWorker] = {}

    def __iter__(self) -> Iterator[ModelWorker]:
        return iter(list(self._by_name.values()))

    def find(self, name: str) -> ModelWorker | None:
        """The worker of this name: a model's has that of the model."""
        return self._by_name.get(name)

    def phase_of(self, resolved: Resolved) -> Phase | None:
        """How the worker stands that serves this model, if there is one."""
        worker = self.sharing(resolved)
        return None if worker is None else worker.state.phase

    def of_worker(self, identity: str) -> ModelWorker | None:
        """The worker whose present incarnation has this identity; None for strangers and the dead."""
        return self._by_identity.get(identity)

    def canonical(self, reference: str) -> str:
        """The name under which a model is loaded; what cannot be resolved (any more) stays as it is."""
        worker = self._by_name.get(reference)
        if not reference or (worker is not None and worker.process is not None):
            return reference
        try:
            resolved = self._resolve(reference)
        except AiPalError:
            return reference
        worker = self.sharing(resolved)
        return worker.name if worker is not None else resolved.name

    def meant(self, reference: str) -> list[ModelWorker]:
        """The workers that a reference means, under whatever name they have: its model's, and that of its
        vocabulary. All for an empty one."""
        name = self.canonical(reference)
        found = [worker for worker in self if name in ("", worker.model, worker.name)]
        alike = [worker.resolved.vocabulary for worker in found]
        with contextlib.suppress(AiPalError):
            alike.append(self._resolve(reference).vocabulary)
        return found + [
            worker
            for worker in self
            if worker not in found and any(worker.resolved.is_like(one) for one in alike)
        ]

    def sharing(self, resolved: Resolved) -> ModelWorker | None:
        """The worker of this name if it is in use, else one that has the same model under another name."""
        named = self._by_name.get(resolved.name)
        if named is not None and named.in_use:
            return named
        used = [worker for worker in self if worker.in_use and worker.serves(resolved)]
        alike = (worker for worker in self if worker.resolved.is_like(resolved))
        return next(iter(used), named or next(alike, None))

    def twin(self, worker: ModelWorker) -> ModelWorker | None:
        """One in use that has the same weights, loaded in another way."""
        if worker.resolved.load.vocabulary or not worker.resolved.file:
            return None
        others = (one for one in self if one is not worker and one.in_use)
        models = (one for one in others if not one.resolved.load.vocabulary)
        return next((one for one in models if one.resolved.file == worker.resolved.file), None)

    def add(self, worker: ModelWorker) -> None:
        """A new one."""
        self._by_name[worker.name] = worker

    def lives(self, worker: ModelWorker) -> None:
        """It has a process, which is known by its identity."""
        self._by_identity[worker.identity] = worker

    def died(self, identity: str) -> None:
        """The process of this identity has ended."""
        del self._by_identity[identity]

    def forget(self, worker: ModelWorker, before: float) -> None:
        """Drop a worker that holds nothing but crashes before that time, so that their number is bounded."""
        if worker.state.phase is not Phase.GONE or worker.wanted:
            return
        if all(at <= before for at in worker.state.crashes):
            del self._by_name[worker.name]
