"""What a type cannot say of a setting: how a provider may be called, what it needs, what an address is."""

import re
from typing import Any, NamedTuple, get_args
from urllib.parse import urlsplit

import msgspec

from ai_pal.config.clouds import KNOWN, provider_names
from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.config.dotted import dotted
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.http_settings import HttpSettings
from ai_pal.config.machine_settings import MachineSettings, is_machine_name
from ai_pal.config.model_settings import ModelSettings
from ai_pal.config.settings import Settings
from ai_pal.config.tables import PriceSettings, ProviderSettings
from ai_pal.counted import counted

_NAME = r"[\w.-]+"
_TABLES = ("ollama", "local")

_SWITCHES = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(
    ("false", "no", "off", "0"), False
)

EXAMPLE_URL = "http://localhost:8080"

ANYWHERE = ("0.0.0.0", "[::]", "*")  # noqa: S104 - named to be refused
"""Addresses to listen at that are none to connect to."""


class Mistake(NamedTuple):
    """What is wrong, and what to write instead; `setting` is where, if that is not known otherwise."""

    message: str
    hint: str
    setting: str = ""


def mistake_in(name: str, setting: msgspec.Struct) -> Mistake | None:
    """What is wrong with a table as a whole."""
    match setting:
        case ProviderSettings():
            return _provider_mistake(name, setting)
        case ModelSettings():
            return _model_mistake(name, setting)
        case MachineSettings():
            return _machine_mistake(name, setting)
        case PriceSettings() if setting.input is None or setting.output is None:
            missing = " and ".join(side for side in ("input", "output") if getattr(setting, side) is None)
            return Mistake(
                f"{dotted('prices', name)}: {missing} is missing", "write 0 only for what costs nothing"
            )
    return None


def mistake_of_all(settings: Settings) -> Mistake | None:
    """What is wrong with settings that are each fine by themselves."""
    name = settings.local.model
    target = settings.models[name].model if name in settings.models else None
    for reference in (name, target or ""):
        if there := elsewhere(reference, provider_names(settings)):
            message = f"local.model: {name} is a model of {there.provider}, and none of this machine"
            return Mistake(message, f"write model = {name!r} for all that is asked", "local.model")
    for name in settings.machines:
        if name in settings.providers:
            taken = Mistake(f"{name} is a machine and a provider", "give one of them another name")
            return taken._replace(setting=dotted("machines", name))
    return _http_mistake(settings.http) or _cluster_mistake(settings.cluster)


def _cluster_mistake(cluster: ClusterSettings) -> Mistake | None:
    if cluster.engine == "command" and not cluster.nodes:
        return Mistake(
            "cluster.engine is command, and no node is named",
            'write under [cluster.nodes]: box = "ssh box .venv/bin/python"',
            "cluster.engine",
        )
    if cluster.engine == "ray" and not cluster.address:
        return Mistake(
            "cluster.engine is ray, and its address is missing", 'address = "HOST:PORT"', "cluster.engine"
        )
    host, _, port = cluster.listen.rpartition(":")
    if cluster.on and host in ANYWHERE and not cluster.advertise:
        what = f"cluster.listen is {cluster.listen}, which no node can connect to"
        return Mistake(what, f'write advertise = "HOST:{port}"', "cluster.listen")
    if cluster.shared and not cluster.shared.startswith("/"):
        what = f"cluster.shared is {cluster.shared!r}, which is no absolute path"
        return Mistake(what, 'such as shared = "/mnt/models"', "cluster.shared")
    for name, command in cluster.nodes.items():
        if not is_machine_name(name) or not command.strip():
            what = f"{dotted('cluster', 'nodes', name)}: {name!r} = {command!r} is no node"
            return Mistake(what, 'such as box = "ssh box .venv/bin/python"', dotted("cluster", "nodes", name))
    return None


def _http_mistake(http: HttpSettings) -> Mistake | None:
    if http == HttpSettings():
        return None
    from ai_pal.config.listening import listens_at, objection_to_host, objection_to_origin

    try:
        listens_at(http.listen)
    except ValueError as error:
        return Mistake(f"http.listen: {error}", "such as 127.0.0.1:11435", "http.listen")
    if bool(http.certificate) != bool(http.key):
        there, missing = ("certificate", "key") if http.certificate else ("key", "certificate")
        return Mistake(f"http.{there} is said, and http.{missing} is not", "TLS takes both", f"http.{there}")
    for name in http.hosts:
        if why := objection_to_host(name):
            return Mistake(f"http.hosts: {why}", "such as models.home.arpa", "http.hosts")
    for origin in http.origins:
        if why := objection_to_origin(origin):
            return Mistake(f"http.origins: {why}", "such as app://obsidian.md", "http.origins")
    return None


