"""One form of a model in a process of its own: prints its figures as one JSON object.

python -m scripts.benchmarks.quantized_child FOLDER FORM LOGITS     FORM is "", 8bit or 4bit
"""

import json
import os
import sys
import time
from pathlib import Path

import psutil

TEXT = """The lighthouse keeper climbed the stairs every evening. From the top, she could see the harbour, the
fishing boats and, on clear days, the mountains on the other side of the bay. Water boils at 100 degrees
Celsius at sea level, but at lower temperatures high in the mountains. To compute a factorial, multiply all
whole numbers from one to n. Paris is the capital of France; Rome is the capital of Italy. "Why do you read so
much?" he asked. "Because," she said, "every book is a door, and I have not yet opened them all." """
DECODED, PROMPT = 24, 128


def measure(path: Path, form: str, file: Path) -> dict[str, float]:
    from workers import threads
    from workers.engines.transformers.engine import import_libraries

    import_libraries()
    import torch

    from workers.engines.transformers.decoding import stepper
    from workers.engines.transformers.loading import device as devices
    from workers.engines.transformers.loading import loading
    from workers.engines.transformers.loading.folder import look
    from workers.engines.transformers.options import read_load_options

    torch.set_num_threads(threads.default_count())
    device = devices.choose_device("", devices.inspect(torch))
    before = memory(torch, device)
    loaded = loading.load(
        look(path), read_load_options({"quantize": form}), device, "bfloat16", lambda part: None
    )
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
    if not form:
        torch.save(logits, file)
    plain = torch.load(file, weights_only=True)
    found["same"] = float((logits.argmax(-1) == plain.argmax(-1)).float().mean())
    found["divergence"] = float((plain.exp() * (plain - logits)).sum(-1).mean())
    return found


def memory(torch: object, device: str) -> float:
    """Bytes held now: resident ones, or those of the GPU."""
    if device.startswith("cuda"):
        return float(torch.cuda.memory_allocated())  # type: ignore[attr-defined]
    return float(psutil.Process(os.getpid()).memory_info().rss)


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))), flush=True)
    os._exit(0)
