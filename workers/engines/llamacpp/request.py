"""The requests that llama.cpp's server is asked with. Pure."""

from collections.abc import Callable
from typing import Any

from ai_pal.errors import Code, Failure, fail
from ai_pal.protocol.options import GenerationOptions, Grammar, JsonObject, JsonSchema, NamedTool
from workers.engines.llamacpp import grammars
from workers.engines.llamacpp.options import check_options, held
from workers.engines.llamacpp.template import Template, begun_thought, thinking_body, thinking_budget
from workers.structured.gbnf import fault_of
from workers.tool_turns import with_properties

RANDOM_SEED = 0xFFFFFFFF
AS_THEY_ARE = (*("temperature", "top_p", "max_tokens", "min_p", "presence_penalty", "frequency_penalty"),)
SMALLEST_ABOVE_0 = 1.2e-38
"""That is not 0 in 32 bits."""
USUAL_ANSWER = 2048
UNREADABLE = "parse grammar"
"""What llama.cpp says of a grammar."""
CONTINUED = {"continue_final_message": True, "add_generation_prompt": False}
STREAM = {
    "stream": True,
    "return_progress": True,
    "timings_per_token": True,
    "stream_options": {"include_usage": True},
    "n": 1,
}


def sampling_body(options: GenerationOptions) -> dict[str, Any]:
    """How tokens are chosen; `extra` may add to it, never change how it is streamed.

    Raises `AiPalError` (`bad_request`) for options that llama.cpp would not look at."""
    check_options(options.extra)
    body: dict[str, Any] = dict(options.extra)
    for name in AS_THEY_ARE:
        if (value := getattr(options, name)) is not None:
            body[name] = value
    if options.seed is not None:
        body["seed"] = options.seed
    if body.get("seed") is not None:
        body["seed"] = seed_of(body["seed"])
    if options.top_k is not None:
        body["top_k"] = max(options.top_k, 0)
    if (penalty := options.repeat_penalty) is not None:
        body["repeat_penalty"] = max(penalty, SMALLEST_ABOVE_0)
    if options.logit_bias:
        body["logit_bias"] = [[token, bias] for token, bias in options.logit_bias.items()]
    return held(body) | STREAM


def over_window(body: dict[str, Any], context: int) -> dict[str, Any]:
    """With all of the window where -1 asks for it: as llama.cpp's documentation has it, not its server."""
    of_all = {name: context for name in ("repeat_last_n", "dry_penalty_last_n") if body.get(name) == -1}
    return body | of_all


def seed_of(seed: Any) -> Any:
    """A seed that llama.cpp keeps: it has 32 bits, and their largest value, so -1 too, means random."""
    return seed % RANDOM_SEED if isinstance(seed, int) else seed


def stops_of(options: GenerationOptions) -> list[str]:
    """An empty text would end every answer before it began."""
    return [text for text in options.stop if text]


def stop_list(given: Any) -> list[Any]:
    """Stop texts as a list; llama.cpp takes a single one, too."""
    return given if isinstance(given, list) else [] if given is None else [given]


def forces_calls(options: GenerationOptions) -> bool:
    """Whether the answer has to be a call."""
    return bool(options.tools) and (
        options.tool_choice == "required" or isinstance(options.tool_choice, NamedTool)
    )


def leaves_choice(options: GenerationOptions) -> bool:
    """Whether the answer is either a call or of a form."""
    may_call = bool(options.tools) and options.tool_choice in (None, "auto")
    return may_call and isinstance(options.response_format, JsonObject | JsonSchema)


def holds_calls(options: GenerationOptions) -> bool:
    """Whether calls are of our own form, in a grammar, and not as the model's template has them."""
    return forces_calls(options) or leaves_choice(options)


def watched_calls(options: GenerationOptions) -> str:
    """The grammar of calls in Lark, without any thought; "" where they are not held to one. Raises as
    `answer_body`."""
    if not holds_calls(options):
        return ""
    choice, several = options.tool_choice or "auto", options.parallel_tool_calls is True
    return grammars.calls_grammar(options.tools, choice, several, "").removeprefix(grammars.HEAD)


def watched_form(options: GenerationOptions) -> str:
    """The same for the form of a text."""
    wanted = options.response_format
    if forces_calls(options) or not isinstance(wanted, JsonObject | JsonSchema):
        return ""
    return grammars.schema_grammar(wanted, "").removeprefix(grammars.HEAD)


def prompt_body(
    messages: list[dict[str, Any]], options: GenerationOptions, template: Template
) -> dict[str, Any]:
    """All that the prompt is made of but a prefill. Raises `AiPalError` (`unsupported`)."""
    body = {"messages": messages, **thinking_body(template, options)}
    if options.prefill and (forces_calls(options) or options.response_format is not None):
        message = "an answer that begins with a given text cannot be held to a schema, a grammar or a call"
        fail(Code.BAD_REQUEST, message, "leave prefill out")
    if options.tools and options.tool_choice != "none":
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": with_properties(tool.parameters),
                },
            }
            for tool in options.tools
        ]
        body["tool_choice"] = "none" if holds_calls(options) else "auto"
        if options.parallel_tool_calls is not None and not holds_calls(options):
            body["parallel_tool_calls"] = options.parallel_tool_calls
    plain = isinstance(options.response_format, Grammar) and options.thinking is None
    if plain and template.switch:
        body["chat_template_kwargs"] = {template.switch: False}
    return body


