"""Keeps a conversation while it is held: each turn as it ends, and never in the way of the chat."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ai_pal.conversations.model import Conversation, Turn
from ai_pal.conversations.prefixes import PrefixFolders, new_mark
from ai_pal.errors import AiPalError, Code, fail

if TYPE_CHECKING:  # SQLite is not needed before the first answer has ended
    from ai_pal.conversations.records import Head
    from ai_pal.conversations.store import Conversations

LATEST = 0
"""Stands for the conversation that was last spoken in."""


class Recorder:
    """Owns the way to the database. Without `writes` it only reads; `warn` is told once why a turn could
    not be kept. `typed` is the file of what was entered at the prompt. What models have read of the
    conversation is kept, and goes, with it."""

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
        self._prefixes = PrefixFolders(file)
        self._number: int | None = None
        self._branch_of: int | None = None
        self._updated: float | None = None
        self._mark = ""
        self._kept: list[Turn] = []
        self._marked: list[Turn] = []  # all turns of which something may be read under this mark

    def begin_anew(self) -> None:
        """What is kept from now on is another conversation."""
        if self._number is None:
            self._drop_mark()
        self._number, self._mark, self._kept, self._marked = None, "", [], []
        self._branch_of = self._updated = None

    def branch(self) -> None:
        """What is kept from now on is a branch of this conversation, which stays as it is."""
        number = self._number
        self.begin_anew()
        self._branch_of = number

    @property
    def number(self) -> int | None:
        """The conversation that is kept; None while nothing of it is."""
        return self._number

    def mark_of(self, conversation: Conversation) -> str:
        """The name of the folder for what a model reads of this conversation now; empty: nothing of it is
        kept. Another one, where something was taken back: that is not to be kept either."""
        if not self.writes:
            return ""
        self._renew(conversation.turns)
        try:
            mark = self._mark or new_mark()
            if mark != self._mark:
                self._prefixes.make(mark)
            self._mark = mark
        except (AiPalError, OSError):  # it is slower without
            return ""
        return self._mark

    def _renew(self, turns: list[Turn]) -> None:
        """Let go of the mark where one of the turns that it stands for is there no more."""
        if _taken_back(self._marked, turns):
            self._drop_mark()
        self._marked = list(turns)

    def _drop_mark(self) -> None:
        mark, self._mark = self._mark, ""
        with suppress(OSError):
            self._prefixes.remove(mark)

    def take_up(self, number: int) -> tuple["Head", Conversation]:
        """A kept conversation (`LATEST`, or its number), to be gone on with. Raises `AiPalError`."""
        store = self._open()
        wanted = number or store.latest()
        if wanted is None:
            fail(Code.CONVERSATION_NOT_FOUND, "no conversation is kept yet", "begin one: ai-pal chat")
        kept = store.show(wanted)
        from ai_pal.conversations.kept import conversation_of

        conversation = conversation_of(kept)
        self._number, self._kept, self._updated = wanted, list(conversation.turns), kept.head.updated
        if self.writes and (mark := store.mark(wanted)):
            with suppress(AiPalError, OSError):
                self._prefixes.make(mark)
                self._mark, self._marked = mark, list(conversation.turns)
        return kept.head, conversation

    def keep(
        self, conversation: Conversation, model: str = "", *, local_only: bool = False, mine: bool = False
    ) -> None:
        """Keep what is new, and drop what was taken back. An answer that still comes may be kept time and
        again as it grows."""
        if not self.writes or conversation.turns == self._kept:
            return
        try:
            self._keep(conversation, model, local_only, mine)
        except (AiPalError, ValueError) as error:
            self._tell(error)

    def forget(self) -> bool:
        """Delete this conversation without a trace; False where nothing of it was kept."""
        number = self._number
        self._drop_mark()
        self.begin_anew()
        if number is not None and self.writes:
            self._open().delete([number])
            self._to_wipe = False
        self._tidy_typed()
        return number is not None and self.writes

    def close(self) -> None:
        """Let go of the database; what was taken back is wiped first, and what was typed and not kept."""
        try:
            if self._number is None:
                self._drop_mark()
            if self._to_wipe:
                self._open().wipe()
            elif self._store is not None and self.writes:
                self._store.sweep()
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

    def _keep(self, conversation: Conversation, model: str, local_only: bool, mine: bool) -> None:
        from ai_pal.conversations.kept import messages_of

        store, turns, now = self._open(), conversation.turns, self._now()
        same = _common(self._kept, turns)
        self._renew(turns)
        if not turns and self._number is not None:
            store.delete([self._number])
            self._drop_mark()
            self.begin_anew()
            return
        if self._number is not None:
            grows = _grows(self._kept, turns, same)
            new = messages_of(turns[same:], now)[1 if grows else 0 :]
            expected = 2 * len(self._kept)
            if store.keep(
                self._number,
                new,
                after=2 * same + (1 if grows else 0),
                expected=expected,
                now=now,
                local_only=local_only,
                mine=mine,
                mark=self._mark,
                since=self._updated,
            ):
                self._to_wipe |= _taken_back(self._kept, turns)
            else:
                # It has gone on elsewhere: this is a branch of it. What was read belongs to both.
                self._branch_of, self._number = self._number, None
        if self._number is None:
            title, system = turns[0].prompt, conversation.system
            everything = messages_of(turns, now)
            self._number = store.begin(
                title,
                everything,
                now=now,
                model=model,
                system=system,
                local_only=local_only,
                mine=mine,
                mark=self._mark,
                branch_of=self._branch_of,
            )
        self._kept, self._updated = list(turns), now

    def _open(self) -> "Conversations":
        if self._store is None:
            from ai_pal.conversations.store import Conversations

            self._store = Conversations(self._file)
        return self._store

    def _tell(self, error: Exception) -> None:
        self._drop_mark()
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


def _grows(before: list[Turn], after: list[Turn], same: int) -> bool:
    """Whether the first turn in which they differ is one whose answer has grown."""
    if same >= min(len(before), len(after)):
        return False
    old, new = before[same], after[same]
    return (
        (old.prompt, old.attachments) == (new.prompt, new.attachments)
        and old.interrupted
        and new.answer.startswith(old.answer)
        and new.thinking.startswith(old.thinking)
    )


def _taken_back(before: list[Turn], after: list[Turn]) -> bool:
    """Whether something of what was said is there no more."""
    same = _common(before, after)
    return same + _grows(before, after, same) < len(before)
