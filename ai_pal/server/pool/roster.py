"""The roster of the pool: which models have a worker, by name and by what its process is called."""

import contextlib
from collections.abc import Iterator

from ai_pal.catalog.resolved import Resolved
from ai_pal.errors import AiPalError
from ai_pal.server.pool.group import THERE
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
        """The worker of this name: a model's has that of the model, or is its first replica."""
        return self._by_name.get(name)

    def serving(self, name: str) -> ModelWorker | None:
        """The worker of the model of this name; of its replicas one that is ready, else one that comes."""
        worker = self._by_name.get(name)
        return worker if worker is None else _readiest(worker)

    def phase_of(self, resolved: Resolved) -> Phase | None:
        """How the worker stands that serves this model, if there is one."""
        worker = self.sharing(resolved)
        return None if worker is None else _readiest(worker).state.phase

    def of_worker(self, identity: str) -> ModelWorker | None:
        """The worker whose present incarnation has this identity; None for strangers and the dead."""
        return self._by_identity.get(identity)

    def canonical(self, reference: str) -> str:
        """The name under which a model is loaded; what cannot be resolved (any more) stays as it is."""
        worker = self._by_name.get(reference)
        if not reference or (worker is not None and (worker.process is not None or worker.group.has_process)):
            return reference
        try:
            resolved = self._resolve(reference)
        except AiPalError:
            return reference
        worker = self.sharing(resolved)
        return worker.name if worker is not None else resolved.name

    def meant(self, reference: str) -> list[ModelWorker]:
        """The workers that a reference means, under whatever name they have: its model's, all replicas of it,
        and that of its vocabulary. All for an empty one; that of a replica means this one."""
        name = self.canonical(reference)
        found = [worker for worker in self if name in ("", worker.model, worker.name)]
        if any(worker.number > 1 and worker.name == name for worker in found):
            return found
        alike = [worker.resolved.vocabulary for worker in found]
        with contextlib.suppress(AiPalError):
            alike.append(self._resolve(reference).vocabulary)
        return found + [
            worker
            for worker in self
            if worker not in found and any(worker.resolved.is_like(one) for one in alike)
        ]

    def sharing(self, resolved: Resolved) -> ModelWorker | None:
        """The worker of this name if it is in use, else one that has the same model under another name; of
        replicas the first, in use while one of them is."""
        named = self._by_name.get(resolved.name)
        if named is not None and _is_used(named):
            return named
        firsts = [worker for worker in self if worker.number == 1]
        used = [
            one for one in firsts if _is_used(one) and any(it.serves(resolved) for it in one.group.members)
        ]
        alike = (one for one in firsts if one.resolved.is_like(resolved))
        return next(iter(used), named or next(alike, None))

    def twin(self, worker: ModelWorker) -> ModelWorker | None:
        """One in use that has the same weights, loaded in another way; replicas are none."""
        if worker.resolved.load.vocabulary or not worker.resolved.file:
            return None
        others = (one for one in self if one.group is not worker.group and one.in_use)
        models = (one for one in others if not one.resolved.load.vocabulary)
        return next((one for one in models if one.resolved.file == worker.resolved.file), None)

    def add(self, worker: ModelWorker) -> None:
        """A new one."""
        worker.group.members.append(worker)
        worker.group.members.sort(key=lambda one: one.number)
        self._by_name[worker.name] = worker

    def lives(self, worker: ModelWorker) -> None:
        """It has a process, which is known by its identity."""
        self._by_identity[worker.identity] = worker

    def died(self, identity: str) -> None:
        """The process of this identity has ended."""
        del self._by_identity[identity]

    def forget(self, worker: ModelWorker, before: float) -> None:
        """Drop a worker that holds nothing but crashes before that time, so that their number is bounded. The
        first replica is the last to go."""
        others = worker.number == 1 and len(worker.group.members) > 1
        if worker.state.phase is not Phase.GONE or worker.wanted or others:
            return
        if all(at <= before for at in worker.state.crashes):
            del self._by_name[worker.name]
            worker.group.members.remove(worker)


def _is_used(first: ModelWorker) -> bool:
    return first.process is not None or first.wanted or first.group.has_process


def _readiest(first: ModelWorker) -> ModelWorker:
    there = [one for one in first.group.members if one.state.phase in THERE]
    return next((one for one in there if one.state.phase is Phase.READY), next(iter(there), first))
