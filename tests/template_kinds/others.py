"""Templates that are made of other things than turns: harmony's channels, and Gemma's turns that hold calls,
what came of them and the answer."""

from tests.template_kinds import calls

HARMONY = (
    "<|start|>system<|message|>Current date: {{ strftime_now('%Y-%m-%d') }}<|end|>"
    "{% if tools %}<|start|>developer<|message|># Tools\n"
    "{% for tool in tools %}{{ tool | tojson }}{{ '\\n' }}{% endfor %}<|end|>{% endif %}"
    "{% set ns = namespace(last=-1) %}"
    "{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
    "{% for m in messages %}"
    "{% if m.role == 'assistant' %}"
    "{% if m.thinking and loop.index0 > ns.last %}"
    "<|start|>assistant<|channel|>analysis<|message|>{{ m.thinking }}<|end|>{% endif %}"
    "{% if m.tool_calls %}{% for call in m.tool_calls %}<|start|>assistant to=functions."
    "{{ call.function.name }}<|channel|>commentary json<|message|>"
    "{{ call.function.arguments | tojson }}<|call|>"
    "{% endfor %}{% else %}<|start|>assistant<|channel|>final<|message|>{{ m.content }}<|end|>{% endif %}"
    "{% elif m.role == 'tool' %}<|start|>functions.{{ m.name }} to=assistant<|channel|>commentary<|message|>"
    "{{ m.content | tojson }}<|end|>"
    "{% else %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
_FINAL = "<|channel|>final<|message|>It is 4."
_ANALYSIS = "<|channel|>analysis<|message|>I think.<|end|><|start|>assistant"
_CALL = '<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city": "Rome"}'
HARMONY_SAYS = {
    "text": _FINAL,
    "thought": _ANALYSIS + _FINAL,
    "call": _ANALYSIS + _CALL,
    "begun": "<|end|><|start|>assistant" + _CALL,
}
_GEMMA_CALLS = "{% for call in m.tool_calls %}{% set c = call.function %}" + calls.GEMMA.each + "{% endfor %}"
_GEMMA_RESULTS = (
    "{% for r in m.tool_responses %}<|tool_response>response:{{ r.name }}{value:"
    '<|"|>{{ r.response }}<|"|>}<tool_response|>{% endfor %}'
)
GEMMA_4 = (
    "{{ bos_token }}{% set ns = namespace(last=-1, told=false) %}"
    "{% if messages[0].role == 'system' %}{% set said = messages[1:] %}{% else %}{% set said = messages %}"
    "{% endif %}"
    "{% if tools or messages[0].role == 'system' %}{{ '<|turn>system\\n' }}"
    "{% if messages[0].role == 'system' %}{{ messages[0].content | trim }}{% endif %}"
    "{% for tool in tools or [] %}<|tool>{{ tool | tojson }}<tool|>{% endfor %}{{ '<turn|>\\n' }}{% endif %}"
    "{% for m in said %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
    "{% for m in said %}"
    "{% set role = 'model' if m.role == 'assistant' else m.role %}"
    "{% if not (ns.told and m.tool_calls) %}{{ '<|turn>' + role + '\\n' }}{% endif %}"
    "{% set ns.told = false %}"
    "{% if m.tool_calls %}"
    "{% if m.reasoning_content and loop.index0 > ns.last %}"
    "{{ '<|channel>thought\\n' + m.reasoning_content + '<channel|>' }}{% endif %}"
    + _GEMMA_CALLS
    + "{% endif %}"
    "{% if m.tool_responses %}" + _GEMMA_RESULTS + "{% set ns.told = true %}{% endif %}"
    "{% if m.content %}{{ m.content | trim }}{% endif %}"
    "{% if not (m.tool_responses and not m.content) %}{{ '<turn|>\\n' }}{% set ns.told = false %}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{% if not ns.told %}{{ '<|turn>model\\n' }}{% endif %}"
    "{% if not enable_thinking | default(false) %}{{ '<|channel>thought\\n<channel|>' }}{% endif %}"
    "{% endif %}"
)
