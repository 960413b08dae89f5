"""Which families have which kind of template, and what docs/models.md says of it."""

from tests.template_kinds import families as kinds
from tests.template_kinds.kind import Kind

KINDS = {name.lower().replace("_", "-"): one for name, one in vars(kinds).items() if isinstance(one, Kind)}
FAMILIES: dict[str, tuple[str, ...]] = {
    "chatml": ("Yi 1.5", "Falcon-H1", "Dolphin", "StableLM 2"),
    "qwen-2": ("Qwen 2",),
    "qwen-25": ("Qwen 2.5", "Qwen 2.5 Coder", "Qwen 3 Instruct 2507"),
    "qwen-3": ("Qwen 3",),
    "qwq": ("QwQ", "Qwen 3 Thinking 2507"),
    "qwen-coder": ("Qwen 3 Coder",),
    "qwen-35": ("Qwen 3.5", "Nemotron 3 Nano"),
    "qwen-vl": ("Qwen 2.5 VL",),
    "qwen-3-vl": ("Qwen 3 VL",),
    "smolvlm": ("SmolVLM",),
    "smollm-2": ("SmolLM 2",),
    "smollm-3": ("SmolLM 3",),
    "phi-4": ("Phi 4",),
    "phi-4-reasoning": ("Phi 4 reasoning",),
    "phi-3": ("Phi 3", "Phi 3.5"),
    "phi-4-mini": ("Phi 4 mini",),
    "llama-2": ("Llama 2",),
    "llama-3": ("Llama 3",),
    "llama-31": ("Llama 3.1", "Llama 3.2", "Llama 3.3"),
    "llama-4": ("Llama 4",),
    "nemotron-super": ("Llama Nemotron Super",),
    "tulu": ("Tulu 3", "StableLM Zephyr"),
    "olmo-2": ("OLMo 2",),
    "olmo-3": ("OLMo 3",),
    "olmo-3-think": ("OLMo 3 Think",),
    "mistral-1": ("Mistral 7B v0.1 and v0.2", "Mixtral 8x7B"),
    "mistral-3": ("Mistral 7B v0.3", "Mixtral 8x22B"),
    "mistral-7": ("Mistral Small 3", "Mistral Large 2411"),
    "mistral-tekken": ("Mistral Small 3.2", "Devstral"),
    "magistral": ("Magistral", "Ministral 3 Reasoning"),
    "gemma-1": ("Gemma", "Gemma 2"),
    "gemma-3": ("Gemma 3", "Gemma 3n"),
    "gemma-4": ("Gemma 4",),
    "harmony": ("gpt-oss",),
    "deepseek-2": ("DeepSeek V2", "DeepSeek V2.5"),
    "deepseek-3": ("DeepSeek V3",),
    "deepseek-r1": ("DeepSeek R1",),
    "deepseek-31": ("DeepSeek V3.1",),
    "deepseek-32": ("DeepSeek V3.2",),
    "glm-4": ("GLM 4",),
    "glm-45": ("GLM 4.5", "GLM 4.6"),
    "kimi-k2": ("Kimi K2",),
    "kimi-thinking": ("Kimi K2 Thinking",),
    "minimax": ("MiniMax M2",),
    "command-r": ("Command R", "Aya"),
    "command-a": ("Command A", "Command R7B"),
    "granite-3": ("Granite 3",),
    "granite-4": ("Granite 4",),
    "falcon-3": ("Falcon 3",),
    "falcon-1": ("Falcon",),
    "intern-2": ("InternLM 2", "InternLM 3", "Bielik"),
    "baichuan": ("Baichuan 2",),
    "nemotron-nano-2": ("Nemotron Nano 2",),
    "exaone-35": ("EXAONE 3", "EXAONE 3.5"),
    "exaone-4": ("EXAONE 4",),
    "hermes-3": ("Hermes 2 Pro", "Hermes 3"),
    "openchat": ("OpenChat 3.5",),
    "zephyr": ("Zephyr", "TinyLlama"),
    "vicuna": ("Vicuna",),
    "alpaca": ("Alpaca", "StarCoder2 Instruct", "DeepSeek Coder"),
    "solar": ("Solar 10.7B",),
    "solar-open": ("Solar Open",),
    "lfm-2": ("LFM2",),
    "jamba": ("Jamba 1.5",),
    "ernie": ("ERNIE 4.5",),
    "ernie-thinking": ("ERNIE 4.5 Thinking",),
    "hunyuan": ("Hunyuan",),
    "seed-oss": ("Seed-OSS",),
    "apertus": ("Apertus",),
}
PLACES = {
    "turn": "in front",
    "any turn": "anywhere",
    "first question": "in the first question",
    "last question": "in the last question",
    "refused": "refused",
}


def table() -> str:
    """Markdown, one row for each kind."""
    rows = [
        "| Families | System message | Asks for alternation | Thoughts | Calls | Pictures |",
        "|---|---|---|---|---|---|",
    ]
    for name, kind in KINDS.items():
        place = "in front" if kind.text else PLACES[kind.place]
        cells = [", ".join(FAMILIES[name]), place, "yes" if kind.alternates else "", _thoughts(kind)]
        cells += ["yes" if kind.calls else "", "yes" if kind.picture else ""]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _thoughts(kind: Kind) -> str:
    thoughts = kind.thoughts
    if thoughts is None:
        return ""
    how = "opened" if thoughts.opened else "if it wants"
    how = "if asked" if thoughts.asked else how
    return how + (", switched" if thoughts.switch else "")
