"""One gateway with its supervisor for all tests of HTTP: `ai-pal serve` as a real process."""

import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ai_pal.catalog import CATALOG, artifact_path
from ai_pal.client import Client
from ai_pal.config import load_settings
from tests import forked_popen
from tests.hub.loopback import Hub, loopback_hub
from tests.nursery import COMMANDS, SUPERVISORS, with_nurseries
from tests.process.homes import Environ, client_endpoint, environment, stop_supervisor

START_SECONDS = 120.0
MODELS = load_settings().settings.model_cache_dir
"""Models are large: those that setup fetched are shared."""


TEMPLATES = Path(__file__).parents[1] / "contract" / "templates"
IDLE = """[router]
calibrate = "off"

"""
"""These stay until all tests have ended: what they would compute meanwhile, nobody looks at."""
CONFIG = f"""{IDLE}[models.caller]
path = "{{path}}?chat_template={{template}}"
"""


def starter() -> Path:
    artifact = CATALOG["smollm2"].artifact
    assert artifact is not None
    return artifact_path(artifact, load_settings().settings)


OWN_CONFIG = f"""{IDLE}[models.small]
path = "{{path}}"
context = 512

[http]
listen = "127.0.0.1:0"
hosts = ["models.example"]
origins = ["https://chat.example", "vscode-webview://"]
"""


class Served(NamedTuple):
    """Where it listens, the environment of its supervisor, and its log."""

    url: str
    environ: Environ
    log: Path


@pytest.fixture(scope="session")
def gateway(served: Served) -> str:
    """Where it listens."""
    return served.url


@pytest.fixture
def supervisor(served: Served) -> Iterator[Client]:
    """Its supervisor, asked without HTTP."""
    with Client(client_endpoint(served.environ)) as client:
        yield client


@contextlib.contextmanager
def serving(environ: Environ, *args: str, stays: bool = False) -> Iterator[Served]:
    """`ai-pal serve` in this environment, from a nursery; it and its supervisor end with the block, or that
    one `stays`."""
    command = [sys.executable, "-P", "-m", "ai_pal", "serve", *args]
    log = Path(environ["AI_PAL_HOME"], "serve.log")
    forked = with_nurseries(environ, SUPERVISORS, "llamacpp")
    with log.open("w") as errors:
        process = forked_popen.fork(
            COMMANDS, command, env=forked, stdout=subprocess.PIPE, stderr=errors, text=True, cwd="/"
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, log.read_text()
        yield Served(found[0], environ, log)
    finally:
        process.terminate()
        process.wait(START_SECONDS)
        if not stays:
            stop_supervisor(environ)


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """Its `caller` is the starter with a template that knows tools."""
    with tempfile.TemporaryDirectory(prefix="ai-pal-test-", dir="/tmp") as home:
        config = Path(home, "test.toml")
        config.write_text(CONFIG.format(path=starter(), template=TEMPLATES / "calls.jinja"))
        places = {"AI_PAL_MODEL_CACHE": MODELS, "AI_PAL_CONFIG": str(config)}
        with serving(environment(Path(home)) | places, "--port", "0") as found:
            yield found


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    """A hub on the loopback."""
    with loopback_hub() as found:
        yield found


@pytest.fixture(scope="session")
def own(hub: Hub) -> Iterator[Served]:
    """Another gateway that its settings tell what it is: an empty cache, a model of the user's own, `small`,
    a port, a name and pages."""
    with tempfile.TemporaryDirectory(prefix="ai-pal-test-", dir="/tmp") as home:
        config = Path(home, "test.toml")
        config.write_text(OWN_CONFIG.format(path=starter()))
        places = {"HF_HOME": f"{home}/hf", "AI_PAL_MODEL_CACHE": f"{home}/models"}
        environ = environment(Path(home)) | hub.environment | places | {"AI_PAL_CONFIG": str(config)}
        with serving(environ) as found:
            yield found
