"""From messages to what llama.cpp is asked, and how many tokens that is. Needs no weights."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from ai_pal.errors import Code, fail
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import Ability, GenerationOptions
from ai_pal.protocol.worker import CountTokens
from workers.context_window import answer_room, shortened
from workers.engines import turn_ends
from workers.engines.base import Blob, Sink
from workers.engines.channels import FINAL
from workers.engines.jinja_template import FAILURES, words_of
from workers.engines.llamacpp import template as templates
from workers.engines.llamacpp.attachments import Attachments, AttachmentTokens, trial
from workers.engines.llamacpp.failures import attempt, template_words
from workers.engines.llamacpp.http import PromptCounter, TokenCounter
from workers.engines.llamacpp.infill import EMPTY, Marks
from workers.engines.llamacpp.messages import plain_messages
from workers.engines.llamacpp.parts import CallParts, may_call
from workers.engines.llamacpp.rendering import Rendering, is_read, rendering
from workers.engines.llamacpp.request import continued, prompt_body
from workers.engines.unix_http import Asker, RefusedError
from workers.template_clock import TemplateClock
from workers.turns import arranged, manners_of

COUNTERS = 2
"""Threads that count tokens."""


class Prompts:
    """Of one model that writes, learned by asking its server. Thread-safe."""

    def __init__(
        self, asker: Asker, context: int, now: Callable[[], float] = time.time, template: str = ""
    ) -> None:
        """`template` is what is rendered here; "" where llama.cpp renders its own."""
        self.context = context
        about = asker.ask("/props")
        text = template or str(about.get("chat_template", ""))
        rendered = rendering(template, about)
        self._told = rendered.told if rendered else lambda body: body
        self._asker, self._counter = asker, TokenCounter(asker, self._told)
        self._says = rendered.text if rendered else self._counter.render
        self._tokens_of = AttachmentTokens(self._counter.beyond_text)
        self._marker = str(about.get("media_marker", "<__media__>"))
        """What stands in a prompt for a picture."""
        self.clock = TemplateClock(text, now)
        unread = rendered is not None and not is_read(text, about)
        caps = rendered.caps() if rendered and unread else about.get("chat_template_caps", {})
        self.template = templates.look(text, caps, self._counter.tried)
        self.as_tokens = self._counter.ends_texts or unread
        """Whether prompts are given as tokens. Only of messages, and with a template that it reads, llama.cpp
        takes answers apart itself."""
        self.calls = CallParts(text, None if self.template.channels else self.template.marks)
        if self.as_tokens:
            self.template = templates.untold(self.template, tools=self.calls.are_read)
        self.turn_end = "" if self.template.channels else self._turn_end()
        """The template's mark behind an answer, where it is no token, which would end one by itself, or one
        that llama.cpp tells as text."""
        knows_system = bool(caps.get("supports_system_role", True))
        self._manners = manners_of(self._shown, system=knows_system)
        self._gap = self._marks_of_gaps()
        self.abilities = self._abilities(about.get("modalities", {}))
        self._rendering = rendered
        self._front = None if rendered is None or self._takes_apart() else self._left_out(rendered)

    def _takes_apart(self) -> bool:
        """Whether llama.cpp has to look for something in any answer, or in any prompt."""
        is_plain = self.template.thinks == "never" and not self.template.channels
        return self.as_tokens or not is_plain or bool({"images", "audio"} & set(self.abilities))

    def _left_out(self, rendering: Rendering) -> str | None:
        """What llama.cpp takes away from the front of what is rendered, since it puts that there itself; None
        where it makes something else of it."""
        body = rendering.told({"messages": self._counter.with_front(templates.QUESTION)})
        ours, theirs = rendering.text(body), self._counter.render(body)
        return ours.removesuffix(theirs) if theirs and ours.endswith(theirs) else None

    def is_plain(self, options: GenerationOptions) -> bool:
        """Whether nothing of the answer is to be taken apart: then its prompt is given as a text, which is
        rendered once."""
        asks = options.tools or options.response_format or options.prefill or options.thinking
        return self._front is not None and not (asks or options.extra)

    def as_text(self, body: dict[str, Any]) -> str:
        """The prompt of a `body` that is plain."""
        assert self._rendering is not None
        assert self._front is not None
        return self._rendering.text(body).removeprefix(self._front)

    def _shown(self, messages: Sequence[Message]) -> str | None:
        """Texts and calls only."""
        plain = plain_messages(messages, lambda _: {}, self.template.remembers)
        try:
            return self._says({"messages": plain})
        except RefusedError:
            return None

    def _abilities(self, senses: dict[str, Any]) -> list[Ability]:
        found: list[Ability] = ["chat", "complete", "schema", "grammar", "documents", "logprobs"]
        if self.template.tools:
            found.append("tools")
        if self.template.thinks != "never":
            found.append("thinking")
        found += [] if self._counter.ends_texts else self._senses(senses)  # tokens have no place for pictures
        return found if self._gap is None else [*found, "infill"]

    def _turn_end(self) -> str:
        answer = {"role": "assistant", "content": turn_ends.ANSWER}
        messages = [*templates.QUESTION, answer, *templates.QUESTION]
        try:
            mark = turn_ends.turn_end(self._counter.tried({"messages": messages}))
        except RefusedError:  # it takes no such conversation
            return ""
        return mark if mark in turn_ends.TOLD or (mark and self._counter.content(mark) > 1) else ""

    def _senses(self, told: dict[str, Any]) -> list[Ability]:
        """Tries them: a projector can want tokens that the model does not have. Raises `AiPalError`
        (`model_invalid`)."""
        names: dict[str, Ability] = {"vision": "images", "audio": "audio"}
        found = [sense for sense in names if told.get(sense)]
        for sense in found:
            try:
                self._counter.beyond_text(trial(sense))
            except RefusedError as error:
                reason = error.error.get("message", error)
                hint = "name the projector that belongs to the model, or mmproj=off"
                fail(Code.MODEL_INVALID, f"the model and its projector (mmproj) do not fit: {reason}", hint)
        return [names[sense] for sense in found]

    def _marks_of_gaps(self) -> Marks | None:
        try:
            frame = self._asker.ask("/infill", EMPTY)["prompt"]
        except RefusedError:
            return None
        return Marks(*self._counter.prompt(frame)[-len(Marks._fields) :])

    def around_gap(self, before: str, behind: str) -> list[int]:
        """The prompt of a model that can fill in, with all of both texts."""
        assert self._gap is not None  # it was asked for by nobody else: `workers.refusals`
        texts = (self._counter.plain(text) for text in (before, behind))
        return [*self._counter.prompt(""), *self._gap.around(*texts)]

    def body(
        self, messages: Sequence[Message], options: GenerationOptions, attachments: Attachments
    ) -> dict[str, Any]:
        """All that the prompt is made of. Raises `AiPalError` (`unsupported`, `bad_request`)."""
        taken = arranged(messages, self._manners)
        plain = plain_messages(taken, attachments.told, self.template.remembers)
        body = prompt_body(plain, options, self.template)
        if moment := self.clock.time_of(messages):
            body["chat_template_kwargs"] = self.clock.told(moment) | body.get("chat_template_kwargs", {})
        if self._rendering is not None and self.is_plain(options):
            return self._rendering.told(body, once=True)
        if not options.prefill or self.apart(options):
            return self._told(body)
        # llama.cpp puts it behind the thought where it sees how that is marked
        before = self._before_prefill(self._counter.render(body)) if self.template.untold else ""
        return self._told(continued(body, before + options.prefill))

    def apart(self, options: GenerationOptions) -> bool:
        """Whether the prompt is given as it was rendered, and the answer taken apart here: where texts would
        have an end, where llama.cpp takes calls for others, and where the answer is given a beginning: before
        that it puts marks of a thought of its own, or it into the thought."""
        if self.as_tokens:
            return True
        return self.calls.wanted(options) if may_call(options) else bool(options.prefill)

    def _before_prefill(self, rendered: str) -> str:
        """Between the prompt and the answer that is given a beginning."""
        if self.template.channels:
            return FINAL
        marks = self.template.marks
        is_begun = marks is not None and templates.begun_thought(rendered, marks) is not None
        return marks.ended if marks is not None and is_begun else ""

    def tokens(self, prompt: str) -> list[int]:
        """What the model reads of it."""
        return self._counter.prompt(prompt)

    def to_be_read(
        self, prompt: str, body: dict[str, Any], attachments: Attachments
    ) -> list[int] | str | dict[str, Any]:
        """What is `rendered` of this body, as llama.cpp takes it."""
        if attachments.are_told:
            return {"prompt_string": prompt, "multimodal_data": attachments.in_base64(body["messages"])}
        return prompt if {"images", "audio"} & set(self.abilities) else self.tokens(prompt)

    def lead(self, text: str) -> list[int]:
        """The tokens of what a hidden answer begins with."""
        return self._counter.plain(text)

    def rendered(self, body: dict[str, Any], options: GenerationOptions) -> str:
        """The prompt as the model sees it."""
        text = self._counter.render(body)
        if options.prefill and self.apart(options):
            text += self._before_prefill(text) + options.prefill
        return text

    def counter(self, options: GenerationOptions, attachments: Attachments) -> PromptCounter:
        """The `Counter` of a context window for a request with these options."""
        besides = len((FINAL + options.prefill).encode("utf-8", "surrogatepass")) if options.prefill else 0
        if options.tools and options.tool_choice != "none":
            besides += len(msgspec.json.encode(options.tools)) + 1024
        return PromptCounter(
            self._counter,
            lambda messages: self._count(messages, options, attachments),
            besides,
            lambda part: self._tokens_of.of(part, attachments),
        )

    def _count(
        self, messages: Sequence[Message], options: GenerationOptions, attachments: Attachments
    ) -> int:
        body = self.body(messages, options, attachments)
        if not self.apart(options):
            return self._counter.count(body)
        text = self.rendered(body, options)
        if not attachments.are_told:
            return len(self.tokens(text))
        # texts between pictures are read each by itself: what stands behind the last one is longer by this
        before, after = (one.rpartition(self._marker)[2] for one in (self._counter.render(body), text))
        return self._counter.count(body) + self._counter.content(after) - self._counter.content(before)

    def count(self, job: CountTokens, blobs: Sequence[Blob]) -> int:
        """Tokens of the prompt that a request with these fields would have, however many."""
        room = answer_room(job.options, self.context)
        with Attachments(blobs) as attachments:
            counter = self.counter(job.options, attachments)
            fitted = shortened(job.messages, counter, self.context, room, trims=job.options.trim)
            return counter.conversation(fitted.messages)


def learned(asker: Asker, context: int, now: Callable[[], float] = time.time, template: str = "") -> Prompts:
    """Raises `AiPalError` (`model_invalid`) for a template that works with nothing."""
    try:
        return Prompts(asker, context, now, template)
    except (RefusedError, *FAILURES) as error:
        why = (template_words(error.error) if isinstance(error, RefusedError) else "") or words_of(error)
        message = f"the model's chat template does not work: {why}"
        fail(Code.MODEL_INVALID, message, "set chat_template=FILE, a Jinja template, in the model's options")


class Counting:
    """Counts tokens on threads of its own, beside all answers."""

    def __init__(self, prompts: Prompts, sink: Sink) -> None:
        self._prompts, self._sink = prompts, sink
        self._threads = ThreadPoolExecutor(COUNTERS, "count")

    def start(self, job: CountTokens, blobs: Sequence[Blob]) -> None:
        self._threads.submit(self._run, job, blobs)

    def _run(self, job: CountTokens, blobs: Sequence[Blob]) -> None:
        def count() -> None:
            self._sink.counted(job.key, self._prompts.count(job, blobs))

        if failure := attempt(job.key, count):
            self._sink.failed(job.key, failure)
