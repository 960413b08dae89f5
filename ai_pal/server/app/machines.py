"""A model of another machine as the router sees it: what the settings say, and what that machine has told."""

from ai_pal.config.machine_settings import MachineSettings, provider_of
from ai_pal.errors import Code, Failure
from ai_pal.protocol.egress import MachineState
from ai_pal.server.router.policy.candidate import BUSY
from ai_pal.server.router.policy.snapshot import There


def there(name: str, model: str, setting: MachineSettings, told: MachineState | None) -> There:
    """The model `model` of the machine `name`. Without a report nothing is known, and it may be asked."""
    server = provider_of(name, setting)
    if told is None:
        return There(server=server, model=model)
    loaded = next((one for one in told.loaded if one.model == model), None)
    if loaded is not None:
        state = BUSY if loaded.waiting else "ready" if loaded.ready else "loading"
        return There(
            server=server, model=model, state=state, window=loaded.context, loaded=loaded.ready
        )  # fmt: skip
    room = told.free + sum(one.memory for one in told.loaded if one.idle)
    size = told.models.get(model, 0)
    failure = _too_small(name, model, size, room) if size > room else None
    return There(server=server, model=model, state="linked", failure=failure)


def _too_small(name: str, model: str, size: int, room: int) -> Failure:
    figures = f"{model} has {size / 1e9:.1f} GB, {max(0, room) / 1e9:.1f} GB is free on {name}"
    return Failure(
        Code.INSUFFICIENT_MEMORY, f"insufficient memory: {figures}", f"ai-pal ps --on {name}", retryable=True
    )
