"""The order of the tests names folders: none may be forgotten."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_lies_in_a_folder_that_is_run() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = [ROOT / name for name in settings["tool"]["pytest"]["ini_options"]["testpaths"]]
    files = set((ROOT / "tests").rglob("test_*.py"))
    assert files == {file for folder in folders for file in folder.rglob("test_*.py")}
