"""A provider as it is set up, and why it cannot be asked yet."""

import msgspec

from ai_pal.config.provider_access import key_hint
from ai_pal.errors import Code, Failure, install_extra
from ai_pal.protocol.provider import Provider


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as it is set up. `mid` and `strong` are its models for prompts of that kind. Not `expected`:
    nobody has set it up, it is merely looked for. `mark` changes when its key or the consent is changed.
    `window` are the tokens that an Ollama's model was made for, where that is known."""

    provider: Provider
    mid: str = ""
    strong: str = ""
    key: bool = True
    consent: bool = True
    installed: bool = True
    expected: bool = True
    mark: str = ""
    window: int = 0

    @property
    def name(self) -> str:
        return self.provider.name

    @property
    def obstacle(self) -> Failure | None:
        """Why it cannot be asked as it is set up."""
        name = self.name
        if not self.installed:
            message = f"the package for {self.provider.api} is not installed"
            return Failure(Code.SDK_MISSING, message, f"{install_extra('clouds')}, then: ai-pal stop")
        if not self.key:
            return Failure(Code.NO_KEY, f"there is no key for {name}", key_hint(name))
        if not self.consent:
            message = f"nobody has agreed that prompts go to {name}"
            return Failure(Code.NO_CONSENT, message, f"agree: ai-pal consent {name}")
        return None
