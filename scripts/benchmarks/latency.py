"""Each model as its user meets it: the first answer with nothing running, a later one, and the speed."""

from collections.abc import Iterator

from ai_pal.client import Client
from ai_pal.config import paths
from scripts.benchmarks.figures import Row, row, skipped
from scripts.benchmarks.models import Model, absent, here, large
from scripts.benchmarks.one_shot import first_byte
from scripts.benchmarks.starting import COMMAND
from scripts.benchmarks.streams import fresh, told
from scripts.benchmarks.supervisors import own_home

FEWER = 4
"""Each pair takes a whole start: a part of the pairs is enough."""

STOP_SECONDS = 10.0


def models_here(pairs: int) -> Iterator[Row]:
    """Everything on this machine; what is not is said."""
    for model in here():
        yield from measured(model, pairs)
    for name in absent():
        yield skipped("first answer", f"not here: ai-pal pull {name}", subject=name)


def large_model(pairs: int) -> Iterator[Row]:
    yield from measured(large(), pairs)


def measured(model: Model, pairs: int) -> Iterator[Row]:
    """From the start of the command to the first text."""
    first, later, speeds = [], [], []
    for number in range(max(2, pairs // FEWER)):
        with own_home() as environ:
            first.append(chat(environ, model, number))
            later.append(chat(environ, model, number + 1000))
            with Client(f"ipc://{paths.run_dir(environ) / 'front.sock'}") as client:
                speeds.append(told(client, model.reference, fresh(number)).speed)
                client.stop()
                client.wait_gone(STOP_SECONDS)
    yield row("first answer", first, "s", subject=model.name)
    yield row("later ones", later, "s", subject=model.name)
    yield row("speed", speeds, "tokens/s", subject=model.name)


def chat(environ: dict[str, str], model: Model, number: int) -> float:
    """Seconds of a one-shot to its first text."""
    question = f"{number}: tell me about the sea."
    options = ["--model", model.reference, "--max-tokens", "4"]
    return first_byte([*COMMAND, "chat", *options, question], environ)
