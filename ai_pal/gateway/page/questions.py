"""What the page asks: a body, and the request that comes of it and of the conversation so far."""

import base64
import binascii
from typing import Annotated, Literal, NamedTuple

import msgspec

from ai_pal.attachments.reading import from_bytes
from ai_pal.client.asking import Asking
from ai_pal.config.presets import OF_OPTIONS, Preset
from ai_pal.config.settings import UNASKED_BYTES, Settings
from ai_pal.conversations.model import Attachment, Conversation, Prompt
from ai_pal.conversations.neutral import neutral_line
from ai_pal.errors import Code, fail
from ai_pal.gateway.asking.presets import form_of
from ai_pal.gateway.page.page_presets import Sampling
from ai_pal.gateway.wire.bodies import BodyError, decoded
from ai_pal.gateway.wire.figures import Figure
from ai_pal.protocol.content import Message
from ai_pal.protocol.option_rules import objection_to_value
from ai_pal.protocol.options import GenerationOptions, Thinking

MOST_FILES = 20

TITLE = 80
"""Characters of a prompt by which it is known."""

How = Literal["new", "edit", "again", "continue"]
"""Another turn; this turn with another prompt; the same prompt once more; this answer gone on with."""


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that goes along, its bytes in base64."""

    name: Annotated[str, msgspec.Meta(max_length=300)]
    data: str


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """POST /page/ask. `conversation` 0 begins one, with the system prompt `system` or that of the preset;
    `at` is the turn that is meant, the last one without; with `stronger`
    whoever may know better than a model of this machine is asked, and no model is named."""

    prompt: str = ""
    conversation: Figure = 0
    how: How = "new"
    at: Figure | None = None
    files: Annotated[list[File], msgspec.Meta(max_length=MOST_FILES)] = []
    model: str = ""
    preset: str = ""
    stronger: bool = False
    local_only: bool = False
    mine: bool = False
    thinking: Thinking | None = None
    system: Annotated[str, msgspec.Meta(max_length=100_000)] = ""
    sampling: Sampling = Sampling()

    @property
    def title(self) -> str:
        """The first line of what is asked, as far as it says something."""
        first = next((line.strip() for line in self.prompt.splitlines() if line.strip()), "")
        return neutral_line(first[:TITLE])


_QUESTION = msgspec.json.Decoder(Question)


def read(body: bytes) -> Question:
    """Raises `BodyError`."""
    asked = decoded(body, _QUESTION)
    if asked.how in ("new", "edit") and not asked.prompt.strip():
        raise BodyError("there is nothing to answer", "prompt")
    if asked.how != "new" and not asked.conversation:
        raise BodyError("there is no conversation yet", "conversation")
    return asked


def attached(files: list[File]) -> tuple[Attachment, ...]:
    """The files, read. It may take seconds. Raises `AiPalError`."""
    found = []
    for file in files:
        try:
            data = base64.b64decode(file.data, validate=True)
        except (binascii.Error, ValueError):
            fail(Code.BAD_REQUEST, f"{file.name} did not come whole", "attach it again")
        found.append(from_bytes(data, file.name))
    return tuple(found)


class Place(NamedTuple):
    """Where in a conversation the answer belongs: the turns before it, its prompt, and what has come of the
    answer already. `branches`: what was there stays, in a branch of its own."""

    before: int
    prompt: Prompt
    begun: str = ""
    branches: bool = False


def place_in(conversation: Conversation, asked: Question, files: tuple[Attachment, ...]) -> Place:
    """Raises `AiPalError`: there is no such turn."""
    turns = conversation.turns
    if asked.how == "new":
        return Place(len(turns), Prompt(asked.prompt, files))
    at = len(turns) - 1 if asked.at is None else asked.at
    if not 0 <= at < len(turns):
        fail(Code.BAD_REQUEST, "this turn is there no more", "look at the conversation as it is now")
    turn = turns[at]
    if asked.how == "edit":
        return Place(at, Prompt(asked.prompt, (*turn.attachments, *files)), branches=True)
    if asked.how == "again":
        return Place(at, Prompt(turn.prompt, turn.attachments), branches=True)
    if at != len(turns) - 1:
        fail(Code.BAD_REQUEST, "only the last answer can be gone on with", "ask anew from there")
    return Place(at, Prompt(turn.prompt, turn.attachments), begun=turn.answer)


def request(
    conversation: Conversation, place: Place, asked: Question, preset: Preset, settings: Settings
) -> tuple[list[Message], Asking]:
    """What is asked, and how; the conversation has the turns before the answer. Raises `AiPalError`."""
    how: Asking = {
        "model": "" if asked.stronger else asked.model or preset.model or "",
        "options": options_of(asked, preset, place.begun),
        "local_only": asked.local_only or bool(preset.local_only) or settings.private(preset.goal or ""),
        "mine": asked.mine or bool(preset.mine) or settings.mine,
        "pull": True,
        "pull_limit": 0 if settings.auto_pull else UNASKED_BYTES,
    }
    if asked.stronger:
        how["escalate"] = "stronger"
    if preset.goal:
        how["goal"] = preset.goal
    if preset.max_cost is not None:
        how["max_cost"] = preset.max_cost
    return conversation.ask(*place.prompt), how


def options_of(asked: Question, preset: Preset, begun: str) -> GenerationOptions:
    """What was said in the page goes over the preset."""
    of_preset = {name: getattr(preset, name) for name in OF_OPTIONS if name != "options"}
    said = {name: value for name, value in of_preset.items() if value is not None}
    said |= {
        name: value for name, value in msgspec.structs.asdict(asked.sampling).items() if value is not None
    }
    if asked.thinking is not None:
        said["thinking"] = asked.thinking
    if begun:
        said["prefill"] = begun
    known = {name: value for name, value in said.items() if name in GenerationOptions.__struct_fields__}
    for name, value in known.items():
        if why := objection_to_value(name, value):
            fail(Code.BAD_REQUEST, why, "say another value")
    return GenerationOptions(**known, response_format=form_of(preset), extra=preset.options or {})
