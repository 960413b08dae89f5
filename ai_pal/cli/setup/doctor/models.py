"""The models on this machine and the engines that run them."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

import msgspec

from ai_pal.catalog.references.default import starter
from ai_pal.cli.setup.doctor.finding import Finding, failed, of_failure, ok, warn
from ai_pal.config import Settings
from ai_pal.config.tables import LocalSettings
from ai_pal.errors import AiPalError, Code, install_extra

IMPORT_SECONDS = 60.0


def check_models(settings: Settings) -> Iterator[Finding]:
    """All checks of this file."""
    yield _starter(settings)
    yield _default(settings)
    yield from _local(settings)
    yield from own_models(settings)
    yield _llamacpp()
    yield _transformers()


def _starter(settings: Settings) -> Finding:
    from ai_pal.catalog import default_model
    from ai_pal.catalog.inventory.listed import inventory

    name = starter(settings)
    found = next((model for model in inventory(settings) if model.name == name), None)
    state, mend = found.state if found else "not here", f"run: ai-pal pull {name}"
    if state == "verified":
        return ok("starter model", f"{name} is here, verified")
    if state == "damaged":
        return failed("starter model", f"{name} is damaged: it was cut off or changed", mend)
    if state == "here":
        return warn("starter model", f"{name} is here, but its content was never checked", mend)
    if default_model(settings) != name:
        return ok("starter model", f"{name} is not here, and not needed: another model answers")
    return warn("starter model", f"{name} is not here yet; the first chat fetches it (98 MB)", mend)


def _default(settings: Settings) -> Finding:
    from ai_pal.catalog import default_model, resolve

    try:
        load = resolve("", settings)
    except AiPalError as error:
        if error.code == Code.MODEL_NOT_HERE and default_model(settings) == starter(settings):
            return ok("default model", f"{starter(settings)}, once it is here")
        return _not_to_be_had("default model", error)
    return ok("default model", f"{load.model} ({load.engine})")


def _local(settings: Settings) -> Iterator[Finding]:
    """Another answers where `local.model` is not here: who has set it wants to know."""
    from ai_pal.catalog import default_model, resolve

    if settings.model or settings.local == LocalSettings():
        return
    try:
        resolve(settings.local.model, settings)
    except AiPalError as error:
        text = f"{error.failure.message}: {default_model(settings)} answers in its place"
        yield warn("local.model", text, error.failure.hint)


def own_models(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the models that have a table of the settings."""
    from ai_pal.catalog import meant, resolve
    from ai_pal.config.clouds import provider_names
    from ai_pal.config.elsewhere import elsewhere

    for name in settings.models:
        try:
            if elsewhere(meant(name, settings), provider_names(settings)) is None:
                resolve(name, settings)
        except AiPalError as error:
            yield _not_to_be_had(f"model {name}", error)


def _not_to_be_had(check: str, error: AiPalError) -> Finding:
    """What is only not here is not wrong yet: it is fetched when it is needed."""
    found = of_failure(check, error.failure)
    return msgspec.structs.replace(found, state="warn") if error.code == Code.MODEL_NOT_HERE else found


def _llamacpp() -> Finding:
    """In a process of its own, because that is where it runs: a broken library may crash."""
    code = "import xllamacpp"
    mend = f"reinstall it: {sys.executable} -m pip install --force-reinstall xllamacpp"
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code], capture_output=True, timeout=IMPORT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return failed("engine llamacpp", f"its import took over {IMPORT_SECONDS:.0f} s", mend)
    if done.returncode != 0:
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"])[-1]
        return failed(
            "engine llamacpp", f"xllamacpp cannot be imported (code {done.returncode}): {last}", mend
        )
    return ok("engine llamacpp", f"xllamacpp {_version('xllamacpp')}")


def _transformers() -> Finding:
    # Not imported: that takes seconds, and nothing depends on it.
    versions = {name: _version(name) for name in ("transformers", "torch")}
    if all(versions.values()):
        found = ", ".join(f"{name} {version}" for name, version in versions.items())
        return ok("engine transformers", found)
    return ok("engine transformers", f"not installed (optional): {install_extra('transformers')}")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
