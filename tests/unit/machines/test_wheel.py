"""The wheel that a new machine gets: what runs here, whole, with what it needs and how it is started."""

import base64
import csv
import hashlib
import io
import zipfile

import ai_pal
from ai_pal.machines.wheel import wheel

INFO = f"ai_pal-{ai_pal.__version__}.dist-info"


def test_the_wheel_is_what_runs_here_and_says_so() -> None:
    with zipfile.ZipFile(io.BytesIO(wheel())) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    record = files.pop(f"{INFO}/RECORD").decode()
    rows = {name: (digest, size) for name, digest, size in csv.reader(io.StringIO(record))}
    assert rows.pop(f"{INFO}/RECORD") == ("", "")
    assert rows.keys() == files.keys()
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        assert rows[name] == (f"sha256={digest}", str(len(data))), name
    assert {"ai_pal/machines/relay.py", "workers/loop.py", "ai_pal/providers/prices.toml"} <= files.keys()
    assert not [name for name in files if "__pycache__" in name]
    assert b"Requires-Dist: pyzmq" in files[f"{INFO}/METADATA"]
    assert b"ai-pal = ai_pal.__main__:main" in files[f"{INFO}/entry_points.txt"]
