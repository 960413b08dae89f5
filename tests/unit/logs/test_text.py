"""Logs for people on a terminal."""

import subprocess
import sys

LOGS = """
from ai_pal.logs import configure, get_logger
configure(style="text")
get_logger("x").info("request", path="/a\\nlevel=info event=forged \\x1b[2J\\x85\\u202e")
try:
    raise ValueError("x")
except ValueError:
    get_logger("x").exception("failed")
"""


def test_what_comes_from_outside_stays_on_its_line_and_moves_no_cursor() -> None:
    said = subprocess.run([sys.executable, "-c", LOGS], capture_output=True, text=True, check=True).stderr
    first, *rest = said.split("\n")
    assert first.isprintable()
    assert r"path='/a\nlevel=info event=forged \x1b[2J\x85\u202e'" in first
    assert [line for line in rest if line.startswith("ValueError: x")], "a traceback has its lines"
