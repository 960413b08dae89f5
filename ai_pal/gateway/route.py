"""What one route is: the shape of a line in the table of routes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from ai_pal.errors import AiPalError
from ai_pal.gateway.asking.asked import Apart, Asked, Errand, Followed, Told, Watched

PAGE = "page"
"""The door of our own page."""

Reads = Callable[..., Asked | Apart | Followed | Errand | Watched]
"""Reads out of a body what is wanted; the name of the key that asks is an argument of what is `owned`."""

Tells = Callable[..., Awaitable[bytes | Told | Watched]]
"""Carries out what has no body, given a client, the parameters of query and path, and the name of the key of
what is `owned`; gives the body of the response, or what is to be streamed."""

Takes = Callable[[AsyncIterator[bytes], Mapping[str, str], int], Awaitable[Told]]
"""Takes a body as it comes, however large, given the parameters of the path and the size that it is said to
have (0: nobody has said it)."""


class Route(NamedTuple):
    """One method of one path. `door` is whose protocol it is; `error` makes the body of a failure; `form`:
    JSON may come as a form; `alone`: no supervisor is needed; without `starts` none is started; `never`: why
    it is not done here; `body` is the shape of what is read, `query` what may be asked for in the address,
    and `heeds` headers that say something here. `anybody`: no key is needed; `manages`: it changes which
    models are here; `of_all`: it tells of all models; `private`: it tells what is kept of this user;
    `otherwise`: a header, and how who sends it is told errors."""

    method: str
    path: str
    door: str
    error: Callable[[AiPalError], Any]
    asks: Reads | None = None
    tells: Tells | None = None
    takes: Takes | None = None
    form: bool = False
    media_type: str = "application/json"
    alone: bool = False
    starts: bool = True
    never: str = ""
    body: Any = None
    query: tuple[str, ...] = ()
    heeds: tuple[str, ...] = ()
    anybody: bool = False
    manages: bool = False
    of_all: bool = False
    owned: bool = False
    private: bool = False
    otherwise: tuple[str, Callable[[AiPalError], Any]] | None = None

    def told(self, headers: Mapping[str, str]) -> Callable[[AiPalError], Any]:
        """How a failure is told to who sends these headers: some paths belong to two protocols."""
        return self.otherwise[1] if self.otherwise and self.otherwise[0] in headers else self.error

    @property
    def of_page(self) -> bool:
        """Whether our own page asks it, and no other's."""
        return self.door == PAGE

    @property
    def streams(self) -> bool:
        """Whether its answer may be a stream."""
        fields: tuple[str, ...] = getattr(self.body, "__struct_fields__", ())
        return "stream" in fields or "stream" in self.query
