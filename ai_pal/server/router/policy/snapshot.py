"""What is known of those who could answer, and the candidates that come of it."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from ai_pal import privacy
from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import Failure
from ai_pal.protocol.options import Ability
from ai_pal.protocol.provider import Provider, continues
from ai_pal.providers.prices import FREE, PriceTable
from ai_pal.providers.server import Server
from ai_pal.server.router.policy.candidate import CLOUD, LOCAL, MACHINE, OLLAMA, UNSEEN, Candidate, Grade


class Here(msgspec.Struct, frozen=True, kw_only=True):
    """This machine's model. `state` is a word that stays; `failure` is why it cannot answer now. With
    `on_nodes` its workers run on a cluster's, and `kept` is how it stands on this machine alone, for what may
    not leave that. `resolved` and `abilities` as in `Candidate`."""

    model: str
    state: str = "here"
    window: int = 0
    loaded: bool = False
    absent: bool = False
    prefills: bool = False
    on_nodes: bool = False
    kept: "Here | None" = None
    failure: Failure | None = None
    resolved: Resolved | None = None
    abilities: frozenset[Ability] | None = None


class There(msgspec.Struct, frozen=True, kw_only=True):
    """A model of another machine of the user's, as far as its last report tells. `state` and `failure` as in
    `Here`."""

    server: Provider
    model: str
    state: str = "unlinked"
    window: int = 0
    loaded: bool = False
    failure: Failure | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everyone who is set up. Ollama has one model for all prompts, its `mid`."""

    here: Here | None = None
    machines: tuple[There, ...] = ()
    ollama: Server | None = None
    clouds: tuple[Server, ...] = ()


class Health(Protocol):
    """What earlier attempts have taught."""

    def blocked(self, candidate: Candidate) -> Failure | None:
        """Why it is left alone for a while."""

    def seconds(self, candidate: Candidate) -> float | None:
        """Until its first content, as learned."""


def everyone(
    snapshot: Snapshot, prices: PriceTable, health: Health, *, stays: bool = False
) -> list[Candidate]:
    """All candidates, this machine first. `stays`: nodes of a cluster may not be asked."""
    found = [] if snapshot.here is None else [local(snapshot.here, health, stays=stays)]
    found += [on_machine(there, health) for there in snapshot.machines]
    if snapshot.ollama is not None and snapshot.ollama.mid:
        found.append(served(snapshot.ollama, snapshot.ollama.mid, prices, health))
    for cloud in snapshot.clouds:
        found += [served(cloud, model, prices, health, grades) for model, grades in _models(cloud).items()]
    return found


def local(here: Here, health: Health, *, stays: bool = False) -> Candidate:
    """This machine's own model."""
    here = (here.kept or here) if stays else here
    candidate = Candidate(
        tier=LOCAL,
        provider="local",
        model=here.model,
        state=here.state,
        remote=here.on_nodes,
        window=here.window,
        loaded=here.loaded,
        absent=here.absent,
        prefills=here.prefills,
        failure=here.failure,
        resolved=here.resolved,
        abilities=here.abilities,
    )
    return msgspec.structs.replace(candidate, seconds=health.seconds(candidate))


def on_machine(there: There, health: Health) -> Candidate:
    """A model of another machine of the user's."""
    candidate = Candidate(
        tier=MACHINE,
        provider=there.server.name,
        model=there.model,
        remote=True,
        window=there.window,
        loaded=there.loaded,
        server=there.server,
    )
    failure = there.failure or health.blocked(candidate)
    state = str(failure.code) if failure is not None else there.state
    return msgspec.structs.replace(candidate, failure=failure, state=state, seconds=health.seconds(candidate))


def served(
    server: Server,
    model: str,
    prices: PriceTable,
    health: Health,
    grades: frozenset[Grade] = frozenset(),
) -> Candidate:
    """A model of a provider."""
    ollama = server.provider.api == "ollama"
    remote = not privacy.stays_here(server.provider, model)
    price = FREE if ollama or not remote else prices.find(server.name, model)
    candidate = Candidate(
        tier=OLLAMA if ollama else CLOUD,
        provider=server.name,
        model=model,
        grades=grades,
        remote=remote,
        window=server.window or (price.window if price is not None else 0),
        price=price,
        prefills=continues(server.provider.api, model),
        server=server.provider,
        expected=server.expected,
        mark=server.mark,
    )
    failure = server.obstacle or health.blocked(candidate)
    state = str(failure.code) if failure is not None else "ready" if server.expected else UNSEEN
    return msgspec.structs.replace(candidate, failure=failure, state=state, seconds=health.seconds(candidate))


def _models(server: Server) -> Mapping[str, frozenset[Grade]]:
    """A provider's models and what each is for; with one model only, that is for everything."""
    mid, strong = server.mid or server.strong, server.strong or server.mid
    if not mid:
        return {}
    if mid == strong:
        return {mid: frozenset(Grade)}
    return {mid: frozenset({Grade.MID}), strong: frozenset({Grade.STRONG})}
