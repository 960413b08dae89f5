from typing import Any

from workers.engines.llamacpp.probabilities import Probabilities


def chunk(*logprobs: float | None) -> dict[str, Any]:
    top = [{"bytes": [98], "logprob": -1.0}]
    return {"content": [{"bytes": [97], "logprob": one, "top_logprobs": top} for one in logprobs]}


def test_probabilities_are_those_of_the_last_tokens_that_follow_each_other() -> None:
    told = Probabilities(0)
    assert told.take(chunk(-0.1), 1)
    assert told.take(chunk(-0.3, -0.4), 4)  # the second came without any
    assert [one.logprob for one in told.of_last(4)] == [-0.3, -0.4]
    assert told.of_last(4) == []


def test_entropies_of_tokens_that_are_not_told_yet_wait() -> None:
    told = Probabilities(None, watch=True)
    assert told.take(chunk(-0.1, -0.2, -0.3), 3)
    assert told.watched(2)[1] == [-0.1, -0.2]
    assert told.watched(2) == ([], [])
    assert told.watched(3)[1] == [-0.3]
    assert told.of_last(3) == []


def test_weights_that_give_no_number_are_told() -> None:
    assert not Probabilities(0).take(chunk(None), 1)
    assert Probabilities(None, watch=True).take(chunk(None), 1)
