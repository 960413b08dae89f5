"""What people are told of several failures."""

from ai_pal.errors import Code, Failure, worth_telling


def test_a_reason_that_comes_again_is_told_once() -> None:
    consent = Failure(Code.NO_CONSENT, "nobody has agreed that prompts go to openai", "agree")
    nobody = Failure(Code.NO_FALLBACK, "nobody who may know better may be asked")
    assert worth_telling([nobody, consent, consent]) == [nobody, consent]
    away = Failure(Code.PROVIDER_UNREACHABLE, "box could not be reached")
    assert worth_telling([nobody, away, consent, away]) == [away]


def test_where_nobody_may_have_a_prompt_that_is_said_once() -> None:
    away = [Failure(Code.LOCAL_ONLY, f"{cloud} is not on this machine") for cloud in ("openai", "cohere")]
    nodes = Failure(Code.LOCAL_ONLY, "models run on the nodes of [cluster]")
    assert worth_telling([*away, nodes]) == [nodes]
    no_key = Failure(Code.NO_KEY, "there is no key for openai")
    assert worth_telling([no_key, nodes]) == [no_key, nodes]
    assert worth_telling([]) == []
