"""What is to be installed is installed where this program sees it."""

import re
import shlex
import sys
import tomllib
from pathlib import Path

import ai_pal
import workers
from ai_pal.errors import EXTRAS, install_extra, pip_install


def test_the_command_is_that_of_this_python() -> None:
    assert shlex.split(pip_install("keyring[x]")) == [
        sys.executable,
        "-m",
        "pip",
        "install",
        "keyring[x]",
    ]


def test_an_extra_is_named_by_packages_that_an_index_knows() -> None:
    assert install_extra("cluster") == pip_install("ray>=2.60,<3")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    for extra, packages in EXTRAS.items():
        assert list(packages) == project["optional-dependencies"][extra]
        assert shlex.split(install_extra(extra))[4:] == list(packages)


def test_no_hint_names_ai_pal_itself() -> None:
    for package in (ai_pal, workers):
        for file in Path(package.__path__[0]).rglob("*.py"):
            assert not re.search(r"""pip_install\(["']ai-pal""", file.read_text()), file


def test_no_hint_names_whatever_pip_is_found_first() -> None:
    for package in (ai_pal, workers):
        for file in Path(package.__path__[0]).rglob("*.py"):
            assert not re.search(r"(?<!-m )\bpip install", file.read_text()), file