def _provider_mistake(name: str, setting: ProviderSettings) -> Mistake | None:
    """What is wrong with the table `[providers.NAME]`."""
    if name in _TABLES:
        return Mistake(f"{name} is no provider of your own", f"write [{name}]")
    if not re.fullmatch(_NAME, name):
        allowed = "letters, digits, '.', '-' and '_': it is written before a colon, as in NAME:MODEL"
        return Mistake(f"{name!r} can be no provider's name", f"use {allowed}")
    if name not in KNOWN and setting.api is None:
        hint = 'write api = "openai", "anthropic" or "cohere"'
        return Mistake(f"{dotted('providers', name)}: its protocol is missing", hint)
    if name not in KNOWN and not setting.base_url:
        # Without it the key of somebody else's server would go to the cloud whose protocol that speaks.
        return Mistake(
            f"{dotted('providers', name)}: its address is missing", 'write base_url = "https://HOST/v1"'
        )
    if name in KNOWN and setting.api not in (None, KNOWN[name].api):
        hint = f"leave api out, or choose a name of your own: [providers.my-{setting.api}]"
        return Mistake(f"providers.{name}: {name} does not speak the protocol of {setting.api}", hint)
    return None


def _machine_mistake(name: str, setting: MachineSettings) -> Mistake | None:
    """What is wrong with the table `[machines.NAME]`."""
    if not is_machine_name(name):
        allowed = "letters, digits, '.', '-' and '_': it is written before a colon, as in NAME:MODEL"
        return Mistake(f"{name!r} can be no machine's name", f"use {allowed}")
    if name in (*_TABLES, *KNOWN):
        return Mistake(f"the name {name} means something else already", "choose another name")
    if setting.url and setting.ssh:
        what = f"{dotted('machines', name)}: it is reached by ssh or at its url, not both"
        return Mistake(what, "give one of them another name")
    if setting.url and not setting.url.startswith("https://"):
        what = f"{dotted('machines', name)}: over plain http nobody is pinned"
        return Mistake(what, "let its gateway have TLS, and write https://; or reach it by ssh")
    wanted: tuple[str, ...] = ("url", "certificate")
    way = "--url https://HOST:PORT"
    if not setting.url:
        wanted, way = ("ssh", "host_key", "identity"), "--ssh user@host"
    missing = [field for field in wanted if not getattr(setting, field)]
    if missing:
        what = f"{dotted('machines', name)}: {' and '.join(missing)} is missing"
        return Mistake(what, f"let it be looked up and pinned: ai-pal machines add {name} {way}")
    return None


def _model_mistake(name: str, setting: ModelSettings) -> Mistake | None:
    """What is wrong with the table `[models.NAME]`."""
    if setting.path and setting.model:
        return Mistake(
            f"{dotted('models', name)}: it is a file or another model, not both", "leave out path or model"
        )
    if setting.replicas and setting.max_replicas and setting.max_replicas < setting.replicas:
        few = f"at most {counted(setting.max_replicas, 'replica')}, and {setting.replicas} at least"
        return Mistake(f"{dotted('models', name)}: {few}", "raise max_replicas, or leave it out")
    return None


def price_mistake(name: str) -> Mistake | None:
    """What is wrong with the name of the table `[prices."NAME"]`."""
    provider, _, model = name.partition(":")
    if provider and model:
        return None
    return Mistake(
        f"{dotted('prices', name)}: a price is that of a provider's model", 'write [prices."openai:gpt-4"]'
    )


def checked_url(text: str) -> str:
    """An address without mistakes; empty is its usual place. Raises ValueError."""
    if not text or _is_url(text):
        return text
    likely = f"http://{text.rpartition('://')[2]}"
    better = f"it as {likely!r}" if _is_url(likely) else f"it like {EXAMPLE_URL!r}"
    raise ValueError(f"{text!r} is no address of a server; write {better}")


def switched(text: str) -> bool:
    """What a variable or a flag says of a setting that is true or false. Raises ValueError."""
    found = _SWITCHES.get(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is neither true nor false; one of {', '.join(_SWITCHES)}")
    return found


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return fine and not re.search(r"\s", text)


def choices(kind: Any) -> tuple[str, ...]:
    """The texts that a `Literal` type allows, through `Annotated` and `X | None`; empty for others."""
    found = [part if isinstance(part, str) else choices(part) for part in get_args(kind)]
    return tuple(text for part in found for text in ((part,) if isinstance(part, str) else part))
