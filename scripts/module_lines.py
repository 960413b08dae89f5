#!/usr/bin/env python3
"""Writes the module list of ARCHITECTURE.md from the docstrings; --check only looks whether it is true."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
BEGIN, END = "<!-- modules: scripts/module_lines.py -->\n", "<!-- end of modules -->\n"


def lines() -> str:
    """One line per module: its path and what its docstring begins with."""
    rows = []
    for package in ("ai_pal", "workers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            sentence = " ".join(text.split("\n\n")[0].split())
            rows.append(f"- `{path.relative_to(ROOT)}`: {sentence}\n")
    return "".join(rows)


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = before + BEGIN + lines() + END + after
    if "--check" in sys.argv[1:]:
        if page != wanted:
            print("ARCHITECTURE.md: the module list is stale; run scripts/module_lines.py", file=sys.stderr)
        return int(page != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
