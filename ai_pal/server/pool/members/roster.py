"""The roster of the pool: which models have a worker, by name, by what its process is called, by the file
that it has and by the phase that it is in. Of thousands nobody looks through all."""

import contextlib
from collections.abc import Iterator

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import AiPalError
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.group import THERE, Group
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.ports import Resolve


class Roster:
    """All workers there are; `resolve` finds what a reference means."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._by_name: dict[str, ModelWorker] = {}
        self._by_identity: dict[str, ModelWorker] = {}
        self._by_file: dict[str, dict[ModelWorker, None]] = {}
        """The first of each group. What has no file is like no other."""
        self._by_phase: dict[Phase, dict[ModelWorker, None]] = {phase: {} for phase in Phase}

    def __iter__(self) -> Iterator[ModelWorker]:
        return iter(list(self._by_name.values()))

    def standing(self, *phases: Phase) -> list[ModelWorker]:
        """The workers in one of these phases."""
        return [worker for phase in phases for worker in self._by_phase[phase]]

    def has_any(self, *phases: Phase) -> bool:
        """Whether a worker is in one of these phases."""
        return any(self._by_phase[phase] for phase in phases)

    @property
    def has_processes(self) -> bool:
        return bool(self._by_identity)

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
        if not name or any(worker.number > 1 and worker.name == name for worker in found):
            return found
        alike = [worker.resolved.vocabulary for worker in found]
        with contextlib.suppress(AiPalError):
            alike.append(self._resolve(reference).vocabulary)
        alike += [one.kept_here for one in alike]
        like = (first for one in alike for first in self._with_file(one) if first.resolved.is_like(one))
        return list(dict.fromkeys([*found, *(worker for first in like for worker in first.group.members)]))

    def sharing(self, resolved: Resolved) -> ModelWorker | None:
        """The worker of this name if it is in use, else one that has the same model under another name; of
        replicas the first, in use while one of them is."""
        named = self._by_name.get(resolved.name)
        if named is not None and _is_used(named):
            return named
        firsts = self._with_file(resolved)
        used = (
            one for one in firsts if _is_used(one) and any(it.serves(resolved) for it in one.group.members)
        )
        alike = (one for one in firsts if one.resolved.is_like(resolved))
        return next(used, None) or named or next(alike, None)

    def twin(self, worker: ModelWorker) -> ModelWorker | None:
        """One in use that has the same weights, loaded in another way; replicas are none."""
        if worker.resolved.load.vocabulary:
            return None
        groups = (first.group for first in self._with_file(worker.resolved))
        others = (one for one in groups if one.resolved.stays is worker.resolved.stays)
        models = (one for one in others if one is not worker.group and not one.resolved.load.vocabulary)
        return next((one for group in models for one in group.members if one.in_use), None)

    def add(self, worker: ModelWorker) -> None:
        """A new one."""
        worker.group.members.append(worker)
        worker.group.members.sort(key=lambda one: one.number)
        self._by_name[worker.name] = worker
        self._by_phase[worker.state.phase][worker] = None
        if worker.number == 1:
            self._by_file.setdefault(worker.resolved.file, {})[worker] = None

    def means(self, group: Group[ModelWorker], resolved: Resolved) -> None:
        """From now on this is what the group's model is."""
        before, group.resolved = group.resolved.file, resolved
        if resolved.file != before:
            self._leave_file(group.first, before)
            self._by_file.setdefault(resolved.file, {})[group.first] = None

    def moved(self, worker: ModelWorker, before: Phase) -> None:
        """It has left that phase for another."""
        if worker in self._by_phase[before]:
            del self._by_phase[before][worker]
            self._by_phase[worker.state.phase][worker] = None

    def lives(self, worker: ModelWorker) -> None:
        """It has a process, which is known by its identity."""
        self._by_identity[worker.identity] = worker

    def died(self, identity: str) -> None:
        """The process of this identity has ended."""
        del self._by_identity[identity]

    def forget(self, worker: ModelWorker, before: float) -> bool:
        """Drop a worker that holds nothing but crashes before that time, so that their number is bounded. The
        first replica is the last to go."""
        others = worker.number == 1 and len(worker.group.members) > 1
        if worker.state.phase is not Phase.GONE or worker.wanted or others:
            return False
        if any(at > before for at in worker.state.crashes):
            return False
        del self._by_name[worker.name], self._by_phase[Phase.GONE][worker]
        if worker.number == 1:
            self._leave_file(worker, worker.resolved.file)
        worker.group.members.remove(worker)
        return True

    def _with_file(self, resolved: Resolved) -> list[ModelWorker]:
        """The first of each group that has this file."""
        return list(self._by_file.get(resolved.file, ())) if resolved.file else []

    def _leave_file(self, first: ModelWorker, file: str) -> None:
        there = self._by_file[file]
        del there[first]
        if not there:
            del self._by_file[file]


def _is_used(first: ModelWorker) -> bool:
    return first.process is not None or first.wanted or first.group.has_process


def _readiest(first: ModelWorker) -> ModelWorker:
    there = [one for one in first.group.members if one.state.phase in THERE]
    return next((one for one in there if one.state.phase is Phase.READY), next(iter(there), first))
