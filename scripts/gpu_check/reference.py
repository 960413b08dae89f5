"""What transformers alone answers, greedily and in 32 bits.

python -m scripts.gpu_check.reference FOLDER DEVICE TOKENS     reads messages as JSON, writes a text as JSON
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ai_pal.protocol.content import Message
from scripts.benchmarks.hf_engines import OFFLINE

SECONDS = 60.0


def generated(folder: Path, device: str, messages: Sequence[Message], tokens: int) -> str:
    """In a process of its own: what it has on the device is gone with it."""
    command = [sys.executable, "-m", "scripts.gpu_check.reference", str(folder), device, str(tokens)]
    said = json.dumps([{"role": one.role, "content": one.content} for one in messages])
    done = subprocess.run(
        command,
        input=said,
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
        env=os.environ | OFFLINE,
    )
    text: str = json.loads(done.stdout)
    return text


def main() -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, device, tokens = sys.argv[1:]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(device)
    inputs = tokenizer.apply_chat_template(
        json.load(sys.stdin), add_generation_prompt=True, return_tensors="pt", return_dict=True
    ).to(device)
    made = model.generate(**inputs, do_sample=False, max_new_tokens=int(tokens))
    told = made[0, inputs["input_ids"].shape[1] :]
    print(json.dumps(tokenizer.decode(told, skip_special_tokens=True)))


if __name__ == "__main__":
    main()
