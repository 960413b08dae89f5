"""What says that an answer is over, by the names that families of models give it. Pure, for every engine."""

MARKS = (
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|end_of_text|>", "<|endoftext|>"),
    *(
        "<end_of_turn>",
        "<turn|>",
        "<end_of_utterance>",
        "<|END_OF_TURN_TOKEN|>",
        "<EOT>",
        "_<EOT>",
        "[EOT]",
        "[EOS]",
    ),
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
)
"""Tokens that end an answer, also where a model's configuration forgets them: those of llama.cpp."""
TOLD = ("<|END_OF_TURN_TOKEN|>",)
"""A token that llama.cpp tells as text where its parser for Command models is at work."""
ANSWER = "an answer that is seen"
"""What to render as one."""


def turn_end(rendered: str) -> str:
    """The mark that a template puts behind `ANSWER`; "" where it is none of these."""
    behind = rendered.partition(ANSWER)[2].lstrip()
    return next((mark for mark in MARKS if behind.startswith(mark)), "")
