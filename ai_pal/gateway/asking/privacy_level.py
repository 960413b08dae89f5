"""How far what was asked over HTTP may go, kept with it: what goes on with it goes no further."""

from typing import NamedTuple

from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.config import load_settings
from ai_pal.config.presets import load_preset
from ai_pal.gateway.access.rights import KeyedClient, bounded
from ai_pal.gateway.asking import presets


class PrivacyLevel(NamedTuple):
    """Not beyond this machine (`local_only`), not beyond the user's machines (`mine`), or anywhere."""

    local_only: bool = False
    mine: bool = False

    def __or__(self, other: "PrivacyLevel") -> "PrivacyLevel":
        """The stricter of both."""
        return PrivacyLevel(self.local_only or other.local_only, self.mine or other.mine)

    def bind(self, how: Asking) -> Asking:
        """The same question, going no further than this."""
        bound: Asking = {**how}
        if self.local_only:
            bound["local_only"] = True
        if self.mine:
            bound["mine"] = True
        return bound


def level_of(client: AsyncClient, how: Asking) -> PrivacyLevel:
    """What is said by the question, its preset, its key, and the settings. Raises `AiPalError`."""
    settings = load_settings().settings
    local_only, mine, goal = bool(how.get("local_only")), bool(how.get("mine")), how.get("goal")
    if name := presets.named(how.get("model")):
        preset = load_preset(name)
        local_only, mine = local_only or bool(preset.local_only), mine or bool(preset.mine)
        goal = preset.goal if goal is None else goal
    local_only = local_only or settings.private(goal or "")
    if isinstance(client, KeyedClient):
        local_only, mine = local_only or client.local_only, mine or client.mine
    return PrivacyLevel(local_only, mine or settings.mine)


def kept_to_level(client: AsyncClient, how: Asking) -> AsyncClient:
    """A client by which nothing goes further than this says: workers may run on other machines. Raises
    `AiPalError`."""
    level = level_of(client, how)
    return bounded(client, local_only=level.local_only, mine=level.mine) if any(level) else client
