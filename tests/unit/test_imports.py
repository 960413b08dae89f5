"""What a clean interpreter has loaded after an import: the linter cannot see lazy imports."""

import subprocess
import sys

import pytest

ENGINES = {"torch", "transformers", "xllamacpp", "accelerate", "gguf", "numpy"}
CLIENTS = {"openai", "anthropic", "cohere", "ollama", "httpx", "requests"}
LIGHT = [
    "ai_pal.config",
    "ai_pal.catalog",
    "ai_pal.cli",
    "ai_pal.cli.models.pull",
    "ai_pal.cli.service.supervise",
]
TERMINAL = {"rich", "prompt_toolkit", "pygments"}

RAY = "ai_pal.cluster.ray_engine"
"""The one module that is Ray's: it may not be installed."""

IMPORT_ALL = """
import pkgutil, importlib, sys, {package}
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    if not module.name.startswith({skip!r}) and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def loaded_after(code: str) -> set[str]:
    show = "\nimport sys\nprint(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code + show], capture_output=True, text=True, timeout=120, check=True
    )
    return set(done.stdout.split())


def test_no_module_of_ai_pal_loads_an_engine_or_an_sdk() -> None:
    # An adapter is there to import its SDK; the egress process imports the adapter late.
    rest = IMPORT_ALL.format(package="ai_pal", skip=("ai_pal.egress.providers.", RAY))
    begin = "import ai_pal.egress.providers, ai_pal.egress.loop, ai_pal.egress.completing\n"
    assert not loaded_after(rest + begin) & (ENGINES | CLIENTS | {"workers"})


def test_adapters_load_no_engine() -> None:
    assert not loaded_after(IMPORT_ALL.format(package="ai_pal", skip=RAY)) & (ENGINES | {"workers", "ray"})


def test_no_module_of_workers_loads_an_engine_before_a_model_is_loaded() -> None:
    # The parts of an engine are there to import its library; the engine's own module imports them late.
    parts = IMPORT_ALL.format(package="workers", skip="workers.engines.transformers.")
    begin = "import workers.engines.transformers.engine\n"
    assert not loaded_after(parts + begin) & (ENGINES | CLIENTS)


@pytest.mark.parametrize(
    "module",
    [
        "ai_pal.config",
        "ai_pal.catalog",
        "ai_pal.cli",
        "ai_pal.cli.models.pull",
        "ai_pal.cli.service.supervise",
    ],
)
def test_light_modules_stay_light(module: str) -> None:
    heavy = TERMINAL | {"asyncio", "anyio", "zmq", "structlog", "psutil", "tomllib"}
    assert not loaded_after(f"import {module}") & heavy


def test_the_version_loads_nothing_of_ours_but_the_package() -> None:
    code = "import sys; sys.argv = ['ai-pal', '--version']\nfrom ai_pal.__main__ import main; main()"
    assert not loaded_after(code) & (TERMINAL | {"argparse", "msgspec", "zmq", "asyncio"})


def test_the_supervisor_loads_nothing_of_the_terminal() -> None:
    # structlog would load rich, and with it attrs: 5 MB in each process.
    code = "import ai_pal.server.app, ai_pal.egress.loop, workers.loop"
    assert not loaded_after(code) & (TERMINAL | {"attr"})


def test_a_gateway_that_starts_loads_nothing_that_writes_its_page() -> None:
    # A third of the time until it answers, and 5 MB: few gateways ever show the page.
    writes = TERMINAL | {"markdown_it", "nh3", "latex2mathml"}
    assert not loaded_after("import ai_pal.gateway.serving") & writes


def test_one_machine_loads_nothing_of_others() -> None:
    """Neither the supervisor, nor what goes out, nor a command that does not name one."""
    code = "import ai_pal.server.app, ai_pal.egress.loop, ai_pal.client.daemon\n"
    code += "import ai_pal.cli.prompts.chat.command\n"
    code += "import ai_pal.cli.models.list, ai_pal.cli.models.pull\n"
    code += "import ai_pal.cli.loaded.ps, ai_pal.cli.loaded.load, ai_pal.cli.loaded.unload\n"
    code += "import sys\nassert not [name for name in sys.modules if name.startswith('ai_pal.machines')]"
    loaded_after(code)
