"""Memory, speed and agreement of 8-bit and 4-bit weights with the model as it is, as a Markdown table.

    .venv/bin/python scripts/quantize_table.py FOLDER [--device ""] [--threads 0]

Each form runs in a process of its own. Speed is of one answer, in tokens per second of CPU time (of wall
time on a GPU), so that what else the machine does counts little. Agreement is over each token of a text:
how often the likeliest next token is the same, and the mean Kullback-Leibler divergence in nats.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

TEXT = """The lighthouse keeper climbed the stairs every evening. From the top, she could see the harbour, the
fishing boats and, on clear days, the mountains on the other side of the bay. Water boils at 100 degrees
Celsius at sea level, but at lower temperatures high in the mountains. To compute a factorial, multiply all
whole numbers from one to n. Paris is the capital of France; Rome is the capital of Italy. "Why do you read so
much?" he asked. "Because," she said, "every book is a door, and I have not yet opened them all." """
FORMS = ("", "8bit", "4bit")
DECODED, PROMPT = 24, 128
MIB = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--logits", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        return print(json.dumps(measure(arguments)))
    print("| weights | memory | decode | prefill | same token | divergence |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS:
            print(row(form, run(form, Path(folder) / "logits.pt")), flush=True)
    return None


def run(form: str, logits: Path) -> dict[str, float]:
    command = [sys.executable, *sys.argv, "--child", form, "--logits", str(logits)]
    out = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=True).stdout
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found


def row(form: str, found: dict[str, float]) -> str:
    cells = [
        form or "as they are",
        f"{found['memory'] / MIB:.0f} MiB",
        f"{found['decode']:.1f} tok/s",
        f"{found['prefill']:.0f} tok/s",
        f"{found['same']:.1%}",
        f"{found['divergence']:.4f}",
    ]
    return f"| {' | '.join(cells)} |"


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """The child: one form of the model."""
    from workers import threads
    from workers.engines.transformers.engine import import_libraries

    import_libraries()
    import torch

    from workers.engines.transformers import device as devices
    from workers.engines.transformers import loading, stepper
    from workers.engines.transformers.folder import look
    from workers.engines.transformers.options import LoadOptions

    torch.set_num_threads(arguments.threads or threads.default_count())
    folder = look(arguments.folder)
    machine = devices.inspect(torch)
    device = devices.choose_device(arguments.device, machine)
    options = LoadOptions(quantize=arguments.child)
    before = memory(torch, device)
    loaded = loading.load(folder, options, device, "bfloat16", lambda part: None)
    steps = stepper.choose(loaded.model, loaded.vocabulary)
    found = {"memory": memory(torch, device) - before}
    tokens = loaded.tokenizer(TEXT)["input_ids"]
    clock = time.process_time if device == "cpu" else time.perf_counter
    line = steps.row(len(tokens) + PROMPT)
    begun = clock()
    steps.step([(line, (tokens * PROMPT)[:PROMPT])])
    found["prefill"] = PROMPT / (clock() - begun)
    begun = clock()
    for token in tokens[:DECODED]:
        steps.step([(line, [token])])
    found["decode"] = DECODED / (clock() - begun)
    line = steps.row(len(tokens))
    logits = torch.stack([steps.step([(line, [token])])[0] for token in tokens]).log_softmax(-1).cpu()
    if not arguments.child:
        torch.save(logits, arguments.logits)
    plain = torch.load(arguments.logits, weights_only=True)
    found["same"] = float((logits.argmax(-1) == plain.argmax(-1)).float().mean())
    found["divergence"] = float((plain.exp() * (plain - logits)).sum(-1).mean())
    return found


def memory(torch: object, device: str) -> float:
    """Bytes held now: resident ones, or those of the GPU."""
    if device.startswith("cuda"):
        return float(torch.cuda.memory_allocated())  # type: ignore[attr-defined]
    return float(psutil.Process(os.getpid()).memory_info().rss)


if __name__ == "__main__":
    main()
