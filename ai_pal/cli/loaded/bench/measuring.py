"""Measures one setting of a model as any client would: load it, ask it, and let go of what was not there."""

import contextlib
import secrets
from collections.abc import Callable, Iterator

from ai_pal.cli.loaded.bench.figures import Row, Run
from ai_pal.client import Client
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire

KEEP = 120.0
"""Seconds that what was loaded for this stays, should this process die."""

WARM_UP = 8
"""Tokens that are written before anything is measured: a process is slower at first."""

WORDS = (
    "river stone morning light over the old town where people walk to work and talk about rain bread "
    "music the long road north a letter that never came and what the sea gives back in winter"
)
"""What is read, again and again."""

Tell = Callable[[str], None]


class Size:
    """How much is read and written, and how often."""

    def __init__(self, prompt: int, answer: int, repeat: int) -> None:
        self.prompt, self.answer, self.repeat = prompt, answer, repeat


def measure(
    client: Client, reference: str, size: Size, tell: Tell, *, as_set: bool, shown: str, form_of: str = ""
) -> Row:
    """The figures of this reference; `tell` hears how far it is. Raises `AiPalError`."""
    with loaded(client, reference, tell) as worker:
        _ask(client, worker.model, WARM_UP, WARM_UP)
        runs = []
        for number in range(size.repeat):
            tell(f"answer {number + 1} of {size.repeat}")
            runs.append(_ask(client, worker.model, size.prompt, size.answer))
        now = _status(client, worker.model) or worker
        return Row(shown, now.threads, as_set, now.memory, runs, form_of)


@contextlib.contextmanager
def loaded(client: Client, reference: str, tell: Tell) -> Iterator[wire.WorkerStatus]:
    """The model, loaded; one that was not is unloaded afterwards, unless others wait for it by now."""
    before = {worker.asked_as for worker in client.status().workers}
    name = reference
    try:
        for event in client.load(reference, None if reference in before else KEEP):
            name = event.model or name
            if isinstance(event, wire.Loading):
                tell(f"loading {event.progress:.0%}" if not event.reason else f"waiting: {event.reason}")
        worker = _status(client, name)
        yield worker or wire.WorkerStatus(name, "ready")
    finally:
        if name not in before:
            with contextlib.suppress(AiPalError):
                worker = _status(client, name)
                if worker is not None and not worker.queued:  # what runs is finished first
                    client.unload(name)


def _ask(client: Client, model: str, prompt: int, answer: int) -> Run:
    """One raw completion of a text that no cache has seen. It is in no history, and no account of usage."""
    words = WORDS.split()
    wanted = max(prompt * 3 // 4, 1)
    text = " ".join([secrets.token_hex(4), *(words[n % len(words)] for n in range(wanted))])
    said = client.complete(text, model=model, max_tokens=answer, temperature=0.0)
    read = said.usage.prompt_tokens - said.usage.cached_tokens
    prefill = read / said.timings.prefill if said.timings.prefill > 0 and read > 0 else None
    decode = said.timings.tokens_per_second or None
    return Run(
        said.usage.prompt_tokens, said.usage.completion_tokens, prefill, decode, said.timings.first_token
    )


def _status(client: Client, name: str) -> wire.WorkerStatus | None:
    return next((worker for worker in client.status().workers if worker.asked_as == name), None)
