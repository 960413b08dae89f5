"""Keeps a conversation while it is held: each turn as it ends, and never in the way of the chat."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ai_pal.conversations.model import Conversation, Turn
from ai_pal.errors import AiPalError, Code, fail

if TYPE_CHECKING:  # SQLite is not needed before the first answer has ended
    from ai_pal.conversations.store import Conversations, Head

LATEST = 0
"""Stands for the conversation that was last spoken in."""


class Recorder:
    """Owns the way to the database. Without `writes` it only reads; `warn` is told once why a turn could
    not be kept. `typed` is the file of what was entered at the prompt."""

    def __init__(
        self,
        file: Path,
        warn: Callable[[str], None],
        *,
        writes: bool = True,
        typed: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._file, self._warn, self._typed, self._now = file, warn, typed, now
        self.writes = writes
        self._store: Conversations | None = None
        self._warned = False
        self._to_wipe = False
        self._seen = None if typed is None else _stamp(typed)
        self.begin_anew()

    def begin_anew(self) -> None:
        """What is kept from now on is another conversation."""
        self._number: int | None = None
        self._kept: list[Turn] = []

    def take_up(self, number: int) -> tuple["Head", Conversation]:
        """A kept conversation (`LATEST`, or its number), to be gone on with. Raises `AiPalError`."""
        store = self._open()
        wanted = number or store.latest()
        if wanted is None:
            fail(Code.CONVERSATION_NOT_FOUND, "no conversation is kept yet", "begin one: ai-pal chat")
        kept = store.show(wanted)
        from ai_pal.conversations.kept import conversation_of

        conversation = conversation_of(kept)
        self._number, self._kept = wanted, list(conversation.turns)
        return kept.head, conversation

    def keep(self, conversation: Conversation, model: str = "", *, local_only: bool = False) -> None:
        """Keep what is new, and drop what was taken back."""
        if not self.writes or conversation.turns == self._kept:
            return
        try:
            self._keep(conversation, model, local_only)
        except (AiPalError, ValueError) as error:
            self._tell(error)

    def forget(self) -> bool:
        """Delete this conversation without a trace; False where nothing of it was kept."""
        number = self._number
        self.begin_anew()
        if number is not None and self.writes:
            self._open().delete([number])
            self._to_wipe = False
        self._tidy_typed()
        return number is not None and self.writes

    def close(self) -> None:
        """Let go of the database; what was taken back is wiped first, and what was typed and not kept."""
        try:
            if self._to_wipe:
                self._open().wipe()
            self._tidy_typed()
        except (AiPalError, OSError) as error:
            self._tell(error)
        if self._store is not None:
            self._store.close()
            self._store = None

    def _tidy_typed(self) -> None:
        """Of what was entered at the prompt only what is in a kept conversation stays."""
        if self._typed is None or not self.writes or _stamp(self._typed) == self._seen:
            return
        from ai_pal.conversations.typed import keep_typed

        keep_typed(self._typed, self._open().prompts())
        self._seen = _stamp(self._typed)

    def _keep(self, conversation: Conversation, model: str, local_only: bool) -> None:
        from ai_pal.conversations.kept import messages_of

        store, turns, now = self._open(), conversation.turns, self._now()
        same = _common(self._kept, turns)
        if not turns and self._number is not None:
            store.delete([self._number])
            self.begin_anew()
            return
        if self._number is not None:
            new = messages_of(turns[same:], now)
            expected = 2 * len(self._kept)
            if store.keep(
                self._number, new, after=2 * same, expected=expected, now=now, local_only=local_only
            ):
                self._to_wipe |= same < len(self._kept)
            else:
                self._number = None  # it has gone on elsewhere: this is a branch of it
        if self._number is None:
            title, system = turns[0].prompt, conversation.system
            everything = messages_of(turns, now)
            self._number = store.begin(
                title, everything, now=now, model=model, system=system, local_only=local_only
            )
        self._kept = list(turns)

    def _open(self) -> "Conversations":
        if self._store is None:
            from ai_pal.conversations.store import Conversations

            self._store = Conversations(self._file)
        return self._store

    def _tell(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"this conversation is not kept: {error}")


def _stamp(file: Path) -> tuple[int, int] | None:
    """What changes with the file; None where there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _common(before: list[Turn], after: list[Turn]) -> int:
    """How many turns both begin with."""
    same = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        same += 1
    return same
