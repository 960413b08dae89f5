"""Files of a model on their way to a node, beside `cp` and `scp` of the same file.

The node is this machine under another home, reached by a command, so that one disk is read and written: what
is measured is what our way costs on top. A transfer is the load that needs one, less the same load later."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from ai_pal.catalog.caches.hub_cache import FileFacts, HubManifest, manifest_path
from ai_pal.client import Client
from ai_pal.cluster.landing import FOLDER
from ai_pal.config import paths
from scripts.benchmarks.cluster import on_a_node
from scripts.benchmarks.figures import Row, row
from tests.servers import sshd
from tests.tiny_gguf import save

SIZE, MB = 512 << 20, 1e6
COMMIT = "c0ffee" * 6 + "c0ff"
REPO = "models--bench--tiny"
PLACE, MODEL = f"{REPO}/snapshots/{COMMIT}/tiny-F32.gguf", "bench/tiny:F32"
WHAT = "model files"


def to_a_node(pairs: int) -> Iterator[Row]:
    """Whole, gone on with after the first half, and by what is there anyway."""
    with tempfile.TemporaryDirectory(prefix="ai-pal-bench-files-") as folder:
        here, there = Path(folder) / "here", Path(folder) / "there"
        file = made(here)
        with on_a_node(home=str(there), model_cache=str(here)) as running, running.client() as client:
            rates = [
                measured(client, file, paths.model_cache_dir({"HOME": str(there)})) for _ in range(pairs)
            ]
        for name, found in zip(("whole", "the other half"), zip(*rates, strict=True), strict=True):
            yield row(name, found, "MB/s", subject=f"{WHAT}, to a node")
        copies = [rate(lambda: copied(file, Path(folder) / "copy")) for _ in range(pairs)]
        yield row("whole", copies, "MB/s", subject="cp, with fsync")
        if sshd.is_here():
            with sshd.SecondMachine() as box:
                sent = [rate(lambda: scp(box, file, Path(folder) / "sent")) for _ in range(pairs)]
            yield row("whole", sent, "MB/s", subject="scp")


def made(cache: Path) -> Path:
    """A model that loads at once, and is as large as one that does not; its hash is noted, as by a pull."""
    file = cache / PLACE
    file.parent.mkdir(parents=True)
    save(file, "sentencepiece")
    with file.open("ab") as grown:
        while (left := SIZE - grown.tell()) > 0:
            grown.write(os.urandom(min(left, 1 << 24)))
    with file.open("rb") as whole:
        digest = sha256()
        while data := whole.read(1 << 24):
            digest.update(data)
    note = manifest_path(cache / REPO, COMMIT)
    note.parent.mkdir()
    facts = {file.name: FileFacts(SIZE, digest.hexdigest())}
    note.write_bytes(msgspec.json.encode(HubManifest("bench/tiny", COMMIT, "", facts, "")))
    return file


def measured(client: Client, file: Path, cache: Path) -> tuple[float, float]:
    """MB a second of a transfer as a whole, and of the second half of one that was cut in the middle."""
    shutil.rmtree(cache / REPO, ignore_errors=True)
    with_all, without = load(client), load(client)
    digest = (
        msgspec.json.decode(manifest_path(file.parents[2], COMMIT).read_bytes(), type=HubManifest)
        .files[file.name]
        .sha256
    )
    (cache / PLACE).unlink()
    (cache / FOLDER).mkdir(exist_ok=True)
    with file.open("rb") as whole:
        (cache / FOLDER / digest).write_bytes(whole.read(SIZE // 2))
    with_half = load(client)
    return SIZE / (with_all - without) / MB, SIZE / 2 / (with_half - without) / MB


def load(client: Client) -> float:
    """Seconds."""
    begun = time.perf_counter()
    list(client.load(MODEL))
    took = time.perf_counter() - begun
    client.unload(MODEL)
    return took


def rate(copy: Callable[[], None]) -> float:
    begun = time.perf_counter()
    copy()
    return SIZE / (time.perf_counter() - begun) / MB


def copied(file: Path, target: Path) -> None:
    with suppress(FileNotFoundError):
        target.unlink()
    with file.open("rb") as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        os.fsync(copy.fileno())


def scp(box: sshd.SecondMachine, file: Path, target: Path) -> None:
    """Through the server there, which has no SFTP (`-O`); nothing is synced."""
    with suppress(FileNotFoundError):
        target.unlink()
    known = box.folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{box.port} {box.host_key}\n")
    options = (f"UserKnownHostsFile={known}", f"IdentityFile={box.folder}/user_key", "IdentityAgent=none")
    said = [word for option in options for word in ("-o", option)]
    command = [
        "scp",
        "-O",
        "-q",
        "-F",
        "none",
        *said,
        "-P",
        str(box.port),
        str(file),
        f"{box.target}:{target}",
    ]
    subprocess.run(command, check=True, timeout=300, stdin=subprocess.DEVNULL)
