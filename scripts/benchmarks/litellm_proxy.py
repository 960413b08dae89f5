"""LiteLLM's proxy, brought from PyPI into an environment of its own beside the checkout."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.client_runs.clients import Bundle
from scripts.client_runs.installing import folder, install

BUNDLE = Bundle("litellm-proxy", "pip", ("litellm[proxy]==1.106.12",))
"""Of later ones parts are not on every index."""

MODEL = "m"
SECONDS = 120.0
CONFIG = """\
model_list:
  - model_name: {model}
    litellm_params: {{model: openai/{model}, api_base: "{url}/v1", api_key: none}}
litellm_settings: {{telemetry: false}}
"""


@contextlib.contextmanager
def litellm_proxy(url: str) -> Iterator[str]:
    """One process before the server there; its own address. Nobody needs a key, as with `ai-pal serve`."""
    install(BUNDLE)
    with tempfile.TemporaryDirectory() as home, (Path(home) / "log").open("wb") as log:
        config = Path(home) / "config.yaml"
        config.write_text(CONFIG.format(model=MODEL, url=url))
        port = _free_port()
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
            "LITELLM_LOG": "ERROR",
        }
        where = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        command = [str(folder(BUNDLE) / "bin" / "litellm"), *where]
        with subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=home) as process:
            try:
                _wait(port, process, Path(home) / "log")
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(0.2)
    raise RuntimeError(f"LiteLLM's proxy did not start:\n{log.read_text(errors='replace')[-2000:]}")
