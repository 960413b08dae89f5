"""What a request needs and a candidate lacks: who is not asked for that, and what is said."""

from collections.abc import Sequence

import msgspec
import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Audio, Image, Message
from ai_pal.protocol.options import Ability, GenerationOptions, Grammar, JsonSchema, Tool
from ai_pal.providers.server import Server
from ai_pal.server.router.policy.abilities import is_plain, lacks
from ai_pal.server.router.policy.candidate import LOCAL, Candidate
from ai_pal.server.router.policy.query import IMAGE_TOKENS, kept_in, tokens_in
from ai_pal.server.router.policy.snapshot import Here, Snapshot
from tests.unit.server.router.desk import ANTHROPIC, HI, OLLAMA, OPENAI, Desk

TEXT: frozenset[Ability] = frozenset({"chat", "tools", "schema"})
SEEN = [Message("user", [Image("image/png", b"x")])]
TOOLS = GenerationOptions(tools=[Tool("now")])
GRAMMAR = GenerationOptions(response_format=Grammar("root ::= [0-9]+"))


class Knowing(Desk):
    """This machine's model, phi-2, is known to do so much."""

    def __init__(self, abilities: frozenset[Ability] | None, *clouds: Server, score: float = 0.1) -> None:
        super().__init__(*clouds, score=score)
        self.abilities = abilities
        self.others: list[Here] = []
        self.ollama: Server | None = OLLAMA

    def snapshot(self, reference: str, lora: Sequence[str] = ()) -> Snapshot:
        here = Here(model=reference or "phi-2", loaded=True, abilities=self.abilities, window=2048)
        return Snapshot(here=here, ollama=self.ollama, clouds=() if reference else self.clouds)

    def larger(self) -> list[Here]:
        return []

    def seeing(self) -> list[Here]:
        return self.others

    def routed(self, messages: list[Message], options: GenerationOptions) -> dict[str, Failure | None]:
        routed = self.router.explain(wire.Route(9, messages, options=options))
        return {row.model: row.failure for row in routed.candidates}


def local(abilities: frozenset[Ability] | None, window: int = 2048) -> Candidate:
    return Candidate(tier=LOCAL, provider="local", model="phi-2", abilities=abilities, window=window)


@pytest.mark.parametrize(
    ("messages", "options", "said"),
    [
        (SEEN, GenerationOptions(), "phi-2 cannot look at images"),
        ([Message("user", [Audio("audio/wav", b"x")])], GenerationOptions(), "phi-2 cannot listen to sound"),
        (HI, GRAMMAR, "phi-2 cannot be held to a grammar"),
        (HI, GenerationOptions(logprobs=0), "phi-2 cannot tell how probable its tokens were"),
        (
            HI,
            GenerationOptions(context=4096),
            "phi-2 has a window of 2048 tokens, 4096 are asked for",
        ),
        (HI, TOOLS, ""),
        (HI, GenerationOptions(response_format=JsonSchema({})), ""),
        (HI, GenerationOptions(seed=1, top_k=5, context=2048), ""),
    ],
)
def test_what_a_model_lacks_is_said(messages: list[Message], options: GenerationOptions, said: str) -> None:
    failure = lacks(local(TEXT), messages, options)
    assert (failure.message if failure is not None else "") == said
    if failure is not None:
        assert failure.code == Code.UNSUPPORTED
        assert not failure.retryable


def test_one_of_whom_nothing_is_known_lacks_nothing() -> None:
    assert lacks(local(None), SEEN, TOOLS) is None


def test_a_model_that_embeds_is_refused_for_a_plain_chat() -> None:
    failure = lacks(local(frozenset({"embed"})), HI, GenerationOptions())
    assert failure is not None
    assert failure.message == "phi-2 cannot answer conversations"
    assert failure.hint.startswith("it turns texts into vectors")


def test_who_lacks_something_is_ruled_out_and_the_reason_names_one_who_can() -> None:
    desk = Knowing(TEXT, OPENAI, ANTHROPIC)
    told = desk.routed(SEEN, GenerationOptions())
    refused = told["phi-2"]
    assert refused is not None
    assert (refused.code, refused.message) == (Code.UNSUPPORTED, "phi-2 cannot look at images")
    assert refused.hint == "ollama:phi can: `model`=ollama:phi"
    assert told["gpt-3.5-turbo"] is not None
    assert told["claude-3-haiku"] is None


def test_an_ollama_that_was_never_seen_is_not_named_as_one_who_can() -> None:
    desk = Knowing(TEXT)
    desk.ollama = msgspec.structs.replace(OLLAMA, expected=False)
    refused = desk.routed(SEEN, GenerationOptions())["phi-2"]
    assert refused is not None
    assert "ollama" not in refused.hint


def test_nor_is_what_it_cannot_do_a_reason_for_a_failure_here() -> None:
    desk = Knowing(TEXT | {"grammar"})
    desk.ollama = msgspec.structs.replace(OLLAMA, expected=False)
    desk.ask(options=GRAMMAR)
    wrong = Failure(Code.BAD_REQUEST, "failed to parse grammar")
    desk.here_fails(wrong)
    failed = desk.last()
    assert isinstance(failed, wire.Failed)
    assert failed.reasons == [wrong]


