"""A cloud as it is set up: its key, and whether prompts may go there."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec

from ai_pal.config.provider_access import Access, consented, key_source
from ai_pal.config.tables import ProviderSettings
from ai_pal.protocol.provider import Provider
from ai_pal.providers.server import Server


def cloud(
    name: str, setting: ProviderSettings, known: Access, environ: Mapping[str, str], model: str = ""
) -> Server:
    """What is known of the cloud `name`; with `model` only that of its models."""
    api = setting.api or "openai"
    source = key_source(name, environ, in_config=setting.api_key, in_keyring=known.keyring)
    own = bool(setting.base_url)
    return Server(
        provider=Provider(name, api, setting.base_url or ""),
        mid=model or setting.mid or "",
        strong=model or setting.strong or "",
        key=bool(source) or own,  # a server of the user's own may do without one
        consent=consented(known.consent, setting.consent, source=source, own_server=own),
        installed=_installed(api),
        mark=f"{source} {known.changed}",
    )


@lru_cache
def _installed(api: str) -> bool:
    return find_spec(api) is not None
