"""Probabilities from providers: a chunk may hold many tokens, and each has its own number."""

import pytest

from ai_pal.protocol.provider import Api
from tests.contract.bodies import bodies_of
from tests.egress_driver import EgressDriver
from tests.servers import forms


def chunk(api: Api, said: str, *tokens: str) -> forms.Made:
    """A piece of an answer with the probabilities of its tokens."""
    made = forms.said(api, said)
    entries = [
        {"token": one, "logprob": -0.5, "bytes": [*one.encode()], "top_logprobs": []} for one in tokens
    ]
    _, value = made[-1]
    if api == "openai":
        value["choices"][0]["logprobs"] = {"content": entries}
    elif api == "ollama":
        value["logprobs"] = entries
    else:
        told = {"text": said, "token_ids": [7] * len(tokens), "logprobs": [-0.5] * len(tokens)}
        value["logprobs"] = told
    return made


@pytest.mark.parametrize("api", ["openai", "ollama", "cohere"])
def test_numbers_count_tokens_where_a_chunk_holds_several(egress: EgressDriver, api: Api) -> None:
    made = [*forms.begun(api, 5), *chunk(api, "one two", "one", " two"), *chunk(api, " three", " three")]
    made += [*forms.said(api, " four"), *forms.ended(api, "stop", 5, 4)]
    with bodies_of(api) as server:
        answer = server.ask(egress, forms.written(api, made))
    assert answer.text == "one two three four"
    assert [seq for seq, _ in answer.logprobs] == [0, 0, 2], "the first of each event's tokens"
    assert answer.done.seq == 4
