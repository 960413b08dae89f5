"""Answers of a model that writes: the prompt of each, its room in the cache, and what llama.cpp is asked."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from ai_pal.protocol.content import Message
from ai_pal.protocol.doubt import MOST_PROBE_TOKENS, Probe
from ai_pal.protocol.worker import CompleteText, Generate
from workers.context_window import Counter, answer_room, fit
from workers.engines.bare_calls import bare_calls
from workers.engines.base import Sink
from workers.engines.llamacpp.answer import Generation
from workers.engines.llamacpp.attachments import Attachments
from workers.engines.llamacpp.infill import most_tokens, text_body, tokens_body
from workers.engines.llamacpp.options import LARGEST
from workers.engines.llamacpp.parts import may_call
from workers.engines.llamacpp.prefixes import NUMBER, Prefixes
from workers.engines.llamacpp.probe import LEAST_READ, Trial, has_place
from workers.engines.llamacpp.prompts import Prompts
from workers.engines.llamacpp.request import (
    answer_body,
    over_window,
    seen,
    stop_list,
    stops_of,
    watched_calls,
    watched_form,
)
from workers.engines.llamacpp.room import Room
from workers.engines.llamacpp.scoring import Scoring
from workers.engines.llamacpp.server import Server
from workers.engines.llamacpp.template import begun_thought, bounded
from workers.engines.llamacpp.thoughts import thoughts_of
from workers.engines.uncertainty import LIKELIEST


class Writing:
    """Every request has a thread of its own, on which it is seen through. `context` is the window in tokens,
    `trained` that of the model's training, and `prefixes` what is kept of conversations, if anything is."""

    def __init__(
        self,
        server: Server,
        sink: Sink,
        prompts: Prompts,
        room: Room,
        *,
        context: int,
        trained: int,
        prefixes: Prefixes | None = None,
    ) -> None:
        self._server, self._sink, self.prompts, self._room = server, sink, prompts, room
        self._context, self._trained, self._prefixes = context, trained, prefixes

    def answer(self, request: Generate, answer: Generation, attachments: Attachments) -> None:
        """Answer a conversation."""
        options, prompts = request.options, self.prompts
        if self._prefixes is not None and request.conversation:
            prompts.clock.carry_on(request.messages, self._prefixes.begun(request.conversation))
        counter = prompts.counter(options, attachments)
        room = answer_room(options, self._context)
        fitted = fit(request.messages, counter, self._context, room, self._trained, trims=options.trim)
        if fitted.dropped:
            self._sink.trimmed(request.key, fitted.dropped, self._context)
        prompt = prompts.body(fitted.messages, options, attachments)
        keeps = self._prefixes if request.conversation and not attachments.are_told else None
        probe = None if attachments.are_told else request.probe
        apart, plain = prompts.apart(options), prompts.is_plain(options)
        if plain:
            rendered = prompts.as_text(prompt)
        else:
            needed = keeps or probe or apart or prompts.template.thinks != "never"
            rendered = prompts.rendered(prompt, options) if needed else ""
        body = self._body(request, fitted.messages, prompt, rendered, counter)
        self._expect(request, answer, body, rendered, apart=apart)
        exactly = partial(counter.conversation, fitted.messages)
        if not self._room.admitted(answer, exactly, fitted.tokens, room):
            return
        if keeps is not None:
            body |= keeps.begin(request.conversation, rendered, prompts.clock.begun(request.messages))
        length_of_last = partial(counter.content, fitted.messages[-1].text)
        if probe and has_place(options, prompts.template, rendered) and length_of_last() >= LEAST_READ:
            self._probe(probe, answer, rendered, body)
        if apart:
            body = tokens_body(body, prompts.to_be_read(rendered, prompt, attachments))
        elif plain:
            body = tokens_body(body, rendered)
        ask = self._server.complete if apart or plain else self._server.chat
        self._room.ask(ask, body, answer)

    def complete(self, request: CompleteText, answer: Generation) -> None:
        """Go on with a text as it is, or fill in the middle of one."""
        options, body = request.options, over_window(text_body(request), self._context)
        answer.configure(
            stops=[],
            prefill=options.prefill,
            alternatives=options.logprobs or 0,
            form=watched_form(options),
        )
        room = answer_room(options, self._context)
        bound = most_tokens(request)
        if not self._room.admitted(answer, lambda: min(bound, self._context - room), bound, room):
            return
        if request.prompt_logprobs and not self._scored(request, answer):
            return
        if request.suffix is not None:
            body = tokens_body(body, self.prompts.around_gap(body["prompt"], request.suffix))
        elif self.prompts.as_tokens and isinstance(body["prompt"], str):
            body = tokens_body(body, self.prompts.tokens(body["prompt"]))
        self._room.ask(self._server.complete, body, answer)

    def _body(
        self,
        request: Generate,
        messages: Sequence[Message],
        prompt: dict[str, Any],
        rendered: str,
        counter: Counter,
    ) -> dict[str, Any]:
        """What llama.cpp is asked."""
        options, prompts = request.options, self.prompts
        body = answer_body(
            options,
            prompts.template,
            rendered,
            left=lambda: self._context - counter.conversation(messages),
        )
        body = over_window(body | prompt, self._context)
        if request.watch:
            body |= seen(body, LIKELIEST)
        if (budget := body.get("thinking_budget_tokens")) is not None:
            # llama.cpp counts what the prompt has behind the tag, too: with less it skips part of the end
            begun = begun_thought(rendered, prompts.template.marks) or ""
            body |= bounded(min(budget + counter.content(begun), LARGEST), prompts.template)
        if prompts.turn_end:
            body["stop"] = [*stop_list(body.get("stop")), prompts.turn_end]
        if prompts.apart(options) and may_call(options):
            body |= prompts.calls.seen()
        return body

    def _expect(
        self, request: Generate, answer: Generation, body: dict[str, Any], rendered: str, *, apart: bool
    ) -> None:
        """Have the answer taken apart as it will come."""
        options, prompts = request.options, self.prompts
        template, marks = prompts.template, prompts.template.marks
        begun = begun_thought(rendered, marks) is not None
        is_cut = apart and may_call(options)
        thoughts = None
        if not is_cut:
            thoughts = thoughts_of(template, begun=begun, prefilled=bool(options.prefill), apart=apart)
        end = ""
        if marks is not None:
            is_bounded = body.get("thinking_budget_tokens") is not None
            is_set = is_bounded or options.prefill or rendered.rstrip().endswith(marks.close)
            end = marks.close if is_set else ""
        answer.configure(
            stops=stops_of(options),  # llama.cpp looks for them in thoughts and calls, too, and tells none
            prefill=options.prefill,
            alternatives=options.logprobs if request.watch else options.logprobs or 0,
            watch=request.watch,
            calls=watched_calls(options),
            form=watched_form(options),
            opened=begun,
            thoughts=thoughts,
            bare=bare_calls(options),
            cut=prompts.calls.of(options, begun=begun) if is_cut else None,
            single=options.parallel_tool_calls is False,
            end=end,
        )

    def _probe(self, probe: Probe, answer: Generation, rendered: str, body: dict[str, Any]) -> None:
        """In the sequence in which the answer goes on; what fails leaves the answer as it would be."""
        prompt, lead = self.prompts.tokens(rendered), self.prompts.lead(probe.lead)
        if len(lead) <= MOST_PROBE_TOKENS and len(prompt) + len(lead) + 1 < self._context:
            where = {name: body[name] for name in (NUMBER,) if name in body}
            trial = Trial(answer, self._sink, len(prompt), probe.among)
            trial.carry_out(self._server.complete, [*prompt, *lead], where)

    def _scored(self, request: CompleteText, answer: Generation) -> bool:
        """Tell how probable the prompt is; False when cancelled before that."""

        def score() -> None:
            complete, most = self._server.complete, request.options.logprobs or 0
            scoring = Scoring(request.key, self._sink, complete, most, lambda: answer.cancelled)
            scoring.tell(self._server.asker, request.prompt)

        return self._room.twice(answer, score)
