"""What each door tells of tokens that were not computed again: what the engine says. Of a prompt that only
has another line for accounts before it that is all but the last."""

import anthropic
import openai

from ai_pal.client import Client

KEEPER = "You keep a lighthouse on a small island, and answer in one word. Ships pass by day and by night. "
LINE = "x-anthropic-billing-header: cc_version=2.1.37.0d9; cc_entrypoint=cli; cch={};"
FEW = 8
"""Tokens at the end of a prompt that an engine may compute again."""


def test_every_door_tells_what_was_kept(gateway: str, supervisor: Client) -> None:
    with (
        anthropic.Anthropic(base_url=gateway, api_key="none", max_retries=0, timeout=240) as claude,
        openai.OpenAI(base_url=f"{gateway}/v1", api_key="none", max_retries=0, timeout=240) as gpt,
    ):
        told = cached(claude, gpt, supervisor)
    assert len(told) == 1, told


def cached(claude: anthropic.Anthropic, gpt: openai.OpenAI, supervisor: Client) -> set[tuple[int, int]]:
    """The tokens of the same prompt, and how many of them were kept, as each door tells it."""
    question = "Who passes?"

    def message(number: str) -> anthropic.types.Usage:
        return claude.messages.create(
            model="caller",
            max_tokens=2,
            system=[{"type": "text", "text": LINE.format(number)}, {"type": "text", "text": KEEPER}],
            messages=[{"role": "user", "content": question}],
        ).usage

    before, after = message("fa690"), message("1c8b4")
    length = before.input_tokens + (before.cache_read_input_tokens or 0)
    assert after.cache_read_input_tokens is not None
    assert length - FEW <= after.cache_read_input_tokens < length
    assert after.input_tokens + after.cache_read_input_tokens == length

    chat = gpt.chat.completions.create(
        model="caller",
        max_tokens=2,
        messages=[{"role": "system", "content": KEEPER}, {"role": "user", "content": question}],
    ).usage
    assert chat is not None
    assert chat.prompt_tokens_details is not None
    response = gpt.responses.create(
        model="caller", max_output_tokens=16, instructions=KEEPER, input=question
    ).usage
    assert response is not None
    straight = supervisor.ask(question, system=KEEPER, model="caller", max_tokens=2).usage
    return {
        (chat.prompt_tokens, chat.prompt_tokens_details.cached_tokens),
        (response.input_tokens, response.input_tokens_details.cached_tokens),
        (length, after.cache_read_input_tokens),
        (straight.prompt_tokens, straight.cached_tokens),
    }
