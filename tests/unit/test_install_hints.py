"""What is to be installed is installed where this program sees it."""

import re
import shlex
import sys
from pathlib import Path

import ai_pal
import workers
from ai_pal.errors import pip_install


def test_the_command_is_that_of_this_python() -> None:
    assert shlex.split(pip_install("ai-pal[clouds]")) == [
        sys.executable,
        "-m",
        "pip",
        "install",
        "ai-pal[clouds]",
    ]


def test_no_hint_names_whatever_pip_is_found_first() -> None:
    for package in (ai_pal, workers):
        for file in Path(package.__path__[0]).rglob("*.py"):
            assert not re.search(r"(?<!-m )\bpip install", file.read_text()), file
