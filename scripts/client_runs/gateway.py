"""Our own `ai-pal serve` in a home of its own, which has nobody to ask but the scripted models."""

import contextlib
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tests.process.homes import environment, stop_supervisor

PROVIDER = "script"
START_SECONDS = 120.0


class Gateway(msgspec.Struct, frozen=True):
    """Where it listens, and its log."""

    url: str
    log: Path

    def mark(self) -> int:
        """How far the log is now."""
        return self.log.stat().st_size

    def since(self, mark: int) -> list[tuple[str, int]]:
        """What was asked since then, as method with path, and with which status it was answered."""
        lines = map(json.loads, self.log.read_bytes()[mark:].splitlines())
        return [(f"{one['method']} {one['path']}", one["status"]) for one in lines if "path" in one]


def told(asked: Sequence[tuple[str, int]]) -> str:
    """The requests, each once with its number; statuses of failure stand behind it."""
    return ", ".join(
        what.removeprefix("POST ")
        + (f" x{count}" if count > 1 else "")
        + (f" -> {status}" if status >= 400 else "")
        for (what, status), count in Counter(asked).items()
    )


@contextlib.contextmanager
def gateway(script_url: str, models: Sequence[str], window: int, most: int) -> Iterator[Gateway]:
    """It and its supervisor end with the block."""
    with tempfile.TemporaryDirectory(prefix="ai-pal-clients-", dir="/tmp") as home:
        config = Path(home, "clients.toml")
        config.write_text(_config(script_url, models, window, most))
        environ = environment(Path(home)) | {"AI_PAL_CONFIG": str(config), "AI_PAL_LOG_FORMAT": "json"}
        log = Path(home, "serve.log")
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ai_pal", "serve", "--port", "0"],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd="/",
            )
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            if found is None:
                raise RuntimeError(f"ai-pal serve did not start: {log.read_text()}")
            yield Gateway(found[0], log)
        finally:
            process.terminate()
            process.wait(START_SECONDS)
            stop_supervisor(environ)


def _config(script_url: str, models: Sequence[str], window: int, most: int) -> str:
    lines = [
        f"[providers.{PROVIDER}]",
        'api = "openai"',
        f'base_url = "{script_url}/v1"',
        "consent = true",
        "[ollama]",
        "enabled = false",
    ]
    for model in models:
        lines += [f'[prices."{PROVIDER}:{model}"]', "input = 0", "output = 0"]
        lines += [f"window = {window}", f"most = {most}"]
    return "\n".join([*lines, ""])
