"""What llama.cpp has read of kept conversations: fetched before their first turn in this process, saved at
its end. Nothing else of its cache is ever written."""

import itertools
import os
import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from workers.engines.unix_http import TIMEOUT, Asker
from workers.kept_prefixes import OWN_SHARE, WORTH, KeptPrefixes
from workers.log import cause, log
from workers.template_clock import Begun

NUMBER = "n_discard"
"""A request's option that does nothing here, where no window is shifted. The server tells it of each slot: so
it says whose request has filled the slot."""
MOST = 64
"""Conversations that are remembered, the latest ones."""
HEAD = 1 << 12
"""Bytes at most that a file has before its tokens."""
NUDGE = {"prompt": "x", "n_predict": 0, "cache_prompt": False}
"""A task that begins has the server put aside what idle slots hold, which makes room."""


class Read(NamedTuple):
    """The latest prompt of a conversation, the number of its request, and what time it is told."""

    number: int
    prompt: str
    begun: Begun | None = None


class Prefixes:
    """Thread-safe; `tokens` are those of a prompt, `token_bytes` is about what one takes."""

    def __init__(
        self, asker: Asker, files: KeptPrefixes, token_bytes: int, tokens: Callable[[str], list[int]]
    ) -> None:
        self._asker, self._files, self._token_bytes, self._tokens = asker, files, token_bytes, tokens
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._read: OrderedDict[str, Read] = OrderedDict()

    def begun(self, mark: str) -> Begun | None:
        """What time a conversation was told that has not gone on yet in this process."""
        with self._lock:
            return None if mark in self._read else self._files.begun(mark)

    def begin(self, mark: str, prompt: str, begun: Begun | None = None) -> dict[str, Any]:
        """A request of this conversation begins: fetch what is kept of it, once. What its body has to say."""
        with self._lock:
            is_new = mark not in self._read
            self._read[mark] = read = Read(next(self._numbers), prompt, begun)
            self._read.move_to_end(mark)
            if len(self._read) > MOST:
                self._read.popitem(last=False)
            if is_new:
                try:
                    self._fetch(mark, prompt)
                except Exception as error:  # noqa: BLE001 - it is read anew then
                    log("warning", "what is kept of a conversation was not used", reason=cause(error))
        return {NUMBER: read.number}

    def save(self, seconds: float) -> None:
        """Save what was read of kept conversations, the latest first, as far as the time goes."""
        until = time.monotonic() + seconds
        with self._lock:
            try:
                full = [slot for slot in self._slots(until) if slot.get("n_prompt_tokens")]
                slots = {slot.get("params", {}).get(NUMBER): slot for slot in full}
                waiting = list(reversed(self._read.items()))
                filled = [(mark, read, slots[read.number]) for mark, read in waiting if read.number in slots]
                # First what lies in slots: to look for another may displace it.
                done = {mark for mark, read, slot in filled if self._save(mark, read, slot, until)}
                for mark, read in waiting:
                    if mark not in done and self._files.is_wanted(mark):
                        slot = self._called_back(read, until)
                        if slot is not None:
                            self._save(mark, read, slot, until)
            except Exception as error:  # noqa: BLE001 - the time is over, the server says no: the end comes
                log("warning", "what was read of a conversation is not kept", reason=cause(error))

    # Fetching.

    def _fetch(self, mark: str, prompt: str) -> None:
        before = self._files.tokens(mark)
        if before is None:
            return
        shared = common(before, self._tokens(prompt))
        if shared < max(WORTH, OWN_SHARE * len(before)):
            return
        handle = self._files.open(mark)
        if handle is None:
            return
        try:
            if not self._restored(handle):
                self._asker.ask("/completion", NUDGE)
                if not self._restored(handle):
                    log("warning", "what is kept of a conversation does not fit now")
        finally:
            os.close(handle)

    def _restored(self, handle: int) -> bool:
        idle = [slot for slot in self._slots() if not slot["is_processing"]]
        if not idle:
            return False
        slot = min(idle, key=lambda one: one.get("n_prompt_tokens", 0))
        try:
            told = self._asker.ask(f"/slots/{slot['id']}?action=restore", {"filename": str(handle)})
        except OSError:
            return False
        log("debug", "prefix_fetched", tokens=told.get("n_restored"), size=told.get("n_read"))
        return True

    # Saving.

    def _save(self, mark: str, read: Read, slot: dict[str, Any], until: float) -> bool:
        if slot["is_processing"]:
            return False
        draft = None
        if (length := slot["n_prompt_tokens"]) >= WORTH:
            draft = self._files.begin(mark, length * self._token_bytes)
        if draft is None:
            return True  # too short, not wanted, or there is no room: not to be looked for either
        try:
            route = f"/slots/{slot['id']}?action=save"
            self._asker.ask(route, {"filename": str(draft.handle)}, timeout=_left(until))
            tokens = self._tokens(read.prompt)
        except BaseException:
            self._files.give_up(draft)
            raise
        if not holds(draft.handle, tokens):
            self._files.give_up(draft)
            return False
        kept = self._files.finish(draft, tokens, read.begun)
        log("debug", "prefix_kept", tokens=length, kept=kept)
        return kept

    def _called_back(self, read: Read, until: float) -> dict[str, Any] | None:
        """The slot into which the server takes back what it has put aside of this prompt; None where it has
        none of that any more, and would have to read it again."""
        last: dict[str, Any] = {}

        def each(event: dict[str, Any]) -> bool:
            nonlocal last
            last = event
            progress = event.get("prompt_progress") or {}
            missing = progress.get("total", 0) - progress.get("cache", 0)
            return missing > WORTH or time.monotonic() > until

        body = {"prompt": self._tokens(read.prompt), "n_predict": 0, "stream": True, "return_progress": True}
        self._asker.stream("/completion", body, each, timeout=_left(until))
        number = last.get("id_slot")
        found = (slot for slot in self._slots(until) if slot["id"] == number)
        return next((slot for slot in found if slot.get("n_prompt_tokens")), None)

    # The server.

    def _slots(self, until: float | None = None) -> list[dict[str, Any]]:
        slots: Any = self._asker.ask("/slots", timeout=TIMEOUT if until is None else _left(until))
        return list(slots)


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def holds(handle: int, tokens: Sequence[int]) -> bool:
    """Whether the file says of itself that these tokens are what it begins with: whatever else happened to
    its slot, no other conversation goes into this one's folder."""
    wanted = array("i", tokens).tobytes()
    return bool(wanted) and wanted in os.pread(handle, HEAD + len(wanted), 0)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for it is over")
    return left
