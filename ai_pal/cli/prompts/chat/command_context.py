"""What the `/commands` of a conversation act on."""

from collections.abc import Callable
from pathlib import Path

from ai_pal.cli.prompts.chat.figures import Totals
from ai_pal.cli.prompts.chat.session import Session
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.conversations.model import Attachment, Conversation, Turn
from ai_pal.conversations.recorder import Recorder

ROUTED = "auto"
"""What stands for a model where the router chooses."""


class CommandContext:
    """See the module; `say` prints a remark. `attachments` go with the next prompt."""

    def __init__(
        self,
        conversation: Conversation,
        wishes: Wishes,
        session: Session,
        say: Callable[[str], None],
        recorder: Recorder,
    ) -> None:
        self.conversation = conversation
        self.wishes = wishes
        self.session = session
        self.say = say
        self.recorder = recorder
        self.totals = Totals()
        self.refused_save: Path | None = None
        self.attachments: list[Attachment] = []
        self.hide_thinking = False
        self.answer = 0
        """The id of the last answer, 0 where there is none to be spoken of."""
        self.stronger = False
        """The next prompt is asked of somebody who may know better than the model of this machine."""
        self.doubted: Turn | None = None
        """The turn whose prompt that is: its answer stays if nobody gives another."""

    @property
    def model(self) -> str:
        return self.wishes.model or self.session.settings.model or ROUTED
