"""Names that programs give to models over HTTP: what a person has made keeps its name."""

from contextlib import suppress

import msgspec

from ai_pal.catalog import join, meant, resolve, split
from ai_pal.catalog.caches.uploads import is_upload
from ai_pal.catalog.known.names import is_known
from ai_pal.catalog.references.naming import forget_own, give_alias
from ai_pal.catalog.references.spelling import spelled
from ai_pal.catalog.references.text import is_path
from ai_pal.config import ModelSettings, Settings, load_settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.model_names import checked_name, give_name, short
from ai_pal.config.presets import Preset, kept_by_hand, save_fields
from ai_pal.config.presets import remove as remove_preset
from ai_pal.errors import AiPalError, Code, fail


def keep_preset(name: str, preset: Preset) -> None:
    """Have a preset of this name, in the place of an alias or a preset. Raises `AiPalError`."""
    settings = load_settings().settings
    name = _free(name, settings)
    _check_unknown(name)
    _drop_preset(name)
    if name in settings.models:
        forget_own(name)
    save_fields(name, msgspec.structs.replace(preset, made_by="api"), ())


def name_model(name: str, target: str) -> None:
    """Have this name stand for a model. Raises `AiPalError`."""
    settings = load_settings().settings
    name = _free(name, settings)
    if name in settings.models and settings.models[name].path:  # a file that a program has sent
        forget_own(name)
        settings = load_settings().settings
    give_alias(name, target, settings)
    _drop_preset(name)


def name_file(name: str, path: str) -> None:
    """Have this name stand for a file. Raises `AiPalError`."""
    settings = load_settings().settings
    name = _free(name, settings)
    _check_unknown(name)
    if name in settings.models:
        forget_own(name)
    give_name(name, "path", path)
    _drop_preset(name)


def model_meant(source: str, settings: Settings) -> str:
    """The model that a name is to stand for; of a file that was sent that file, which stays when its name
    goes. What is not here cannot be: who asks next would wait for a download. Raises `AiPalError`."""
    if elsewhere(meant(source, settings), provider_names(settings)) is None:
        if is_path(source):
            fail(Code.BAD_REQUEST, f"{source} is a file or folder", "name it with: ai-pal add FILE")
        resolve(source, settings)
    given, more = split(source)
    name = spelled(given, settings)
    own = settings.models.get(name)
    return join(own.path if own is not None and own.path and is_upload(own.path, settings) else name, more)


def _free(name: str, settings: Settings) -> str:
    """The name as it is kept; one that is there already is meant in any case. Raises `AiPalError`: it can be
    none; or a person has made a preset of this name, or has said more of it than which model it is, and a
    program that does not know of it would destroy that."""
    name = short(name)
    name = next((one for one in settings.models if one.lower() == name.lower()), name)
    checked_name(name, provider_names(settings))
    own = settings.models.get(name)
    if own is not None and own.path and not is_upload(own.path, settings):
        fail(
            Code.BAD_REQUEST,
            f"{name} is the name of {own.path}",
            f"choose another, or first: ai-pal rm {name}",
        )
    if own is not None and own != ModelSettings(model=own.model, path=own.path):
        hint = "choose another name, or change it there: ai-pal config edit"
        fail(Code.BAD_REQUEST, f"{name} has settings of its own in the config file", hint)
    if kept_by_hand(name):
        hint = f"choose another name, or first: ai-pal preset rm {name}"
        fail(Code.BAD_REQUEST, f"{name} is a preset that was made by hand", hint)
    return name


def _check_unknown(name: str) -> None:
    if is_known(name):
        fail(Code.BAD_REQUEST, f"{name} is the name of a model", "choose another")


def _drop_preset(name: str) -> None:
    with suppress(AiPalError):  # there is none
        remove_preset(name)
