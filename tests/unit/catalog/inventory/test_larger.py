"""Models that may know what a smaller one does not."""

from pathlib import Path

from ai_pal.catalog.inventory.larger import larger_than
from ai_pal.config import ModelSettings, Settings


def test_those_that_are_clearly_larger_the_largest_first(tmp_path: Path) -> None:
    sizes = {"own": 1000, "alike": 1400, "big": 1600, "huge": 9000}
    models = {}
    for name, size in sizes.items():
        file = tmp_path / f"{name}.gguf"
        file.write_bytes(b"GGUF" + bytes(size - 4))
        models[name] = ModelSettings(path=str(file))
    models["also-huge"] = ModelSettings(path=str(tmp_path / "huge.gguf"))
    settings = Settings(models=models, other_stores=False, model_cache_dir=str(tmp_path / "cache"))
    found = larger_than("own", 1000, settings)
    assert len(found) == 2
    assert found[0] in ("huge", "also-huge")
    assert found[1] == "big"
    assert larger_than("own", 0, settings) == []