def continued(body: dict[str, Any], said: str) -> dict[str, Any]:
    """The body where the answer begins with what is said."""
    return {**body, "messages": [*body["messages"], {"role": "assistant", "content": said}], **CONTINUED}


def answer_body(
    options: GenerationOptions, template: Template, prompt: str, left: Callable[[], int]
) -> dict[str, Any]:
    """How the answer to this prompt is wanted; `left` counts the tokens that the window has behind it. Raises
    `AiPalError` (`unsupported`, `bad_request`)."""
    body = sampling_body(options)
    budget = None if options.prefill else thinking_budget(template, options)  # it begins behind a thought
    if budget is not None:
        body["thinking_budget_tokens"] = budget
    has_tools = bool(options.tools) and options.tool_choice != "none"
    if options.logprobs is not None:
        if has_tools:
            _refuse("llama.cpp tells no probabilities of an answer that may call tools")
        body |= {"logprobs": True, "top_logprobs": max(options.logprobs, 1)}
    if forces_calls(options):
        if options.response_format is not None:
            _refuse("a call of a tool and a format of the answer cannot both be forced")
        several = options.parallel_tool_calls is True
        thought = thought_before(template, options, prompt)
        body |= _thought_bound(options, thought, left)
        choice = options.tool_choice or "required"
        body["grammar"] = grammars.calls_grammar(options.tools, choice, several, thought, template.marks)
    elif options.response_format is not None:
        if has_tools and not leaves_choice(options):
            _refuse("llama.cpp cannot leave the choice between a call and a grammar of the answer")
        body["grammar"] = format_grammar(options, template, prompt)
        body |= _thought_bound(options, thought_before(template, options, prompt), left)
    return body


def seen(body: dict[str, Any], likeliest: int) -> dict[str, Any]:
    """What has to be in the body so that at least so many likeliest tokens are told of each. Not by the name
    that chats have for it: with that one llama.cpp refuses tools."""
    if body.get("logprobs"):
        return {"top_logprobs": max(body["top_logprobs"], likeliest)}
    return {"n_probs": max(body.get("n_probs") or 0, likeliest)}


def _thought_bound(options: GenerationOptions, thought: str, left: Callable[[], int]) -> dict[str, int]:
    """A thought before what has to validate gets half of the answer, unless another bound was asked for: a
    model that never stops thinking would never come to it."""
    if not thought or options.thinking_budget is not None or options.thinking == "off":
        return {}
    return {"thinking_budget_tokens": max(min(options.max_tokens or USUAL_ANSWER, left()) // 2, 1)}


def format_grammar(options: GenerationOptions, template: Template, prompt: str) -> str:
    """The grammar of the response format, or of calls beside it. Raises `AiPalError` (`unsupported`,
    `bad_request`)."""
    wanted = options.response_format
    assert wanted is not None
    thought = thought_before(template, options, prompt)
    if not isinstance(wanted, Grammar):
        if leaves_choice(options):
            several = options.parallel_tool_calls is True
            return grammars.either_grammar(wanted, options.tools, several, thought, template.marks)
        return grammars.schema_grammar(wanted, thought, template.marks)
    if thought in ("!", "channels") or options.thinking not in (None, "off"):
        _refuse("a grammar and thinking do not go together", "ask without thinking")
    if wanted.grammar.lstrip().startswith("%"):
        fail(Code.BAD_REQUEST, "a grammar is written in llama.cpp's GBNF", "begin with: root ::= ...")
    if not wanted.grammar.strip():
        fail(Code.BAD_REQUEST, "the grammar is empty", "begin with: root ::= ...")
    return wanted.grammar


def with_place(failure: Failure | None, options: GenerationOptions) -> Failure | None:
    """The failure; with the place where a grammar is wrong, which llama.cpp does not tell."""
    wanted = options.response_format
    if failure is None or not isinstance(wanted, Grammar) or UNREADABLE not in failure.message:
        return failure
    place = fault_of(wanted.grammar) or "it repeats too often, or has a token that the model does not know"
    return Failure(
        Code.BAD_REQUEST,
        f"llama.cpp cannot read the grammar: {place}",
        "correct it: GBNF, as llama.cpp has it",
    )


def thought_before(template: Template, options: GenerationOptions, prompt: str) -> str:
    """What may come before the answer itself: see `grammars.schema_grammar`."""
    if template.channels:
        return "channels"
    off = options.thinking == "off" or (options.thinking is None and template.off)
    if template.thinks == "never" or (off and template.thinks != "always"):
        return ""
    if template.marks is None:
        _refuse("this model's thoughts have a form that cannot be held to a schema", "ask without thinking")
    return "?" if begun_thought(prompt, template.marks) is None else "!"


def _refuse(message: str, hint: str = "leave one of them out") -> None:
    fail(Code.UNSUPPORTED, message, hint)
