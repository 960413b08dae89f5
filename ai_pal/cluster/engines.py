"""The engines that there are, each imported only when it is asked for."""

from ai_pal.cluster.engine import Engine, Events
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.cluster import Begin


def make(begin: Begin, events: Events) -> Engine:
    """The engine that the settings ask for. Raises `AiPalError`."""
    if begin.engine == "command":
        from ai_pal.cluster.command_engine import CommandEngine

        return CommandEngine(begin.commands, events)
    if begin.engine == "ray":
        from ai_pal.cluster.ray_engine import RayEngine  # slow: a second

        return RayEngine(begin.target, events)
    unknown = f"there is no engine {begin.engine}"
    raise AiPalError(Failure(Code.CONFIG_INVALID, unknown, "see `[cluster]` in docs/settings.md"))
