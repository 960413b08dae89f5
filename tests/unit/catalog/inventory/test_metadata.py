"""What the files of a model say of it, entry by entry."""

import os
from pathlib import Path

from ai_pal.catalog.inventory.details import Details
from ai_pal.catalog.inventory.metadata import metadata_of
from tests.gguf_files import gguf


def test_what_a_file_has_said_is_not_told_of_another_in_its_place(tmp_path: Path) -> None:
    """Of one size and one age, as those are that come out of packages."""
    file, other = tmp_path / "m.gguf", tmp_path / "other.gguf"
    for path, name in ((file, "one"), (other, "two")):
        path.write_bytes(gguf({"general.architecture": "llama", "general.name": name}, []))
        os.utime(path, (315532800, 315532800))
    first = metadata_of(Details(file=str(file)))
    assert first is not None
    assert first.model.entries["general.name"] == "one"
    assert metadata_of(Details(file=str(file))) == first
    other.replace(file)
    second = metadata_of(Details(file=str(file)))
    assert second is not None
    assert second.model.entries["general.name"] == "two"
