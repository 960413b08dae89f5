"""vLLM as a child of this worker: started, waited for, asked over a Unix socket. Its end is the worker's."""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil

from ai_pal.errors import Code, fail
from ai_pal.protocol.worker import EXIT_RETRY, LoadModel
from workers.engines.unix_http import Asker, hidden
from workers.engines.vllm import command as vllm_command
from workers.log import log

LOOK_SECONDS = 0.1
MOVED = 0.05
"""Seconds of CPU that are a sign of life."""


class Server:
    """The process with the first rank."""

    def __init__(self, spec: LoadModel) -> None:
        """Start it. Raises `AiPalError` (`engine_missing`, `config_invalid`)."""
        self._folder = Path(tempfile.mkdtemp(prefix="ai-pal-vllm-"))
        self._socket = self._folder / "s"
        vllm_command.program()
        load = msgspec.json.encode(spec).decode()
        self._command = [
            *(sys.executable, "-P", "-m", "workers.rank", "--parent", str(os.getpid())),
            *("--rank", "0", "--load", load, "--socket", str(self._socket)),
        ]
        self._begun, self._loaded = threading.Event(), False
        self._popen: subprocess.Popen[bytes] | None = None
        # It dies with the thread that has started it, as Linux has it: with one that waits for its end.
        threading.Thread(target=self._live, name="vllm", daemon=True).start()
        self._begun.wait()

    def ready(self, alive: Callable[[], None]) -> Asker:
        """When it answers: who asks it. `alive` is told while it computes. Raises `AiPalError`."""
        used = 0.0
        while not self._answers():
            if self._popen is None or self._popen.poll() is not None:
                code = None if self._popen is None else self._popen.returncode
                fail(Code.MODEL_FAILED, f"vLLM ended with {code} while it loaded", "see: ai-pal logs")
            if (now := self._cpu()) >= used + MOVED:
                used = now
                alive()
            time.sleep(LOOK_SECONDS)
        self._loaded = True
        reached = hidden(self._socket)
        with contextlib.suppress(OSError):
            self._folder.rmdir()
        return Asker(reached, "")

    def close(self) -> None:
        """The process ends right after, and it with it."""
        self._loaded = False
        if self._popen is not None:
            self._popen.kill()

    def _live(self) -> None:
        try:
            self._popen = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        finally:
            self._begun.set()
        code = self._popen.wait()
        if self._loaded:
            log("error", "vLLM has ended", code=code)
            os._exit(EXIT_RETRY)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            Asker(self._socket, "").status("/health")
            return True
        return False

    def _cpu(self) -> float:
        """Seconds that it and its own processes have computed."""
        total = 0.0
        with contextlib.suppress(psutil.Error):
            assert self._popen is not None
            first = psutil.Process(self._popen.pid)
            for one in (first, *first.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += sum(one.cpu_times()[:2])
        return total
