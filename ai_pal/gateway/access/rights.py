"""A connection to the supervisor that may do no more than a key: what doors ask goes through it.

What is not named here does not work through it, so that a new operation is closed until somebody opens it."""

import asyncio
from collections.abc import Iterable
from typing import Any, Unpack

import msgspec

from ai_pal.catalog.references.patterns import matches
from ai_pal.catalog.references.text import is_path
from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.client.async_stream import AsyncAnswerStream, AsyncStream
from ai_pal.client.face import PROVIDERS_TIMEOUT
from ai_pal.client.prompt import Prompt
from ai_pal.client.requests import Completing, Counting, Embedding, Raw, Using
from ai_pal.client.vectors import Embeddings, Ranking, TokenCount
from ai_pal.config import load_settings
from ai_pal.config.client_keys import ClientKey
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.gateway.access.callers import Caller
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol import client as wire


class KeyedClient(AsyncClient):
    """`client` as this caller may use it. It has no connection of its own."""

    def __init__(self, client: AsyncClient, caller: Caller) -> None:
        self._client, self._name, self._rights = client, caller.name, caller.rights
        self._vouched: set[str] = set()

    def named(self, model: str | None) -> str:
        """This model, if it may be asked. Raises `AiPalError`: to this caller there is no such model, or it
        has to name one."""
        name = (model or "").strip()
        if not name and self._rights.models:
            raise BodyError("no model is named", "model", "GET /v1/models lists those that this key may ask")
        if not self._rights.manage and name not in self._vouched and ("?" in name or is_path(name)):
            hint = "make one that may: ai-pal keys create NAME --manage"
            fail(Code.ACCESS_DENIED, "this key may not name files, nor options of models", hint)
        if not matches(self._rights.models, name):
            raise _unknown(name)
        return name

    @property
    def local_only(self) -> bool:
        """Whether nothing that it asks may leave this machine."""
        return self._rights.local_only

    @property
    def mine(self) -> bool:
        """Whether nothing that it asks may leave the user's machines."""
        return self._rights.mine

    def vouch(self, model: str) -> None:
        """The owner of this machine has given this model its options: who asks did not name them."""
        self._vouched.add(model)

    def chat(self, prompt: Prompt, **how: Unpack[Asking]) -> AsyncAnswerStream:
        """As its key may: who is named, or whom the router chooses of those."""
        if how.get("model"):
            self.named(how["model"])
        how |= {"principal": self._name, "only": list(self._rights.models)}
        if how.get("model"):
            how["only"] = []  # the name was looked at here, where what it stands for is not known
        self._keep(how)
        self._fetch_nothing(how)
        if self._rights.budget_day is not None:
            how["day_budget"] = self._rights.budget_day
        return self._client.chat(prompt, **how)

    def complete_stream(
        self, prompt: Raw, suffix: str | None = None, **how: Unpack[Completing]
    ) -> AsyncAnswerStream:
        self._hold(how)
        self._fetch_nothing(how)
        return self._client.complete_stream(prompt, suffix, **how)

    async def embed(
        self, texts: Iterable[str | list[int]], *, dimensions: int = 0, **how: Unpack[Embedding]
    ) -> Embeddings:
        self._hold(how)
        self._fetch_nothing(how)
        return await self._client.embed(texts, dimensions=dimensions, **how)

    async def rerank(self, query: str, texts: Iterable[str], **how: Unpack[Using]) -> Ranking:
        self._hold(how)
        self._fetch_nothing(how)
        return await self._client.rerank(query, texts, **how)

    async def count_tokens(self, prompt: Prompt, **how: Unpack[Counting]) -> TokenCount:
        self._hold(how)
        return await self._client.count_tokens(prompt, **how)

    async def models(self, *, here: bool = False) -> list[wire.ModelInfo]:
        """Those that it may ask."""
        return [one for one in await self._client.models(here=here) if self.sees(one.name)]

    async def providers(  # as the connection's own
        self,
        timeout: float = PROVIDERS_TIMEOUT,  # noqa: ASYNC109
        *,
        near: bool = False,
        names: Iterable[str] = (),
    ) -> list[wire.ProviderStatus]:
        """Those that it may ask; which of their models, `sees` tells."""
        found = await self._client.providers(timeout, near=near, names=names)
        if self._rights.local_only:
            return [one for one in found if not one.remote]
        if self._rights.mine:
            own = load_settings().settings.machines
            return [one for one in found if not one.remote or one.name in own]
        return found

    async def status(self) -> wire.StatusReply:
        """With the workers of models that it may ask."""
        found = await self._client.status()
        seen = [one for one in found.workers if self.sees(one.asked_as)]
        return msgspec.structs.replace(found, workers=seen)

    def load(
        self, model: str = "", keep_alive: float | None = None, *, pull: bool = False, pull_limit: int = 0
    ) -> AsyncStream[wire.Pulling | wire.Loading | wire.Loaded]:
        if pull:
            self._downloading()
        return self._client.load(self.named(model), keep_alive, pull=pull, pull_limit=pull_limit)

    def pull(self, model: str = "", *, newer: bool = False) -> AsyncStream[wire.Pulling | wire.Pulled]:
        self._downloading()
        return self._client.pull(self.named(model), newer=newer)

    def unload(self, model: str = "", timeout: float = 60.0) -> "asyncio.Task[list[str]]":
        if not model:
            self.managing()
        return self._client.unload(self.named(model), timeout)

    def events(self) -> AsyncStream[wire.Picture | wire.Changes]:
        self._of_all()
        return self._client.events()

    async def call_off(self, key: str) -> bool:
        """Any request that it sees in `events`."""
        self._of_all()
        return await self._client.call_off(key)

    async def rate(self, answer: int, good: bool) -> bool:
        """An answer of any caller: ids are those of the connection."""
        self._of_all()
        return await self._client.rate(answer, good)

    async def route(self, prompt: Prompt, **how: Unpack[Asking]) -> wire.Routed:
        self._of_all()
        self._keep(how)
        return await self._client.route(prompt, **how)

    def _hold(self, how: Using | Counting) -> None:
        """Have a model of ours asked for this caller, as its key may. Raises `AiPalError`."""
        self.named(how.get("model"))
        if self._name:  # the owner's own clients say themselves for whom they ask
            how["principal"] = self._name
        self._keep(how)

    def _keep(self, how: Asking | Using | Counting) -> None:
        """What is asked goes no further than its key says."""
        if self._rights.local_only:
            how["local_only"] = True
        if self._rights.mine:
            how["mine"] = True

    def _fetch_nothing(self, how: Asking | Using) -> None:
        """A download tells the hub which model is wanted: it says more than its key lets leave."""
        if (self._rights.local_only or self._rights.mine) and how.get("pull"):
            how["pull"] = False

    def _downloading(self) -> None:
        """Raises `AiPalError`: this caller may not have models fetched."""
        self.managing()
        if self._rights.local_only or self._rights.mine:
            fail(Code.LOCAL_ONLY, "a download tells the hub which model is wanted", "ask with another key")

    def _of_all(self) -> None:
        """Raises `AiPalError`: this tells of all models and requests."""
        self.managing()
        if self._rights.models:
            fail(Code.ACCESS_DENIED, "this tells of all models, and this key may ask only some")

    def managing(self) -> None:
        """Raises `AiPalError` (`access_denied`): which models are here is not this caller's affair."""
        if not self._rights.manage:
            hint = "make one that may: ai-pal keys create NAME --manage"
            fail(Code.ACCESS_DENIED, "this key may not change which models are here", hint)

    def sees(self, name: str) -> bool:
        """Whether a model of this name is there for it."""
        return matches(self._rights.models, name)

    @property
    def chosen(self) -> bool:
        """Whether it may ask some models only."""
        return bool(self._rights.models)

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name not in _OPEN:
            raise AiPalError(Failure(Code.ACCESS_DENIED, f"no key may do this: {name}"))
        return super().__getattribute__(name)


def bounded(client: AsyncClient, *, local_only: bool, mine: bool) -> AsyncClient:
    """The same client for what goes no further than this, nor than its key says."""
    inner, name, rights, vouched = client, "", _ALL, set[str]()
    if isinstance(client, KeyedClient):
        inner, name, rights, vouched = client._client, client._name, client._rights, client._vouched
    local_only, mine = rights.local_only or local_only, rights.mine or mine
    held = msgspec.structs.replace(rights, local_only=local_only, mine=mine)
    kept = KeyedClient(inner, Caller(name, held))
    kept._vouched |= vouched
    return kept


_ALL = ClientKey(sha256="", created=0.0, manage=True)

_OPEN = frozenset(name for name in vars(KeyedClient) if not name.startswith("_"))


def _unknown(name: str) -> AiPalError:
    """As of a model that nobody knows: what a key may not ask is not there for it."""
    hint = "GET /v1/models lists what is here"
    return AiPalError(Failure(Code.MODEL_NOT_FOUND, f"model {name!r} not found", hint))
