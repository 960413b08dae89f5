"""The settings, and the supervisor that runs with them."""

import contextlib
from typing import TYPE_CHECKING

from ai_pal import __version__
from ai_pal.cli.setup.doctor.finding import Finding, failed, of_failure, ok, warn
from ai_pal.config import Settings, load_settings, paths
from ai_pal.config.fingerprint import own_fingerprint
from ai_pal.config.load import unknown_variables, variables_in_force
from ai_pal.counted import counted
from ai_pal.errors import AiPalError, Code

if TYPE_CHECKING:
    from ai_pal.protocol.client import StatusReply

ANSWER_SECONDS = 3.0


def check_config() -> tuple[Settings, Finding]:
    """The settings in force, the defaults where they are invalid."""
    file = paths.config_file()
    try:
        loaded = load_settings()
    except AiPalError as error:
        return Settings(), of_failure("config", error.failure)
    settings, text = loaded.settings, str(file) if file.exists() else f"defaults; there is no {file}"
    if variables := ", ".join(variables_in_force(loaded.origins)):
        text += f"; from the environment: {variables}"
    if unknown := unknown_variables():
        none = "names no setting" if len(unknown) == 1 else "name no settings"
        mend = "correct or unset what was meant for AI-PAL: ai-pal config show --describe"
        return settings, warn("config", f"{text}; {', '.join(unknown)} {none}", mend)
    return settings, ok("config", text)


def check_supervisor() -> tuple["StatusReply | None", Finding]:
    """What the supervisor says of itself, if one answers, and whether it is the right one."""
    from ai_pal.client import Client
    from ai_pal.client.daemon import endpoint
    from ai_pal.client.standing import standing

    try:
        with Client(endpoint(), timeout=ANSWER_SECONDS) as client:
            welcome, status = client.welcome, client.status()
    except AiPalError as error:
        if error.code not in (Code.SUPERVISOR_UNREACHABLE, Code.SUPERVISOR_SILENT):
            return None, of_failure("supervisor", error.failure)
        return None, _unreachable()
    loaded = len({worker.asked_as for worker in status.workers if not worker.vocabulary})
    text = f"pid {status.pid}, {counted(loaded, 'model')} loaded"
    with contextlib.suppress(AiPalError):  # what is wrong with the settings is said already
        if differs := standing(welcome, __version__, own_fingerprint()).differs:
            return status, warn(
                "supervisor", f"{text}, but it {differs}", "run: ai-pal stop (the next chat starts another)"
            )
    return status, ok("supervisor", text)


def _unreachable() -> Finding:
    import psutil

    from ai_pal.client.core import to_end
    from ai_pal.transport.run_files import holder

    pid = holder(paths.run_dir())
    try:
        alive = pid is not None and "supervise" in psutil.Process(pid).cmdline()
    except psutil.Error:
        alive = False
    if alive:
        return failed("supervisor", f"pid {pid} runs but does not answer", f"end it: {to_end(pid)}")
    return ok("supervisor", "none runs; `ai-pal chat` starts one")
