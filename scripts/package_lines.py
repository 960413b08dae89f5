#!/usr/bin/env python3
"""Writes the list of packages in ARCHITECTURE.md from their docstrings; --check only looks if it is true."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
BEGIN, END = "<!-- packages: scripts/package_lines.py -->\n", "<!-- end of packages -->\n"


def lines() -> str:
    """One line per package and per module that stands alone: its name and how its docstring begins."""
    rows = []
    for top in ("ai_pal", "workers"):
        single = [path for path in (ROOT / top).glob("*.py") if path.name != "__init__.py"]
        for path in sorted([*(ROOT / top).rglob("__init__.py"), *single]):
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            place = path.relative_to(ROOT)
            name = f"{place.parent}/" if path.name == "__init__.py" else str(place)
            rows.append(f"- `{name}`: {' '.join(text.split(chr(10) * 2)[0].split())}\n")
    return "".join(rows)


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = before + BEGIN + lines() + END + after
    if "--check" in sys.argv[1:]:
        if page != wanted:
            print(
                "ARCHITECTURE.md has an old list of packages; run scripts/package_lines.py", file=sys.stderr
            )
        return int(page != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
