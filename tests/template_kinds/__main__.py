"""Runs the whole table: the prompts and the answers of all kinds, or of those that are named."""

import sys
import tempfile
from pathlib import Path

from tests.template_kinds.named import KINDS
from tests.template_kinds.rows import compare_answers, compare_prompts


def main(names: list[str]) -> int:
    wrong = 0
    for name in names or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            differ = compare_prompts(KINDS[name], Path(folder)) + compare_answers(KINDS[name], Path(folder))
        print(name, "differs" if differ else "same", flush=True)
        print("".join(f"  {one}\n" for one in differ), end="")
        wrong += bool(differ)
    print(f"{len(names or KINDS)} kinds, {wrong} differ")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
