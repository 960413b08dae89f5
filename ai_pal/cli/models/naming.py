"""What the commands that give and take names of models have in common."""

import contextlib
import sys

from ai_pal.catalog.references.naming import forget_own
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import Settings
from ai_pal.errors import AiPalError, Code, fail


def forget(name: str, settings: Settings) -> str:
    """Take a name of the user's own out of the config file; says what became of it. Raises `AiPalError`."""
    from ai_pal.config.model_names import named_by

    own = settings.models[name]
    forget_own(name)
    if own.path:  # an alias shares its worker with the model that it stands for
        unload(name)
    for setting in named_by(name, settings):
        print(neutral_line(f"the setting {setting} still names {name}"), file=sys.stderr)
    return f"the name {name} is forgotten; {own.path or own.model} is left as it is"


def unload(model: str) -> None:
    """Unload it where a supervisor runs that has it."""
    from ai_pal.cli.running import running

    with contextlib.suppress(AiPalError), running() as client:
        client.unload(model)


def check_named(name: str) -> None:
    """Raises `AiPalError` (`bad_request`) for an empty name, as a variable that is not set makes one: the
    default model is not what is meant."""
    if not name.strip():
        fail(Code.BAD_REQUEST, "no model is named", "see: ai-pal list")
