"""From jobs to prompts: what a tokenizer, its template and the options make of them. Needs no weights."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ai_pal.errors import Code, fail
from ai_pal.protocol import needs
from ai_pal.protocol.content import Audio, Image, Message, Text
from ai_pal.protocol.doubt import MOST_PROBE_TOKENS, Probe
from ai_pal.protocol.options import Ability, GenerationOptions, Grammar, NamedTool, Tool
from ai_pal.protocol.thinking_levels import BUDGETS
from ai_pal.protocol.worker import CompleteText, CountTokens, Generate
from workers.context_window import Counter, answer_room, fit, shortened, too_large
from workers.engines.base import Blob, bytes_of
from workers.engines.transformers.batch.answer import Prompt
from workers.engines.transformers.guiding.bindings import Bindings
from workers.engines.transformers.guiding.guide import Guide
from workers.engines.transformers.guiding.steering import Steering
from workers.engines.transformers.options import Sampling, read_sampling
from workers.engines.transformers.prompts import infill
from workers.engines.transformers.prompts import pictures as pictures_of
from workers.engines.transformers.prompts.chat import NOTHING, Chat, Extras, TokenCounter
from workers.engines.transformers.prompts.conversation import images_of, uses_tools
from workers.engines.transformers.prompts.parting import Parting
from workers.engines.transformers.prompts.tokens import Tokens

REMEMBERED = 512
"""Pictures whose tokens are known."""


class Prompts:
    """One tokenizer and its template; thread-safe. Raises `AiPalError` for what the model cannot do
    (`unsupported`) and what makes no sense (`bad_request`, `prompt_too_large`)."""

    def __init__(
        self,
        tokenizer: Any,
        chat: Chat,
        tokens: Tokens,
        bindings: Bindings,
        context: int,
        processor: Any = None,
        trained: int = 0,
    ) -> None:
        self.chat, self.context, self._trained = chat, context, trained
        self._tokens, self._bindings = tokens, bindings
        self._processor = processor
        self._counter = TokenCounter(chat, self._length)
        self._seen: dict[bytes, int] = {}
        self._infill = infill.marks_of(tokenizer.get_vocab())
        self._parting = Parting(tokenizer, chat)
        self._thinking = self._parting.thinking
        self._steering = Steering(
            self._thinking,
            switched=bool(chat.traits.switch),
            levels=bool(chat.traits.effort),
            bindings=bindings,
            context=context,
        )
        self._decode = tokens.decode
        self._decode_marked = tokens.showing(self._parting.marks)

    @property
    def abilities(self) -> list[Ability]:
        """What this model can be asked for."""
        found: list[Ability] = ["chat", "complete", "documents"]
        if self._infill is not None:
            found.append("infill")
        if self.chat.traits.tools and self._parting.tells_calls:
            found.append("tools")
        if self._bindings.available:
            found += ["schema", "logprobs"]
        if self._thinking is not None:
            found.append("thinking")
        if self._processor is not None and self.chat.traits.pictures:
            found.append("images")
        return found

    def of(
        self,
        job: Generate | CompleteText,
        sampling: Sampling,
        trimmed: Callable[[int], None],
        blobs: Sequence[Blob] = (),
    ) -> Prompt:
        """The prompt of a job; `trimmed` hears how many turns were left out, `blobs` are its attachments."""
        if isinstance(job, CompleteText):
            return self._raw(job, sampling)
        return self._conversation(job, sampling, trimmed, blobs)

    def count(self, job: CountTokens, blobs: Sequence[Blob] = ()) -> int:
        """Tokens of the prompt that `of` would make of it, also of one that it would refuse as too large."""
        extras = self._extras(job.messages, job.options)
        counter = self._counted_with(extras, job.messages, blobs)
        room = answer_room(job.options, self.context)
        fitted = shortened(job.messages, counter, self.context, room, trims=job.options.trim)
        text = self.chat.render(fitted.messages, extras)
        return len(self._read(text + self._steering.begun(job.options, text)[0], fitted.messages, blobs)[0])

    # Conversations.

    def _conversation(
        self, job: Generate, sampling: Sampling, trimmed: Callable[[int], None], blobs: Sequence[Blob]
    ) -> Prompt:
        options = job.options
        extras = self._extras(job.messages, options)
        room = answer_room(options, self.context)
        counter = self._counted_with(extras, job.messages, blobs)
        fitted = fit(job.messages, counter, self.context, room, trims=options.trim)
        if fitted.dropped:
            trimmed(fitted.dropped)
        text = self.chat.render(fitted.messages, extras)
        behind, opened = self._steering.begun(options, text)
        text += behind
        tokens, inputs = self._read(text, fitted.messages, blobs)
        thought = self._steering.thought(options, text, opened, len(tokens))
        final = self._thinking.final if self._thinking is not None and not options.prefill else ""
        forced = self._bindings.of(options, self._parting.calls_for(options), extras.tools, final)
        if (
            forced is not None
            and options.prefill
            and not forced.takes(self._bindings.tokens_of(options.prefill))
        ):
            fail(
                Code.BAD_REQUEST, "the answer cannot begin so: its form does not allow it", "correct prefill"
            )
        guide = Guide(forced, thought, self._bindings.tokens_of) if forced or thought else None
        parts = self._parting.of(options, text, opened, extras.tools)
        is_plain = not (opened or options.prefill or inputs or extras.tools) and guide is None
        return Prompt(
            job.key,
            tokens,
            room,
            sampling,
            [*options.stop, *self.chat.stop, *self._parting.turn_ends],
            self._decode if parts is None else self._decode_marked,
            guide,
            parts,
            bool(extras.tools) and options.parallel_tool_calls is False,
            self._bindings.bytes_of if sampling.logprobs is not None else None,
            options.prefill,
            inputs,
            self._steering.ends(options, text, thought),
            watch=job.watch,
            hidden=self._hidden(job.probe) if job.probe is not None and is_plain else [],
            among=job.probe.among if job.probe is not None else [],
        )

    def _hidden(self, probe: Probe) -> list[int]:
        tokens = self._tokens.encode(probe.lead, False)
        return tokens if len(tokens) <= MOST_PROBE_TOKENS else []

    def _read(
        self, text: str, messages: Sequence[Message], blobs: Sequence[Blob]
    ) -> tuple[list[int], dict[str, Any]]:
        """Tokens of a rendered conversation, and what its pictures are to the model."""
        images = images_of(messages)
        if not images:
            return self._encode(text), {}
        if self._processor is None:
            fail(Code.UNSUPPORTED, "this model cannot look at images", needs.WHO["images"])
        pictures = [pictures_of.decode(bytes_of(image, blobs)) for image in images]
        inputs = dict(
            self._processor(text=[text], images=[pictures], return_tensors="pt", add_special_tokens=False)
        )
        tokens = inputs.pop("input_ids")[0].tolist()
        inputs.pop("attention_mask", None)
        return tokens, inputs

    def _extras(self, messages: Sequence[Message], options: GenerationOptions) -> Extras:
        """What the template is given beside the messages."""
        traits = self.chat.traits
        tools = chosen_tools(options)
        if tools and "tools" not in self.abilities:
            fail(
                Code.UNSUPPORTED, "this model's chat template knows no tools", "ask a model that calls tools"
            )
        if uses_tools(messages) and not traits.results:
            fail(
                Code.UNSUPPORTED,
                "this model's chat template does not show calls of tools and what came of them",
                "ask a model that calls tools, or leave them out of the conversation",
            )
        variables: dict[str, Any] = {}
        thinking = options.thinking
        if thinking not in (None, "off") and self._thinking is None:
            fail(Code.UNSUPPORTED, "this model does not think before it answers", "leave thinking out")
        if thinking is None and options.prefill:  # what is begun has no thought before it
            thinking = "off"
        if thinking is not None and traits.switch:
            variables[traits.switch] = thinking != "off"
        if thinking in BUDGETS and traits.effort:
            variables[traits.effort] = thinking
        return Extras(tools, variables) if tools or variables else NOTHING

    def _counted_with(self, extras: Extras, messages: Sequence[Message], blobs: Sequence[Blob]) -> Counter:
        plain = self._counter if extras is NOTHING else TokenCounter(self.chat, self._length, extras)
        if not images_of(messages):
            return plain

        def read(kept: Sequence[Message]) -> int:
            return len(self._read(self.chat.render(kept, extras), kept, blobs)[0])

        return pictures_of.PictureCounter(plain, read, lambda part: self._tokens_of(part, blobs))

    def _tokens_of(self, part: Image | Audio, blobs: Sequence[Blob]) -> int:
        """Tokens that a picture is, each content looked at once."""
        digest = hashlib.blake2b(bytes_of(part, blobs), digest_size=16).digest()
        if digest not in self._seen:
            message = Message("user", [part, Text("x")])
            tokens, _ = self._read(self.chat.render([message]), [message], blobs)
            if len(self._seen) >= REMEMBERED:
                self._seen.clear()
            self._seen[digest] = max(0, len(tokens) - self._counter.fixed)
        return self._seen[digest]

    # Raw text.

    def _too_large(self, what: str, tokens: Sequence[int]) -> NoReturn:
        message = f"{what} has {len(tokens)} tokens, the model's window holds {self.context}"
        too_large(message, self.context, self._trained)

    def _raw(self, job: CompleteText, sampling: Sampling) -> Prompt:
        options = job.options
        if options.tools or options.thinking not in (None, "off") or options.thinking_budget is not None:
            fail(
                Code.UNSUPPORTED,
                "raw text is gone on with as it is: without tools and thinking",
                "leave them out",
            )
        own = 0
        if not isinstance(job.prompt, str):
            tokens, own = list(job.prompt), len(job.prompt)
            if unknown := [token for token in tokens if token >= self._tokens.vocabulary]:
                known = self._tokens.vocabulary
                fail(Code.BAD_REQUEST, f"there is no token {unknown[0]}: the model knows {known}")
        elif job.suffix is None:
            tokens = self._tokens.encode(job.prompt + options.prefill, True)
            plain = self._tokens.encode(job.prompt + options.prefill, False)
            own = len(plain) if tokens[-len(plain) :] == plain else len(tokens)
        elif self._infill is None:
            fail(
                Code.UNSUPPORTED, "this model cannot fill in text between two others", "ask a model for code"
            )
        else:
            pieces = self._infill.arrange(job.prompt, job.suffix)
            tokens = self._tokens.encode("".join(pieces) + options.prefill, True)
        if not tokens:
            fail(Code.EMPTY_PROMPT, "there is nothing to go on with", "give some text")
        if len(tokens) >= self.context:
            self._too_large("the prompt", tokens)
        forced = self._bindings.of(options, None, [])
        return Prompt(
            job.key,
            tokens,
            answer_room(options, self.context),
            sampling,
            options.stop,
            self._decode,
            Guide(forced, None, self._bindings.tokens_of) if forced else None,
            bytes_of=self._bindings.bytes_of
            if sampling.logprobs is not None or job.prompt_logprobs
            else None,
            prefill=options.prefill,
            scored=own if job.prompt_logprobs else 0,
        )

    # Both.

    def sampling(self, job: Generate | CompleteText | CountTokens) -> Sampling:
        """What the options say about sampling, or why they cannot be. Quick."""
        options = job.options
        sampling = read_sampling(options)
        if not isinstance(job, CompleteText) and not job.messages:
            fail(Code.BAD_REQUEST, "there is no message to answer")
        if isinstance(options.response_format, Grammar):
            fail(Code.UNSUPPORTED, "transformers reads no GBNF grammars", "use a JSON schema, or llama.cpp")
        known = self._tokens.vocabulary
        if beyond := [token for token in sampling.logit_bias if token >= known]:
            fail(
                Code.BAD_REQUEST,
                f"there is no token {beyond[0]}: the model knows {known}",
                "correct logit_bias",
            )
        if (sampling.logprobs or 0) > known:
            fail(Code.BAD_REQUEST, f"logprobs asks for more alternatives than the model's {known} tokens")
        return sampling

    def _encode(self, text: str) -> list[int]:
        return self._tokens.encode(text, self.chat.adds_special_tokens)

    def _length(self, text: str) -> int:
        return len(self._encode(text))


def chosen_tools(options: GenerationOptions) -> list[Tool]:
    """The tools that may be called. Raises `AiPalError` (`bad_request`)."""
    choice = options.tool_choice
    if choice == "none":
        return []
    if isinstance(choice, NamedTool):
        named = [tool for tool in options.tools if tool.name == choice.name]
        if not named:
            fail(Code.BAD_REQUEST, f"tool_choice names {choice.name!r}, which is none of the tools")
        return named
    if choice == "required" and not options.tools:
        fail(Code.BAD_REQUEST, "a tool has to be called, and there is none")
    return options.tools
