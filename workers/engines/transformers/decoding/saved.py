"""What was read of kept conversations, on disk: keys and values of their rows as safetensors, told apart by
`workers.kept_prefixes`."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file

from ai_pal.formats.adapters import adapters_in
from ai_pal.protocol.worker import LoadModel
from workers.engines.transformers.decoding.prefix import common
from workers.engines.transformers.decoding.rows import PackedRow
from workers.kept_prefixes import OWN_SHARE, WORTH, KeptPrefixes, fingerprint_of
from workers.log import cause, log
from workers.template_clock import Begun

HANDLES = Path("/proc/self/fd")
"""Where the library reads files that we have opened and checked."""
MOST = 1024
"""Conversations of which is remembered that they were looked for, and what time they are told."""


class SavedRows:
    """Thread-safe. Rows are fetched once per conversation, and saved when the process ends."""

    def __init__(self, files: KeptPrefixes, device: torch.device | str) -> None:
        self._files, self._device = files, device
        self._lock = threading.Lock()
        self._looked: OrderedDict[str, Begun | None] = OrderedDict()

    def begun(self, mark: str) -> Begun | None:
        """What time a conversation was told that has not gone on yet in this process."""
        with self._lock:
            is_known = mark in self._looked
        return None if is_known else self._files.begun(mark)

    def fetch(self, mark: str, tokens: Sequence[int], begun: Begun | None = None) -> PackedRow | None:
        """What is kept of this conversation, if its prompt still begins so, once; `begun` goes with it."""
        with self._lock:
            is_known = mark in self._looked
            self._looked[mark] = begun
            self._looked.move_to_end(mark)  # one that goes on is not among the oldest
            if is_known:
                return None
            if len(self._looked) > MOST:
                self._looked.popitem(last=False)
        before = self._files.tokens(mark)
        if before is None or common(list(before), list(tokens)) < max(WORTH, OWN_SHARE * len(before)):
            return None
        handle = self._files.open(mark)
        if handle is None:
            return None
        try:
            row = PackedRow.of(list(before), load_file(HANDLES / str(handle), device=str(self._device)))
        except Exception as error:  # noqa: BLE001 - it is read anew then
            log("warning", "what is kept of a conversation was not used", reason=cause(error))
            self._files.remove(mark)
            return None
        finally:
            os.close(handle)
        log("debug", "prefix_fetched", tokens=len(before), size=row.nbytes)
        return row

    def save(self, rows: Iterable[PackedRow], until: float) -> None:
        """Save the rows of kept conversations, the first of each, as far as the time goes."""
        done = set[str]()
        for row in rows:
            if time.monotonic() > until:
                log(
                    "warning", "what was read of a conversation is not kept", reason="the time for it is over"
                )
                return
            if row.mark and row.mark not in done and len(row.tokens) >= WORTH:
                done.add(row.mark)
                self._save(row)

    def _save(self, row: PackedRow) -> None:
        row.fit(len(row.tokens))
        draft = self._files.begin(row.mark, row.nbytes)
        if draft is None:
            return
        try:
            save_file(row.tensors(), draft.path)  # to another file, which is renamed
            draft = self._files.reopened(draft)
        except Exception as error:  # noqa: BLE001 - the disk is full: the end comes
            self._files.give_up(draft)
            log("warning", "what was read of a conversation is not kept", reason=cause(error))
            return
        kept = self._files.finish(draft, row.tokens, self._looked.get(row.mark))
        log("debug", "prefix_kept", tokens=len(row.tokens), kept=kept)


def saved_rows(spec: LoadModel, folder: Path, how: str, device: torch.device | str) -> SavedRows | None:
    """For a model of this folder, computed as `how` says; None where nothing of it may be kept. Raises
    OSError."""
    if not (spec.prefixes and spec.prefix_bytes and HANDLES.is_dir()):
        return None
    beside = [file for adapter in adapters_in(spec.options) for file in adapter.files]
    files = [*sorted(path for path in folder.iterdir() if path.is_file()), *beside]
    versions = [str(torch.__version__), transformers.__version__]
    settings: dict[str, object] = {"how": how, "versions": versions, "options": spec.options}
    kept = KeptPrefixes(Path(spec.prefixes), spec.prefix_bytes, fingerprint_of(files, settings))
    return SavedRows(kept, device)
