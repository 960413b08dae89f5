"""Small chat templates that do what those of well-known families do."""

MESSAGES = (
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}"
    "{% for call in message.tool_calls or [] %}<tool_call>\n"
    "{{ {'name': call.function.name, 'arguments': call.function.arguments} | tojson }}\n</tool_call>"
    "{% endfor %}<|end|>\n{% endfor %}"
)
TOOLS = (
    "{% if tools %}<|system|>\nCall functions as <tool_call>:"
    "{% for tool in tools %}\n{{ tool | tojson }}{% endfor %}<|end|>\n{% endif %}"
)
PROMPT = "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
OPENED = "{% if add_generation_prompt %}<|assistant|>\n<think>\n{% endif %}"
SWITCHED = (
    "{% if add_generation_prompt %}<|assistant|>\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
REMEMBERS = "{% for m in messages if m.reasoning_content %}[{{ m.reasoning_content }}]{% endfor %}"

HERMES = TOOLS + MESSAGES + PROMPT
"""Qwen 2.5: calls as JSON between marks, no thinking."""
THINKS_ALWAYS = TOOLS + MESSAGES + OPENED
"""DeepSeek R1: the template itself opens the thought, and nothing switches it off. `</think>` ends it."""
THINKS_IF_ASKED = TOOLS + MESSAGES + SWITCHED
"""Qwen 3: `enable_thinking` closes an empty thought; the model opens one itself."""
LLAMA = (
    '{% if tools %}<|system|>\nCall functions as {"name": ..., "parameters": ...}:'
    "{% for tool in tools %}\n{{ tool | tojson }}{% endfor %}<|end|>\n{% endif %}"
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}"
    "{% for call in message.tool_calls or [] %}"
    "{{ {'name': call.function.name, 'parameters': call.function.arguments} | tojson }}{% endfor %}"
    "<|end|>\n{% endfor %}" + PROMPT
)
"""Llama 3: the whole answer is the call."""
MISTRAL = (
    "{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}"
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}"
    "{% for call in message.tool_calls or [] %}[TOOL_CALLS]{{ call.function.name }}[ARGS]"
    "{{ call.function.arguments | tojson }}{% endfor %}<|end|>\n{% endfor %}" + PROMPT
)
"""Mistral's newer ones: the name, and its arguments behind it."""
