"""A simulated client: asks, cancels, vanishes, stops reading and sends nonsense, at random moments."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, Tool
from tests.simulation.hub import DISTANT, SIZE
from tests.simulation.pipe import Pipe
from tests.simulation.work import Sums, asked_for, parts, picture

if TYPE_CHECKING:
    from tests.simulation.world import World

Control = wire.Load | wire.Unload | wire.Status | wire.Pull | Sums
LOOK = Tool("look")
"""Whoever is given it calls it, with words for arguments."""
WORDS = ("one", "two", "three", "four", "five")


class Ask(msgspec.Struct):
    """One request as its client sees it."""

    request: wire.Chat | Control
    sent_at: float
    heard_at: float = 0.0
    accepted: bool = False
    cancelled: bool = False
    late: bool = False
    text: str = ""
    texts: dict[int, str] = {}
    crossed: bool = False
    unsure: int = 0
    parts: int = 0
    begins: int = 0
    next_seq: int = 0
    progress: float = -1.0
    read: dict[str, tuple[int, int]] = {}
    pulled: int = 0
    starts: int = 0
    seams: int = 0
    ended: wire.Event | None = None


class SimClient:
    """`asks` holds every request by id, the open one last."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name, self.identity = world, name, name.encode()
        self.down = Pipe(world.time, world.dice, self._received, limit=60)
        self.up = Pipe(world.time, world.dice, self._arrived)
        self.asks: dict[int, list[Ask]] = {}
        self.gone = False
        self.deaf = False
        self._ids = itertools.count(1)
        self.send(wire.Hello(wire.PROTOCOL))

    def send(self, *requests: wire.Request, blobs: Sequence[bytes] = ()) -> None:
        """Several requests go out as one message, behind the last one its attachments."""
        for request in requests:
            self.world.note(self.name, "sends", request)
            if isinstance(request, wire.Chat | Control):
                ask = Ask(request, self.world.time.now(), late=self.deaf)
                self.asks.setdefault(request.id, []).append(ask)
        self.up.send([*(wire.encode(request) for request in requests), *blobs])

    def open(self) -> list[Ask]:
        return [ask for asks in self.asks.values() for ask in asks if ask.ended is None]

    # -- what it does --------------------------------------------------------------------------

    def act(self) -> None:
        """One random thing."""
        if self.gone:
            return
        dice = self.world.dice
        deed = dice.choices(
            (self.ask, self.burst, self.cancel, self.load, self.unload, self.status, self.babble, self.again,
             self.stop_reading, self.vanish, self.pull, self.compute, self.attach),
            (40, 8, 16, 5, 3, 4, 3, 3, 3, 2, 4, 12, 6),
        )[0]  # fmt: skip
        deed()

    def ask(self) -> None:
        self.send(self._chat(self._model()))

    def burst(self) -> None:
        model = self._model()
        self.send(*(self._chat(model) for _ in range(self.world.dice.randint(2, 10))))

    def cancel(self) -> None:
        kinds = wire.Chat | wire.Load | wire.Pull | Sums
        chats = [ask for ask in self.open() if isinstance(ask.request, kinds)]
        if not chats:
            return self.send(wire.Cancel(99_999))
        ask = self.world.dice.choice(chats)
        for same in self.asks[ask.request.id]:
            same.cancelled = True
        return self.send(wire.Cancel(ask.request.id))

    def compute(self) -> None:
        """Vectors, ranks or a count."""
        dice = self.world.dice
        model = dice.choice((*self.world.tempers, "", "sound"))
        deadline = dice.choice((None, None, None, 0.5, 5.0))
        self.send(asked_for(dice, next(self._ids), model, deadline))

    def attach(self) -> None:
        """A chat with pictures in frames of their own; now and then one of them does not come."""
        dice = self.world.dice
        chat = self._chat(dice.choice(("sound", "faulty", "slow")))
        ask, count = chat.options.extra["ask"], dice.randint(1, 3)
        pictures = [picture(ask, number) for number in range(1, count + 1)]
        if dice.random() < 0.1:
            pictures.pop()
        said = parts(chat.messages[0].text, count)
        self.send(msgspec.structs.replace(chat, messages=[Message("user", [*said])]), blobs=pictures)

    def load(self) -> None:
        model = self._model()
        self.send(wire.Load(next(self._ids), model, self._keep_alive(), pull=self._pulls(model)))

    def unload(self) -> None:
        model = self.world.dice.choice(("", self._model()))
        self.send(wire.Unload(next(self._ids), model))

    def pull(self) -> None:
        self.send(wire.Pull(next(self._ids), self.world.dice.choice((DISTANT, DISTANT, "sound", "unknown"))))

    def status(self) -> None:
        self.send(wire.Status(next(self._ids)))

    def babble(self) -> None:
        dice = self.world.dice
        chat = bytearray(wire.encode(self._chat("sound")))
        chat[dice.randrange(len(chat))] = dice.randrange(256)
        del chat[dice.randrange(4, len(chat)) :]
        self.up.send([dice.choice((b"", b"\xc1", b"\x91" * 2000, dice.randbytes(40), bytes(chat)))])

    def again(self) -> None:
        """Use an id a second time, perhaps while it is open."""
        used = [asks[-1].request for asks in self.asks.values() if isinstance(asks[-1].request, wire.Chat)]
        if used:
            request = self.world.dice.choice(used)
            private = request.privacy == "local"
            extra = {"tokens": 3, "thoughts": 0, "ask": self.world.next_ask(), "private": private}
            self.send(msgspec.structs.replace(request, options=GenerationOptions(extra=extra)))

    def stop_reading(self) -> None:
        self.world.note(f"{self.name} stops reading")
        self.deaf = True
        self.down.pause()
        for ask in self.open():
            ask.late = True
        self.world.time.after(self.world.dice.uniform(0.1, 20), self._read_again)

    def _read_again(self) -> None:
        if not self.gone:
            self.world.note(f"{self.name} reads again")
            self.down.resume()
            self.deaf = False

    def vanish(self) -> None:
        """Goodbye, or a process that ends, or a socket that closes without anybody noticing at first."""
        self.world.note(f"{self.name} leaves")
        way = self.world.dice.random()
        if way < 0.4:
            self.send(wire.Goodbye())
        self.gone = True
        self.up.close()
        self.down.cut()
        if 0.4 <= way < 0.8:
            self.world.time.after(0.01, lambda: self.world.client_died(self.identity))

    def _chat(self, model: str) -> wire.Chat:
        dice, temper = self.world.dice, self.world.tempers.get(model)
        lengths = (0, 1, 5) if temper and temper.slow else (0, 1, 5, 20, 60)
        private, pulls = dice.random() < 0.2, self._pulls(model)
        thoughts = dice.choice((0, 0, 1, 4))
        tools = [LOOK] if dice.random() < 0.15 else []
        escalate, seams = self.world.doubts.wish()
        text = " ".join(dice.choices(WORDS, k=dice.choice((0, *range(1, 6), *range(1, 6)))))
        return wire.Chat(
            next(self._ids),
            [Message("user", text)],
            model,
            GenerationOptions(
                extra={
                    "tokens": dice.choice(lengths),
                    "thoughts": thoughts,
                    "ask": self.world.next_ask(),
                    "private": private,
                },
                tools=tools,
            ),
            deadline=None if pulls else dice.choice((*[None] * 8, 1e-6, 0.5, 5.0, 30.0)),
            pull=pulls,
            pull_limit=dice.choice((0, 0, SIZE, SIZE - 1)),
            keep_alive=self._keep_alive(),
            privacy="local" if private else "any",
            fallback=dice.random() < 0.9,
            continuation=dice.random() < 0.3,
            escalate=escalate,
            seams=seams,
        )

    def _pulls(self, model: str) -> bool:
        return model == DISTANT and self.world.dice.random() < 0.8

    def _model(self) -> str:
        if self.world.tiers and self.world.dice.random() < 0.6:
            return self.world.dice.choice(("", "", "", "openai:gpt-4", "ollama:phi"))
        return self.world.dice.choice((*self.world.tempers, "sound", "sound", "faulty", "unknown"))

    def _keep_alive(self) -> float | None:
        return self.world.dice.choice((None, None, None, 0.0, 3.0, -1.0))

    # -- what it hears -------------------------------------------------------------------------

    def _arrived(self, frames: list[bytes]) -> None:
        self.world.from_client(self.identity, frames)

    def _received(self, frames: list[bytes]) -> None:
        if self.gone:
            return
        for frame in frames:
            event = wire.decode_event(frame)
            self.world.note(self.name, "hears", event)
            self._hear(event)

    def _hear(self, event: wire.AnyEvent) -> None:
        if isinstance(event, wire.Welcome):
            return
        if event.id == 0:
            assert isinstance(event, wire.Failed)
            if event.reasons[0].code == Code.DUPLICATE_ID:
                self._drop_duplicate(event.reasons[0].message)
            return
        asks = self.asks.get(event.id, [])
        ask = next((ask for ask in asks if ask.ended is None), None)
        if ask is None:
            # A mangled request may be a readable one with an id that this client does not know of.
            self.world.checks.expect(not asks, f"{self.name}: {event} after the end")
            return
        self.world.checks.heard(self, ask, event)
        ask.heard_at = self.world.time.now()

    def _drop_duplicate(self, message: str) -> None:
        request_id = int(message.split()[2])
        asks = self.asks.get(request_id, [])
        waiting = [ask for ask in asks if ask.ended is None]
        if len(waiting) > 1:
            asks.remove(waiting[1])