def test_a_request_goes_past_those_who_cannot_answer_it() -> None:
    desk = Knowing(TEXT, OPENAI)
    desk.ask(options=GRAMMAR)
    assert not desk.here
    failed = desk.last()
    assert isinstance(failed, wire.Failed)
    assert {reason.code for reason in failed.reasons} == {Code.UNSUPPORTED}
    desk = Knowing(TEXT, OPENAI)
    desk.ask(messages=SEEN)
    assert not desk.here
    assert desk.away[0].provider.name == "ollama"


def test_a_named_one_that_cannot_is_refused_and_another_is_named() -> None:
    desk = Knowing(TEXT, ANTHROPIC)
    desk.ollama = None
    desk.ask(messages=SEEN, model="phi-2")
    failed = desk.last()
    assert isinstance(failed, wire.Failed)
    assert [reason.code for reason in failed.reasons] == [Code.UNSUPPORTED]
    assert failed.reasons[0].hint == "anthropic:claude-3-haiku can: `model`=anthropic:claude-3-haiku"
    assert not desk.here
    assert not desk.away


def test_a_model_that_may_be_able_is_asked_and_its_refusal_is_no_end() -> None:
    desk = Knowing(None, OPENAI)
    desk.ask(options=TOOLS)
    assert len(desk.here) == 1
    desk.here_fails(Failure(Code.UNSUPPORTED, "phi-2 cannot call tools"))
    assert desk.away[0].provider.name == "ollama"
    desk = Knowing(None)
    desk.ask(options=TOOLS, model="phi-2")
    desk.here_fails(Failure(Code.UNSUPPORTED, "phi-2 cannot call tools"))
    assert desk.away[0].provider.name == "ollama", "its twin may be able"


def test_nothing_of_a_private_request_leaves_though_only_others_could_answer_it() -> None:
    desk = Knowing(TEXT, OPENAI, ANTHROPIC)
    desk.ollama = None
    desk.ask(messages=SEEN, privacy="local")
    failed = desk.last()
    assert isinstance(failed, wire.Failed)
    assert not desk.away
    assert "anthropic" not in failed.reasons[-1].hint, "nor is it named"


def test_tokens_are_counted_over_all_parts() -> None:
    plain = tokens_in(HI)
    assert tokens_in([*HI, *SEEN]) == plain + 4 + IMAGE_TOKENS
    assert tokens_in(HI, TOOLS) > plain


def test_what_stays_is_what_no_window_leaves_out() -> None:
    """As `workers.context_window` does it: system messages in front, tools, and the last turn."""
    rule, old, long = Message("system", "Be brief."), Message("user", "x" * 90), Message("user", "y" * 900)
    answered, called = Message("assistant", "z" * 60), Message("tool", "sunny")
    assert kept_in([rule, old, answered, long, called], TOOLS) == tokens_in([rule, long, called], TOOLS)
    assert kept_in([rule, long]) == tokens_in([rule, long])
    assert kept_in([answered]) == tokens_in([answered])
    assert kept_in([rule]) == tokens_in([rule])
    whole = [old, answered, long]
    assert kept_in(whole, GenerationOptions(trim=False)) == tokens_in(whole) > kept_in(whole)


def test_a_prompt_that_no_turns_make_shorter_is_told_as_refused() -> None:
    """As a chat is: it has nothing to leave out."""
    desk = Knowing(TEXT)
    told = {}
    for name, messages in (("long", [Message("user", "x" * 9_000)]), ("turns", [*HI, HI[0]] * 3000)):
        routed = desk.router.explain(wire.Route(9, messages))
        told[name] = next(row.why for row in routed.candidates if row.tier == LOCAL)
    assert "refuse" in told["long"]
    assert "oldest turns" in told["turns"]


def test_most_chats_are_plain() -> None:
    assert is_plain(HI, GenerationOptions(temperature=1.0, seed=3, max_tokens=9))
    assert not is_plain(SEEN, GenerationOptions())
    assert not is_plain(HI, GenerationOptions(context=5))


def test_a_refused_picture_names_a_model_of_this_machine_that_sees() -> None:
    desk = Knowing(TEXT)
    desk.ollama = None
    desk.others = [
        Here(model="hears", abilities=TEXT | {"audio"}),
        Here(model="sees", abilities=TEXT | {"images"}),
    ]
    refused = desk.routed(SEEN, GenerationOptions())["phi-2"]
    assert refused is not None
    assert refused.hint == "sees can: `model`=sees"
    desk.others.clear()
    refused = desk.routed(SEEN, GenerationOptions())["phi-2"]
    assert refused is not None
    assert refused.hint.startswith("ask a model that sees")


def test_an_adapter_is_for_this_machine_only() -> None:
    desk = Knowing(TEXT, OPENAI, ANTHROPIC)
    failures = desk.routed(HI, GenerationOptions(lora=["/a.gguf"]))
    assert failures.pop("phi-2") is None
    for failure in failures.values():
        assert failure is not None
        assert failure.code == Code.UNSUPPORTED
        assert "only models of this machine take" in failure.message
