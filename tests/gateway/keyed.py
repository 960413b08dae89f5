"""`ai-pal serve` with keys and settings of its own, on the echo model: seconds to start."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ai_pal.config.client_keys import ClientKey, create
from tests.gateway.conftest import Served, serving
from tests.process.homes import environment

RIGHTS: Mapping[str, ClientKey] = {
    "anybody": ClientKey(sha256="", created=0.0),
    "owner": ClientKey(sha256="", created=0.0, manage=True),
    "guest": ClientKey(sha256="", created=0.0, models=("echo", "nothing*"), local_only=True),
    "poor": ClientKey(sha256="", created=0.0, budget_day=0.0),
    "saver": ClientKey(sha256="", created=0.0, budget_day=1.0),
    "old": ClientKey(sha256="", created=0.0, expires=1.0),
}
"""By the names of their keys."""


class Keyed(NamedTuple):
    """A server, and its keys by name."""

    served: Served
    keys: dict[str, str]

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def place(self) -> tuple[str, int]:
        """Its address and port."""
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    def bearer(self, name: str) -> dict[str, str]:
        """The header that shows a key."""
        return {"authorization": f"Bearer {self.keys[name]}"}


@contextlib.contextmanager
def keyed_server(config: str, rights: Mapping[str, ClientKey] = RIGHTS) -> Iterator[Keyed]:
    """With this text as its config file; it and its supervisor end with the block."""
    with tempfile.TemporaryDirectory(prefix="ai-pal-test-", dir="/tmp") as home:
        file = Path(home, "test.toml")
        file.write_text(config)
        environ = environment(Path(home)) | {"AI_PAL_CONFIG": str(file)}
        keys = {name: create(name, right, environ) for name, right in rights.items()}
        with serving(environ, "--port", "0") as served:
            yield Keyed(served, keys)
