"""The time that chat templates tell a model. It stands still while a conversation is carried on: what was
read of that begins with it. Pure but for the clock that it is given."""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from ai_pal.protocol.content import Message

FUNCTION = "strftime_now"
"""What templates call for it, with a format."""
VARIABLES = {"date_string": "%d %b %Y", "datetime": "%b %d %Y"}
"""What they look for instead, and in which format llama.cpp says it to them."""
TOLD = "told_dates"
CARRIED_ON, LONGEST = 6 * 3600.0, 24 * 3600.0
"""Seconds to the next question, and since the first: then it is another day for whoever asks."""
AT_ONCE = 60.0
"""A first question is put in several times: counted, rendered, asked again."""
MOST = 256
"""Conversations that are remembered, the latest ones."""
_CALL = re.compile(rf"""\b{FUNCTION}\(\s*(?P<form>"[^"\\]*"|'[^'\\]*')\s*\)""")


def steerable(template: str) -> str:
    """The same template, which asks `TOLD` for its dates where that is given: both engines have a clock of
    their own."""
    return _CALL.sub(lambda one: f"({TOLD}[{one['form']}] if {TOLD} is defined else {one[0]})", template)


class Begun(NamedTuple):
    """What time a conversation is told, and when it was last asked about."""

    told: float
    last: float


class TemplateClock:
    """Of one template. Thread-safe."""

    def __init__(self, template: str, now: Callable[[], float] = time.time) -> None:
        self._forms = {one["form"][1:-1] for one in _CALL.finditer(template)}
        self._is_read = any(name in template for name in (FUNCTION, *VARIABLES))
        self._now, self._lock = now, threading.Lock()
        self._begun: OrderedDict[bytes, Begun] = OrderedDict()

    def time_of(self, messages: Sequence[Message]) -> datetime | None:
        """What time it is in this conversation; None where the template tells none."""
        if not self._is_read:
            return None
        now, head = self._now(), _head(messages)
        with self._lock:
            begun = self._begun.pop(head, None)
            if begun is None or not _goes_on(begun, now, messages):
                begun = Begun(now, now)
            self._remember(head, begun._replace(last=now))
        return datetime.fromtimestamp(begun.told).astimezone()

    def carry_on(self, messages: Sequence[Message], begun: Begun | None) -> None:
        """The conversation was begun so in a process before this one, where it was not begun anew since."""
        if begun is None or not self._is_read:
            return
        now, head = self._now(), _head(messages)
        with self._lock:
            known = self._begun.get(head)
            is_new = known is None or now - known.told < AT_ONCE
            if is_new and _goes_on(begun, now, messages):
                self._remember(head, begun)

    def begun(self, messages: Sequence[Message]) -> Begun | None:
        """What a later process has to know of this conversation."""
        with self._lock:
            return self._begun.get(_head(messages)) if self._is_read else None

    def _remember(self, head: bytes, begun: Begun) -> None:
        self._begun[head] = begun
        if len(self._begun) > MOST:
            self._begun.popitem(last=False)

    def told(self, moment: datetime) -> dict[str, Any]:
        """What a `steerable` template is given at this time."""
        told: dict[str, Any] = {name: moment.strftime(form) for name, form in VARIABLES.items()}
        return told | {TOLD: {form: moment.strftime(form) for form in self._forms}}


def _goes_on(begun: Begun, now: float, messages: Sequence[Message]) -> bool:
    if not any(one.role == "assistant" for one in messages):
        return 0 <= now - begun.told < AT_ONCE
    return 0 <= now - begun.last < CARRIED_ON and now - begun.told < LONGEST


def _head(messages: Sequence[Message]) -> bytes:
    """Tells a conversation by what it begins with: all up to its first question."""
    digest = blake2b(digest_size=16)
    for message in messages:
        text = message.text.encode("utf-8", "surrogatepass")
        digest.update(f"{message.role} {len(text)} ".encode())
        digest.update(text)
        if message.role == "user":
            break
    return digest.digest()
