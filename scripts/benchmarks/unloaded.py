"""The second turn of a long conversation whose model was unloaded in between: from what was saved, and read
anew."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from ai_pal.client import Client
from ai_pal.config import paths
from ai_pal.conversations.prefixes import PrefixFolders, new_mark
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.usage import Usage
from scripts.benchmarks.figures import Row, alternate, ratio, row
from scripts.benchmarks.supervisors import MODEL, supervisor

TOKENS = 6000
LINE = "On day {} the keeper of the lighthouse wrote down wind, rain and {} ships. "
LINE_TOKENS = 23
"""About; the row tells how many there were."""
ANSWER = GenerationOptions(temperature=0.0, max_tokens=32, extra={"ignore_eos": True})


def second_turn(pairs: int) -> Iterator[Row]:
    story = "".join(LINE.format(day, day * 7) for day in range(TOKENS // LINE_TOKENS))
    messages = [Message("user", story)]
    with supervisor(context="8192") as running, running.client() as client:
        mark = new_mark()
        store = paths.store_file(running.environ)
        PrefixFolders(store).make(mark)
        folder, aside = store.parent / "prefixes" / mark, store.parent / "aside"
        text, _, _ = _asked(client, messages, mark)
        begun = time.perf_counter()
        client.unload(MODEL)
        unload = time.perf_counter() - begun
        size = sum(path.stat().st_size for path in folder.iterdir())
        shutil.copytree(folder, aside)
        messages += [Message("assistant", text), Message("user", "How many ships came on day 3?")]
        usages: list[Usage] = []

        def warm(_: int) -> float:
            _renewed(folder, aside)  # each unload keeps what it has read by then
            first, usage = _reloaded(client, messages, mark)
            usages.append(usage)
            return first

        saved, anew = alternate(pairs, warm, lambda _: _reloaded(client, messages, "")[0])
    computed = [float(usage.prompt_tokens - usage.cached_tokens) for usage in usages]
    note = f"of {usages[-1].prompt_tokens}; {size / 1e6:.0f} MB were saved within an unload of {unload:.2f} s"
    yield row("second turn after an unload: tokens computed", computed, at_most=200, note=note)
    yield row("  its first token, model loaded", saved, "s")
    yield ratio("  its first token, read anew / from what was saved", anew, saved, at_least=5.0)


def _renewed(folder: Path, aside: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(aside, folder)


def _reloaded(client: Client, messages: list[Message], mark: str) -> tuple[float, Usage]:
    list(client.load(MODEL))
    _, first, usage = _asked(client, messages, mark)
    client.unload(MODEL)
    return first, usage


def _asked(client: Client, messages: list[Message], mark: str) -> tuple[str, float, Usage]:
    """The answer, seconds until its first text, and what it took."""
    asked, first, text = time.perf_counter(), 0.0, ""
    for event in client.chat(messages, model=MODEL, options=ANSWER, conversation=mark, keep_alive=-1):
        match event:
            case wire.Delta():
                first = first or time.perf_counter() - asked
                text += event.text
            case wire.Done():
                return text, first, event.usage
            case wire.Failed() | wire.Interrupted():
                raise RuntimeError(f"no answer: {event}")
    raise RuntimeError("no end of the answer")
