"""A conversation as data: turns, what is sent to the model, and its Markdown. No I/O."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ai_pal.protocol.content import AnyPart, Audio, Document, Image, Message, Reasoning, Text, ToolCall
from ai_pal.protocol.usage import Usage


def short_name(model: str) -> str:
    """A model as people call it: the file's name where it is a path."""
    return model.rpartition("/")[2] if model.startswith("/") else model


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that goes with a prompt, under the `name` by which people know it; `about` says what it is."""

    name: str
    part: Document | Image | Audio
    about: str = ""


class Prompt(NamedTuple):
    """What was asked, and the files that went with it."""

    text: str = ""
    attachments: tuple[Attachment, ...] = ()


class Figures(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an answer took: `cost` in US dollars, None where nobody knows; seconds to its `first_token` and of
    what was `thought`; tokens a second. `why` this model was asked, and of what `window` in tokens it has.
    `doubt` as in `Done`; `unsure` is what was said of it where it counted. `written_by` is the process
    that has more of the answer to come, empty once it is over."""

    cost: float | None = 0.0
    first_token: float = 0.0
    tokens_per_second: float = 0.0
    thought: float = 0.0
    why: str = ""
    window: int = 0
    doubt: float | None = None
    unsure: str = ""
    written_by: str = ""


class Turn(msgspec.Struct, frozen=True):
    """A prompt and what was answered, by whom; `interrupted` when the answer is only its beginning,
    `remote` when the prompt left this machine, `stands_for` the model that was asked for and not yet here.
    `beside` is what the answer has besides its text: what was thought, and the tools it wanted to be run."""

    prompt: str
    answer: str
    model: str = ""
    interrupted: bool = False
    tier: int = 0
    provider: str = ""
    remote: bool = False
    usage: Usage = Usage()
    stands_for: str = ""
    attachments: tuple[Attachment, ...] = ()
    beside: tuple[Reasoning | ToolCall, ...] = ()
    figures: Figures = Figures()

    @property
    def thinking(self) -> str:
        """What was thought before the answer."""
        return "".join(part.text for part in self.beside if isinstance(part, Reasoning))

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that the answer wanted to be run."""
        return [part for part in self.beside if isinstance(part, ToolCall)]

    @property
    def reply(self) -> Message:
        """The answer as it is sent back. Nobody has run its tools: what it wanted is said in words."""
        text = self.answer or "\n".join(shown_call(call) for call in self.tool_calls)
        thoughts: list[AnyPart] = [part for part in self.beside if isinstance(part, Reasoning)]
        return Message("assistant", [*thoughts, Text(text)] if thoughts else text)

    @property
    def note(self) -> str:
        """What the model that was meant is told in front of the next prompt; empty for its own answers."""
        if not self.stands_for:
            return ""
        return f"(The answer above is by {short_name(self.model)}, which stood in for you.)\n\n"


class Conversation:
    """The turns so far, behind `examples` that are none of them and are not kept. A prompt that got no answer
    is kept aside for `take_back`, never sent."""

    def __init__(self, system: str | None = None) -> None:
        self.system = system
        self.examples: list[Message] = []
        self.turns: list[Turn] = []
        self._unanswered = Prompt()

    @property
    def last_prompt(self) -> Prompt:
        """The latest prompt, answered or not; empty at the start."""
        if self._unanswered.text or not self.turns:
            return self._unanswered
        return Prompt(self.turns[-1].prompt, self.turns[-1].attachments)

    @property
    def last_thinking(self) -> str:
        """What was thought before the latest answer; empty where nothing was."""
        return self.turns[-1].thinking if self.turns else ""

    @property
    def last_answer(self) -> str:
        """The latest answer; empty at the start."""
        return self.turns[-1].answer if self.turns else ""

    def ask(
        self, prompt: str, attachments: Sequence[Attachment] = (), *, marked: bool = True
    ) -> list[Message]:
        """The messages that put `prompt` to the model, with all that was said before.

        `marked`: what stand-ins said is told to be theirs, in the user's turn: every template takes that, and
        no model imitates it."""
        self._unanswered = Prompt(prompt, tuple(attachments))
        messages = [] if self.system is None else [Message("system", self.system)]
        messages += self.examples
        note = ""
        for turn in self.turns:
            messages += [_asked(note + turn.prompt, turn.attachments), turn.reply]
            note = turn.note if marked else ""
        return [*messages, _asked(note + prompt, attachments)]

    def answered(
        self,
        answer: str,
        model: str = "",
        *,
        interrupted: bool = False,
        tier: int = 0,
        provider: str = "",
        remote: bool = False,
        usage: Usage | None = None,
        stands_for: str = "",
        beside: Sequence[Reasoning | ToolCall] = (),
        figures: Figures | None = None,
    ) -> None:
        """Keep what came as the answer to the latest prompt; what only thought makes no turn."""
        if answer or any(isinstance(part, ToolCall) for part in beside):
            (prompt, attachments), self._unanswered = self._unanswered, Prompt()
            usage = usage or Usage()
            by = (model, interrupted, tier, provider, remote, usage, stands_for)
            took = figures or Figures()
            self.turns.append(Turn(prompt, answer, *by, attachments, tuple(beside), took))

    def detach(self) -> tuple[Attachment, ...]:
        """Take off what went with a prompt that was not answered."""
        files = self._unanswered.attachments
        self._unanswered = Prompt(self._unanswered.text)
        return files

    def take_back(self) -> Prompt:
        """Remove the latest prompt with its answer and return the prompt; empty when there is none."""
        prompt = self.last_prompt
        if self._unanswered.text:
            self._unanswered = Prompt()
        elif self.turns:
            self.turns.pop()
        return prompt

    def put_back(self, turn: Turn) -> None:
        """The turn that was taken back is there again: nobody has answered its prompt anew."""
        self._unanswered = Prompt()
        self.turns.append(turn)

    def clear(self) -> None:
        """Forget all turns; the system prompt stays."""
        self.turns.clear()
        self._unanswered = Prompt()

    def markdown(self) -> str:
        """The conversation as a Markdown document; files that went with it are named."""
        parts = [f"**System**\n\n{self.system}"] if self.system else []
        for turn in self.turns:
            broken = "\n\n*(interrupted)*" if turn.interrupted else ""
            who = f"**{turn.model or 'Model'}**"
            if turn.stands_for:
                who += f" *(in place of {short_name(turn.stands_for)})*"
            files = "".join(f"*attached: {shown_attachment(one)}*\n\n" for one in turn.attachments)
            thought = f"{_quoted(turn.thinking)}\n\n" if turn.thinking.strip() else ""
            calls = "".join(f"\n\n    {shown_call(call)}" for call in turn.tool_calls)
            answer = f"{thought}{turn.answer}{calls}".strip("\n")
            parts += [f"**You**\n\n{files}{turn.prompt}", f"{who}\n\n{answer}{broken}"]
        return "\n\n---\n\n".join(parts) + "\n"


def shown_call(call: ToolCall) -> str:
    """A call for people and scripts: the tool's name, and its arguments as JSON."""
    return f"{call.name} {call.arguments}".rstrip()


def shown_attachment(one: Attachment) -> str:
    """A file for people."""
    return f"{one.name} ({one.about})" if one.about else one.name


def _asked(text: str, attachments: Sequence[Attachment]) -> Message:
    parts: list[AnyPart] = [one.part for one in attachments]
    return Message("user", [*parts, Text(text)] if parts else text)


def _quoted(thinking: str) -> str:
    """What was thought, as a quotation: it was not said."""
    lines = thinking.strip("\n").split("\n")
    return "\n".join(["> *thought:*", ">", *(f"> {line}".rstrip() for line in lines)])
