"""What steers an answer: budgets of thinking, and when a grammar begins to hold."""

from workers.engines.transformers.guiding.guide import Guide, Thought

OPEN, CLOSE = [90], [91, 92]


class Digits:
    """A grammar of three digits; tokens are characters."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    @property
    def complete(self) -> bool:
        return len(self.taken) == 3

    def forbid(self, logits: object) -> object:
        return logits

    def take(self, token: int) -> None:
        self.taken.append(token)

    def takes(self, tokens: list[int]) -> bool:
        if not all(ord("0") <= token <= ord("9") for token in tokens):
            return False
        self.taken += tokens
        return True


def codes(text: str) -> list[int]:
    return [ord(char) for char in text]


def thought(**values: object) -> Thought:
    return Thought("<t>", "</t>", **{"closing": CLOSE, **values})  # type: ignore[arg-type]


def test_a_grammar_alone_holds_from_the_beginning() -> None:
    guide = Guide(Digits(), None, codes)
    assert guide.is_bound
    for char in "123":
        assert not guide.complete
        guide.take(ord(char), char)
    assert guide.complete


def test_a_grammar_begins_behind_the_thought() -> None:
    guide = Guide(Digits(), thought(), codes)
    guide.take(1, "hm ")
    guide.take(2, "</")
    assert not guide.is_bound
    guide.take(3, "t>")
    assert guide.is_bound


def test_what_comes_with_the_end_of_the_thought_counts_if_it_fits() -> None:
    grammar = Digits()
    assert Guide(grammar, thought(), codes).take(1, "hm</t>12") == "hm</t>12"
    assert grammar.taken == codes("12")
    assert Guide(Digits(), thought(), codes).take(1, "hm</t>so") == "hm</t>"


def test_a_thought_is_opened_and_closed_by_force() -> None:
    guide = Guide(Digits(), thought(opening=OPEN, budget=2), codes)
    forced = []
    for text in ("<t>", "a", "b", "\n</t>", "\n\n"):
        forced.append(guide.next_forced())
        assert not guide.is_bound
        guide.take(forced[-1] or 1, text)
    assert forced == [90, None, None, 91, 92]
    assert guide.is_bound


def test_no_budget_closes_at_once() -> None:
    assert Guide(None, thought(budget=0), codes).next_forced() == 91
    guide = Guide(None, thought(may_open=True, budget=0), codes)
    assert guide.next_forced() is None
    guide.take(1, "<t")
    guide.take(2, ">")
    assert guide.next_forced() == 91


def test_an_answer_that_begins_otherwise_is_no_thought() -> None:
    guide = Guide(None, thought(may_open=True, budget=1), codes)
    for text in ("<b>", "<t>", "x", "y"):
        guide.take(1, text)
        assert guide.next_forced() is None
