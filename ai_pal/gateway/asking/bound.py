"""A question that goes on with what was said before, and no further than that might go."""

from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.gateway.asking.asked import Begin, Coming
from ai_pal.gateway.asking.privacy_level import PrivacyLevel, level_of


class Bound:
    """How to put a question that goes no further than what it goes on with; `level` is then how far what was
    said may go."""

    def __init__(self, begin: Begin, how: Asking, level: PrivacyLevel) -> None:
        self._begin, self._how, self.level = begin, how, level

    def __call__(self, client: AsyncClient, said: Asking) -> Coming:
        self.level |= level_of(client, self._how | said)
        return self._begin(client, self.level.bind(said))
