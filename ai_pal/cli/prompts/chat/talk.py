"""A conversation at the terminal: read, answer, and again, until the user leaves."""

import sys
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from ai_pal import __version__
from ai_pal.cli.models.known_models import known_models
from ai_pal.cli.prompts.chat import setting
from ai_pal.cli.prompts.chat.answer import ShownAnswer, add_answer
from ai_pal.cli.prompts.chat.asking import ask
from ai_pal.cli.prompts.chat.background import FETCHED, Background
from ai_pal.cli.prompts.chat.command_context import CommandContext
from ai_pal.cli.prompts.chat.commands import COMMANDS, THINK, Leave, run_command
from ai_pal.cli.prompts.chat.entry import Command, parse
from ai_pal.cli.prompts.chat.fetching import may_fetch
from ai_pal.cli.prompts.chat.hints import in_conversation
from ai_pal.cli.prompts.chat.line_input import Choices, LineInput
from ai_pal.cli.prompts.chat.offering import Better
from ai_pal.cli.prompts.chat.preparing import InstantStart
from ai_pal.cli.prompts.chat.screen import AnswerScreen
from ai_pal.cli.prompts.chat.session import Session
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.keyboard import quiet_keyboard, spoken_to
from ai_pal.cli.terminal.neutral import neutral, neutral_line
from ai_pal.cli.terminal.streams import Terminal, say
from ai_pal.config import paths, presets
from ai_pal.conversations.model import Attachment, Conversation, short_name
from ai_pal.conversations.recorder import Recorder
from ai_pal.errors import AiPalError, Code, Failure

ASK_STRONGER = ": /stronger"
"""Behind the line that names who could be asked instead."""

FAULTS_OF_FILES = (Code.IMAGE_INVALID, Code.IMAGE_TOO_LARGE, Code.FRAME_TOO_LARGE)


