"""A server on loopback that answers each request with the body that is kept for its model's name."""

import contextlib
import json
from collections.abc import Iterator

import msgspec

from ai_pal.protocol.provider import Api
from tests.contract.providers import scripted
from tests.egress_driver import Answer, EgressDriver
from tests.servers.bad_events import TYPES
from tests.servers.loopback import Exchange, Loopback

AT_ONCE = 32


class Body(msgspec.Struct, frozen=True):
    """What is answered: pieces, each sent by itself."""

    pieces: list[bytes]
    headers: dict[str, str] = {}


class Bodies:
    """`kept` are the bodies by name."""

    def __init__(self, api: Api) -> None:
        self.api, self.kept = api, dict[str, Body]()
        self.url = ""

    async def answer(self, exchange: Exchange) -> None:
        body = self.kept[json.loads(exchange.body)["model"]]
        named = {name.lower(): value for name, value in body.headers.items()}
        await exchange.begin(named.pop("content-type", TYPES[self.api]), named)
        for piece in filter(None, body.pieces):
            await exchange.piece(piece)
        await exchange.end()

    def ask(self, egress: EgressDriver, *pieces: bytes, **headers: str) -> Answer:
        """What becomes of one body."""
        self.kept["m"] = Body(
            list(pieces), {name.replace("_", "-"): value for name, value in headers.items()}
        )
        return egress.ask(scripted(self.api, self.url).complete())

    def ask_all(self, egress: EgressDriver, bodies: dict[str, Body]) -> Iterator[tuple[str, Answer]]:
        """What becomes of each, some at a time."""
        self.kept = bodies
        names = list(bodies)
        for start in range(0, len(names), AT_ONCE):
            batch = names[start : start + AT_ONCE]
            keys = [egress.start(scripted(self.api, self.url).complete(model=name)) for name in batch]
            for name, key in zip(batch, keys, strict=True):
                yield name, egress.gather(key, 60)


@contextlib.contextmanager
def bodies_of(api: Api) -> Iterator[Bodies]:
    bodies = Bodies(api)
    with Loopback(bodies.answer) as server:
        bodies.url = server.url
        yield bodies
