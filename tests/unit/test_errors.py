"""What people are told of several failures."""

from ai_pal.errors import Code, Failure, worth_telling


def test_a_reason_that_comes_again_is_told_once() -> None:
    consent = Failure(Code.NO_CONSENT, "nobody has agreed that prompts go to openai", "agree")
    nobody = Failure(Code.NO_FALLBACK, "nobody who may know better may be asked")
    assert worth_telling([nobody, consent, consent]) == [nobody, consent]
    away = Failure(Code.PROVIDER_UNREACHABLE, "box could not be reached")
    assert worth_telling([nobody, away, consent, away]) == [away]
