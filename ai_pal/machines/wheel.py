"""This AI-PAL as a wheel, made of what runs here: a machine gets the very same version."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import ai_pal

PACKAGES = ("ai_pal", "workers")

_WHEEL = b"Wheel-Version: 1.0\nGenerator: ai-pal\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_SCRIPTS = b"[console_scripts]\nai-pal = ai_pal.__main__:main\n"


def wheel() -> bytes:
    """The wheel (PyPA's binary distribution format 1.0). Raises OSError, `PackageNotFoundError`."""
    root = Path(ai_pal.__file__).parent.parent
    info = f"ai_pal-{ai_pal.__version__}.dist-info"
    metadata = str(distribution("ai-pal").metadata).encode()
    files = {
        **dict(_files(root)),
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": _WHEEL,
        f"{info}/entry_points.txt": _SCRIPTS,
    }
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(root).as_posix(), path.read_bytes()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
