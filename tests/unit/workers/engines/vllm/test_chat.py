from typing import Any

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, JsonObject
from ai_pal.protocol.worker import CompleteText
from workers.engines.vllm.chat import chat_body, completion_body, count_body

HI = [Message("user", "hi")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (GenerationOptions(thinking="off"), {"chat_template_kwargs": {"enable_thinking": False}}),
        (GenerationOptions(repeat_penalty=1.2, seed=3), {"repetition_penalty": 1.2, "seed": 3}),
        (GenerationOptions(stop=["", "end"]), {"stop": ["end"]}),
        (GenerationOptions(logit_bias={5: -1.0}), {"logit_bias": {"5": -1.0}}),
        (
            GenerationOptions(prefill="So"),
            {
                "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "So"}],
                "continue_final_message": True,
                "add_generation_prompt": False,
            },
        ),
    ],
    ids=["no thoughts", "penalty and seed", "stop", "bias", "a given beginning"],
)
def test_what_is_wished_is_told_by_its_own_names(options: GenerationOptions, said: dict[str, Any]) -> None:
    usual = chat_body(HI, GenerationOptions())
    assert chat_body(HI, options) == usual | said


def test_what_is_counted_is_the_prompt_of_that_answer() -> None:
    assert count_body(HI, GenerationOptions(seed=3)) == {
        "model": "model",
        "messages": [{"role": "user", "content": "hi"}],
    }
    asked = GenerationOptions(thinking="off", prefill="So")
    whole = chat_body(HI, asked)
    kept = ("model", "messages", "chat_template_kwargs", "continue_final_message", "add_generation_prompt")
    assert count_body(HI, asked) == {name: whole[name] for name in kept}


def test_nothing_else_is_told_unasked() -> None:
    assert chat_body(HI, GenerationOptions()) == {
        "model": "model",
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        "messages": [{"role": "user", "content": "hi"}],
    }


def test_raw_text_begins_and_is_held_to_a_form_as_an_answer_is() -> None:
    options = GenerationOptions(prefill="So", response_format=JsonObject())
    body = completion_body(CompleteText(1, "Why? ", options=options))
    assert body["prompt"] == "Why? So"
    assert body["response_format"] == {"type": "json_object"}
