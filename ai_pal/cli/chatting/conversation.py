"""A conversation as data: turns, what is sent to the model, and its Markdown. No I/O."""

import msgspec

from ai_pal.messages.chat import Message, Usage


class Turn(msgspec.Struct, frozen=True):
    """A prompt and what was answered, by whom; `interrupted` when the answer is only its beginning,
    `remote` when the prompt left this machine."""

    prompt: str
    answer: str
    model: str = ""
    interrupted: bool = False
    tier: int = 0
    provider: str = ""
    remote: bool = False
    usage: Usage = Usage()


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

    def ask(self, prompt: str) -> list[Message]:
        """The messages that put `prompt` to the model, with all that was said before."""
        self._unanswered = prompt
        messages = [] if self.system is None else [Message("system", self.system)]
        for turn in self.turns:
            messages += [Message("user", turn.prompt), Message("assistant", turn.answer)]
        return [*messages, Message("user", prompt)]

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
    ) -> None:
        """Keep what came as the answer to the latest prompt; an empty answer makes no turn."""
        if answer:
            prompt, self._unanswered = self._unanswered, ""
            usage = usage or Usage()
            self.turns.append(Turn(prompt, answer, model, interrupted, tier, provider, remote, usage))

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
            parts += [f"**You**\n\n{turn.prompt}", f"**{turn.model or 'Model'}**\n\n{turn.answer}{broken}"]
        return "\n\n---\n\n".join(parts) + "\n"
