"""A conversation as data: turns, what is sent to the model, and its Markdown. No I/O."""

import msgspec

from ai_pal.protocol.content import Message
from ai_pal.protocol.usage import Usage


def short_name(model: str) -> str:
    """A model as people call it: the file's name where it is a path."""
    return model.rpartition("/")[2] if model.startswith("/") else model


class Turn(msgspec.Struct, frozen=True):
    """A prompt and what was answered, by whom; `interrupted` when the answer is only its beginning,
    `remote` when the prompt left this machine, `stands_for` the model that was asked for and not yet here."""

    prompt: str
    answer: str
    model: str = ""
    interrupted: bool = False
    tier: int = 0
    provider: str = ""
    remote: bool = False
    usage: Usage = Usage()
    stands_for: str = ""

    @property
    def note(self) -> str:
        """What the model that was meant is told in front of the next prompt; empty for its own answers."""
        if not self.stands_for:
            return ""
        return f"(The answer above is by {short_name(self.model)}, which stood in for you.)\n\n"


class Conversation:
    """The turns so far. A prompt that got no answer is kept aside for `take_back`, and never sent."""

    def __init__(self, system: str | None = None) -> None:
        self.system = system
        self.turns: list[Turn] = []
        self._unanswered = ""

    @property
    def last_prompt(self) -> str:
        """The latest prompt, answered or not; empty at the start."""
        return self._unanswered or (self.turns[-1].prompt if self.turns else "")

    @property
    def last_answer(self) -> str:
        """The latest answer; empty at the start."""
        return self.turns[-1].answer if self.turns else ""

    def ask(self, prompt: str, *, marked: bool = True) -> list[Message]:
        """The messages that put `prompt` to the model, with all that was said before.

        `marked`: what stand-ins said is told to be theirs, in the user's turn: every template takes that, and
        no model imitates it."""
        self._unanswered = prompt
        messages = [] if self.system is None else [Message("system", self.system)]
        note = ""
        for turn in self.turns:
            messages += [Message("user", note + turn.prompt), Message("assistant", turn.answer)]
            note = turn.note if marked else ""
        return [*messages, Message("user", note + prompt)]

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
    ) -> None:
        """Keep what came as the answer to the latest prompt; an empty answer makes no turn."""
        if answer:
            prompt, self._unanswered = self._unanswered, ""
            usage = usage or Usage()
            self.turns.append(
                Turn(prompt, answer, model, interrupted, tier, provider, remote, usage, stands_for)
            )

    def take_back(self) -> str:
        """Remove the latest prompt with its answer and return the prompt; empty when there is none."""
        prompt = self.last_prompt
        if self._unanswered:
            self._unanswered = ""
        elif self.turns:
            self.turns.pop()
        return prompt

    def clear(self) -> None:
        """Forget all turns; the system prompt stays."""
        self.turns.clear()
        self._unanswered = ""

    def markdown(self) -> str:
        """The conversation as a Markdown document."""
        parts = [f"**System**\n\n{self.system}"] if self.system else []
        for turn in self.turns:
            broken = "\n\n*(interrupted)*" if turn.interrupted else ""
            who = f"**{turn.model or 'Model'}**"
            if turn.stands_for:
                who += f" *(in place of {short_name(turn.stands_for)})*"
            parts += [f"**You**\n\n{turn.prompt}", f"{who}\n\n{turn.answer}{broken}"]
        return "\n\n---\n\n".join(parts) + "\n"
