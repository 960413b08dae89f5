"""8-bit and 4-bit weights against the model as it is: memory, speed, and how often they agree.

Each form is in a process of its own (`quantized_child`). Speed is in tokens per second of CPU time (of
wall time on a GPU), so that what else the machine does counts little. Agreement is over each token of a
text: how often the likeliest next token is the same, and the mean Kullback-Leibler divergence in nats.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from scripts.benchmarks.children import child
from scripts.benchmarks.figures import Row, row
from scripts.benchmarks.models import safetensors_folder

FORMS = {"": "as they are", "8bit": "8 bits", "4bit": "4 bits"}
FEWER = 4


class Form(msgspec.Struct):
    """Bytes; tokens per second; the share of equal tokens; nats."""

    memory: float
    decode: float
    prefill: float
    same: float
    divergence: float


def forms(pairs: int) -> Iterator[Row]:
    found: dict[str, list[Form]] = {form: [] for form in FORMS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(max(1, pairs // FEWER)):
            for form in FORMS:
                found[form].append(measured(form, Path(folder) / "logits.pt"))
    for form, runs in found.items():
        yield from rows(FORMS[form], runs)


def measured(form: str, logits: Path) -> Form:
    """The form's figures; the model as it is leaves its logits for the others."""
    with child(
        str(safetensors_folder()), form, str(logits), module="scripts.benchmarks.quantized_child"
    ) as one:
        return msgspec.convert(one.hello, Form)


def rows(subject: str, runs: list[Form]) -> Iterator[Row]:
    yield row("weights take", [one.memory / 1e6 for one in runs], "MB", subject=subject)
    yield row("decode", [one.decode for one in runs], "tokens/s", subject=subject)
    yield row("prefill", [one.prefill for one in runs], "tokens/s", subject=subject)
    yield row("same token", [one.same * 100 for one in runs], "%", subject=subject)
    yield row("divergence", [one.divergence for one in runs], "nats", subject=subject)