class Talk:
    """Owns the session: the conversation, the prompt line and the way to the supervisor."""

    def __init__(
        self,
        session: Session,
        wishes: Wishes,
        terminal: Terminal,
        conversation: Conversation,
        recorder: Recorder,
        *,
        markdown: bool,
        hide_thinking: bool = False,
        attachments: Sequence[Attachment] = (),
        wait: bool = False,
        no_wait: bool = False,
        better: Better | None = None,
    ) -> None:
        self._session, self._terminal, self._markdown = session, terminal, markdown
        self._context = CommandContext(conversation, wishes, session, self._say, recorder)
        self._context.hide_thinking, self._context.attachments = hide_thinking, list(attachments)
        choices: dict[str, Choices] = {
            "model": lambda: known_models(session.settings).names,
            "set": lambda: setting.NAMES,
            "copy": lambda: ("code",),
            "preset": presets.names,
            "local": lambda: ("on", "off"),
            "mine": lambda: ("on", "off"),
            "think": lambda: THINK,
        }
        self._input = LineInput(paths.history_file() if recorder.writes else None, COMMANDS, choices)
        self._instant = None if wait else InstantStart(session, self._agree, self._say, eager=no_wait)
        self._better = better
        self._background: Background | None = None
        self._warned = False

    def run(self) -> int:
        """Converse. Returns the exit code.

        What is typed ahead waits for the prompt all the while: with the terminal's own modes in between, an
        Enter of that moment would come as a line feed, and begin another line."""
        with quiet_keyboard(terminal=self._terminal.stdin):
            return self._converse()

    def _converse(self) -> int:
        model = short_name(self._context.model)
        self._say(f"ai-pal {__version__} · {model} · /help for help, Ctrl-D leaves")
        if self._better is not None:
            self._fetch(self._better)
        while True:
            try:
                self._tell_of_better()
                entry = self._input.read(attached=len(self._context.attachments))
                self._handle(entry)
            except EOFError:
                return failures.OK
            except Leave:
                return failures.OK
            except KeyboardInterrupt:
                if self._warned:
                    return failures.CTRL_C
                self._warned = True
                self._say("Ctrl-C again or Ctrl-D leaves")

    def _fetch(self, better: Better) -> None:
        """Begin to fetch it, while the starter answers."""
        try:
            self._background = Background(self._session.client.endpoint, better.model, told=better.now)
        except AiPalError as error:
            failures.report(in_conversation(error.failure))
            return
        if better.now:
            self._say(neutral_line(f"{better.model} {FETCHED}"))

    def _tell_of_better(self) -> None:
        if self._background is not None and (news := self._background.news()):
            self._say(neutral_line(news))

    def _handle(self, entry: str) -> None:
        parsed = parse(entry)
        if parsed:
            self._warned = False
        prompt = run_command(self._context, parsed) if isinstance(parsed, Command) else parsed
        if prompt.strip():
            self._answer(prompt)
        else:
            self._record()  # something may have been taken back

    def _answer(self, prompt: str) -> None:
        """Put one prompt to the model. What has come of an answer stays in the conversation."""
        self._tell_of_better()
        context, instant = self._context, self._instant
        wishes = context.wishes
        screen = AnswerScreen(
            self._terminal, markdown=self._markdown, hide_thinking=context.hide_thinking, unsure=ASK_STRONGER
        )
        try:
            try:
                if instant is not None:
                    wishes = instant.wishes(wishes)
                files, context.attachments = context.attachments, []
                messages = context.conversation.ask(prompt, files, marked=not self._stands_for)
                mark = context.recorder.mark_of(context.conversation)
                wishes = msgspec.structs.replace(wishes, conversation=mark)
                if context.stronger:
                    wishes = msgspec.structs.replace(wishes, model="", escalate="stronger")
                    context.stronger = False
                answer = ask(self._session, messages, wishes, screen.show, self._agree)
            finally:
                screen.close()
        except AiPalError as error:
            failures.report(in_conversation(error.failure))
            self._settle_doubt(failed=True)
            self._attach_again([error.failure])
            return
        self._keep(answer)
        context.answer = 0 if answer.started is None else answer.started.id
        self._settle_doubt(failed=answer.finish_reason == "failed")
        failures.report(*map(in_conversation, answer.told_failures))
        if answer.finish_reason == "failed":
            self._attach_again(answer.told_failures)
        screen.figures(answer, self._note)
        self._record()
        if answer.ended_by:
            raise SystemExit(128 + answer.ended_by)
        print(file=sys.stderr)

    def _settle_doubt(self, *, failed: bool) -> None:
        """An answer that was doubted stays where nobody has given another."""
        doubted, self._context.doubted = self._context.doubted, None
        if failed and doubted is not None:
            self._context.conversation.put_back(doubted)

    def _attach_again(self, refusals: Sequence[Failure]) -> None:
        """What went with a prompt that nobody answered goes with the next, unless it is at fault itself."""
        if any(one.code in FAULTS_OF_FILES for one in refusals):
            return
        files = self._context.conversation.detach()
        self._context.attachments = [*files, *self._context.attachments]
        if files:
            self._say(f"still attached: {', '.join(one.name for one in files)}; /detach takes it off")

    @property
    def _note(self) -> str:
        """How far the model is that is fetched meanwhile."""
        waits = "" if self._instant is None else self._instant.note
        return waits or ("" if self._background is None else neutral_line(self._background.note))

    @property
    def _stands_for(self) -> str:
        """The model in whose place another answers now; empty for none."""
        return "" if self._instant is None else self._instant.stands_for

    def _keep(self, answer: ShownAnswer) -> None:
        add_answer(self._context.conversation, answer, self._stands_for)
        self._context.totals.add(answer)
        # A Ctrl-C right after the one that stopped the answer leaves.
        self._warned = answer.finish_reason == "cancelled"

    def _record(self) -> None:
        context = self._context
        session, wishes = context.session, context.wishes
        private, mine = session.is_private(wishes), session.is_among_mine(wishes)
        context.recorder.keep(context.conversation, wishes.model, local_only=private, mine=mine)

    def _agree(self, model: str, size: int) -> bool:
        if self._instant is not None and self._instant.refused == model:
            return False  # asked and answered
        with spoken_to(terminal=self._terminal.stdin):
            return may_fetch(model, size, self._session.settings, self._terminal)

    def _say(self, text: str) -> None:
        with suppress(BrokenPipeError):
            say(neutral(text), sys.stderr, dim=self._terminal.rich_stderr)
