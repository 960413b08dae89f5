"""Names that users give to models: what may be one, what it stands for, how it is given and taken out."""

from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.references.finding import find, meant
from ai_pal.catalog.references.loading import check_numbers
from ai_pal.config import Settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.model_names import checked_name, forget_name, give_name, short
from ai_pal.errors import Code, fail


def check_model(ref: str, settings: Settings) -> None:
    """Raises `AiPalError` for a reference that nobody could mean. It need not be here, nor ever be asked."""
    if elsewhere(meant(ref, settings), provider_names(settings)) is None:
        check_numbers(find(ref, settings).options, Code.BAD_REQUEST)


def give_alias(name: str, target: str, settings: Settings) -> None:
    """Let `name` stand for the model `target` from now on. Raises `AiPalError` for what can be no name, for a
    target that nobody could mean, and for a circle."""
    checked_name(name.replace("*", "x"), provider_names(settings))
    name = short(name)
    own = settings.models.get(name)
    if own is not None and own.path:
        hint = f"choose another, or first: ai-pal rm {name}"
        fail(Code.BAD_REQUEST, f"{name} is the name of {own.path}", hint)
    seen = target
    for _ in range(len(settings.models) + 1):
        if seen.partition("?")[0] == name:
            fail(Code.BAD_REQUEST, f"{name} would stand for itself", "name another model")
        own = settings.models.get(seen.partition("?")[0])
        if own is None or not own.model:
            break
        seen = own.model
    check_model(target, settings)
    give_name(name, "model", target)


def forget_own(name: str) -> None:
    """Take a name of the user's own out of the config file; what else is said of a known model of that name
    stays. Raises `AiPalError`."""
    forget_name(name, keep_settings=name in CATALOG)
