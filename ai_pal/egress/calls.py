"""Calls of tools, put together from what servers send of them: without ids, without places, all at once,
named again with each piece, their arguments as text, as an object, as null. Pure."""

import json
from collections.abc import Callable, Iterator

import msgspec

from ai_pal.egress.providers.answers.pieces import CallPiece


class Begun(msgspec.Struct, frozen=True):
    """A call begins; `number` tells it apart."""

    number: int
    id: str
    name: str


class Arguments(msgspec.Struct, frozen=True):
    """A piece of the arguments of this call."""

    number: int
    text: str


class Nameless(Exception):  # noqa: N818 (it becomes a failure)
    """A tool was called, and nobody said which."""


class _Call(msgspec.Struct, eq=False):
    """`told` is the id that the server gave it. `held` waits for the name, or to be more than a null."""

    number: int
    place: int | None
    told: str
    name: str = ""
    begun: bool = False
    held: str = ""
    sent: list[str] = msgspec.field(default_factory=list)
    is_object: bool = False

    @property
    def empty(self) -> bool:
        return not self.sent and not self.held.strip()

    @property
    def whole(self) -> bool:
        """Whether its arguments are complete."""
        return self.is_object or _is_json("".join([*self.sent, self.held]))


class Calls:
    """The calls of one answer. `new_id` makes an id that no other call has."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._calls: list[_Call] = []
        self._ids: set[str] = set()

    def take(self, piece: CallPiece) -> Iterator[Begun | Arguments]:
        """What this piece adds."""
        call = self._of(piece)
        call.name = call.name or piece.name
        call.told = call.told or piece.id
        if isinstance(piece.arguments, str) and not call.is_object:
            call.held += piece.arguments
        elif isinstance(piece.arguments, dict) and piece.arguments and call.empty:
            call.held, call.is_object = json.dumps(piece.arguments, ensure_ascii=False), True
        yield from self._sent(call)

    def close(self, *, cut: bool = False) -> Iterator[Begun | Arguments]:
        """What is left when the answer has ended; `cut`: its limit has ended it. Raises `Nameless`."""
        for call in self._calls if not cut else ():
            if not call.name:
                raise Nameless
            if not call.sent:
                call.sent.append("{}")
                yield Arguments(call.number, "{}")

    def __bool__(self) -> bool:
        return bool(self._calls)

    def _sent(self, call: _Call) -> Iterator[Begun | Arguments]:
        if not call.name:
            return
        if not call.begun:
            call.begun = True
            yield Begun(call.number, self._id(call.told), call.name)
        if call.held and (call.sent or not "null".startswith(call.held.strip())):
            call.sent.append(call.held)
            yield Arguments(call.number, call.held)
            call.held = ""

    def _id(self, told: str) -> str:
        chosen = told if told and told not in self._ids else self._new_id()
        self._ids.add(chosen)
        return chosen

    def _of(self, piece: CallPiece) -> _Call:
        """The call that a piece belongs to: the one that it goes on with, or a new one."""
        before = self._before(piece)
        if before is not None and not _begins_anew(piece, before):
            return before
        call = _Call(len(self._calls), piece.place, piece.id)
        self._calls.append(call)
        return call

    def _before(self, piece: CallPiece) -> _Call | None:
        """The call that this piece may go on with."""
        upwards = list(reversed(self._calls))
        if piece.place is not None:
            there = next((call for call in upwards if call.place == piece.place), None)
            if there is not None or piece.id or piece.name:
                return there
        if piece.id:
            known = next((call for call in upwards if call.told == piece.id), None)
            if known is not None:
                return known
        return upwards[0] if upwards else None


def _begins_anew(piece: CallPiece, before: _Call) -> bool:
    """Whether a piece is of another call than the one before it: that one is named otherwise, or is whole
    and this one has arguments of its own."""
    if not piece.name or not before.name or (piece.id and piece.id == before.told):
        return False
    others = bool(piece.id and before.told)
    if others and (before.whole or before.empty):
        return True
    if piece.name != before.name and piece.place is None:
        return True
    return before.whole and bool(piece.arguments)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
