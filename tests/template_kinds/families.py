"""The kinds of chat templates of families of models, told by what is public of their formats."""

from msgspec.structs import replace

from tests.template_kinds import calls, others
from tests.template_kinds.kind import Kind, Results, Thoughts, Tools, Turn
from workers.engines import channels

ROLES = "Conversation roles must alternate user/assistant/user/assistant/..."
THINK, THINK_LINE = ("<think>", "</think>"), ("<think>\n", "\n</think>\n\n")
EMPTY_THOUGHT = "<think>\n\n</think>\n\n"
IM = ("<|im_start|>", "<|im_end|>")
EOT = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
IN_TAGS = Tools(
    "\n\n# Tools\n\n<tools>\n", "</tools>\n\nFor each call return JSON within <tool_call></tool_call>."
)


def im(role: str) -> Turn:
    return Turn(f"<|im_start|>{role}\n", "<|im_end|>\n")


CHATML = Kind(im("user"), im("assistant"), im("system"), special=IM, end="<|im_end|>")
QWEN_2 = replace(CHATML, default="You are a helpful assistant.")
RESPONSES = Results("<|im_start|>user", "<|im_end|>\n", "\n<tool_response>\n", "\n</tool_response>")
CALL_TAGS = ("<tool_call>", "</tool_call>")
QWEN_25 = replace(QWEN_2, place="turn", tools=IN_TAGS, calls=calls.HERMES, results=RESPONSES, marks=CALL_TAGS)
THINK_TAGS = ("<think>", "</think>")
QWEN_3 = replace(
    QWEN_25,
    default="",
    thoughts=Thoughts(*THINK_LINE, switch="enable_thinking", off=EMPTY_THOUGHT),
    marks=CALL_TAGS + THINK_TAGS,
)
QWQ = replace(QWEN_3, thoughts=Thoughts(*THINK_LINE, opened=True))
QWEN_CODER = replace(
    QWEN_25,
    default="",
    tools=Tools(
        "\n\n# Tools\n\n<tools>\n",
        "</tools>\n\nCall as <tool_call>\n<function=NAME>\n<parameter=KEY>\nVALUE\n</parameter>\n"
        "</function>\n</tool_call>",
    ),
    calls=calls.FUNCTION_TAGS,
)
QWEN_35 = replace(
    QWEN_CODER,
    thoughts=Thoughts(*THINK_LINE, opened=True, switch="enable_thinking", off=EMPTY_THOUGHT),
    marks=CALL_TAGS + THINK_TAGS,
)
SEEN = ("<|vision_start|>", "<|image_pad|>", "<|vision_end|>")
QWEN_VL = replace(QWEN_2, content="parts", picture="".join(SEEN), special=(*IM, *SEEN))
QWEN_3_VL = replace(QWEN_25, default="", content="either", picture="".join(SEEN), special=(*IM, *SEEN))
SMOLVLM = replace(CHATML, content="parts", picture="<image>", special=(*IM, "<image>"))
SMOLLM_2 = replace(CHATML, default="You are a helpful AI assistant named SmolLM, trained by Hugging Face")
SMOLLM_3 = replace(QWEN_3, dated="strftime_now('%d %B %Y')", marks=(), special=(*IM, *THINK_TAGS))
PHI_4 = replace(
    CHATML,
    user=Turn("<|im_start|>user<|im_sep|>", "<|im_end|>"),
    assistant=Turn("<|im_start|>assistant<|im_sep|>", "<|im_end|>"),
    system=Turn("<|im_start|>system<|im_sep|>", "<|im_end|>"),
    special=(*IM, "<|im_sep|>"),
)
PHI_4_REASONING = replace(
    PHI_4,
    default="You are Phi. Think within <think> and </think> before you answer.",
    thoughts=Thoughts("<think>", "</think>", kept="no"),
    marks=THINK_TAGS,
)
PHI_3 = Kind(
    Turn("<|user|>\n", "<|end|>\n"),
    Turn("<|assistant|>\n", "<|end|>\n"),
    Turn("<|system|>\n", "<|end|>\n"),
    special=("<|user|>", "<|assistant|>", "<|system|>", "<|end|>"),
    end="<|end|>",
)
PHI_4_MINI = Kind(
    Turn("<|user|>", "<|end|>"),
    Turn("<|assistant|>", "<|end|>"),
    Turn("<|system|>", "<|end|>"),
    "turn",
    tools=Tools("<|tool|>", "<|/tool|>", lines=False),
    calls=calls.PHI,
    results=Results("<|tool_response|>", "<|end|>"),
    special=(*PHI_3.special, "<|tool|>", "<|/tool|>", "<|tool_call|>", "<|/tool_call|>", "<|tool_response|>"),
    end="<|end|>",
)
LLAMA_2 = Kind(
    Turn("[INST] ", " [/INST]"),
    Turn(" ", " </s>"),
    Turn("<<SYS>>\n", "\n<</SYS>>\n\n"),
    "first question",
    bos="<s>",
    prompt="",
    alternates=ROLES,
    trims=True,
    end="</s>",
)


def header(role: str) -> Turn:
    return Turn(f"<|start_header_id|>{role}<|end_header_id|>\n\n", "<|eot_id|>")


LLAMA_3 = Kind(
    header("user"),
    header("assistant"),
    header("system"),
    bos="<|begin_of_text|>",
    trims=True,
    special=EOT,
    end="<|eot_id|>",
)
LLAMA_31 = replace(
    LLAMA_3,
    place="turn",
    default="Cutting Knowledge Date: December 2023",
    dated="date_string",
    tools=Tools(
        "\n\nRespond with JSON for a function call: "
        '{"name": function name, "parameters": dictionary of argument name and its value}.\n\n',
        "",
    ),
    calls=calls.LLAMA,
    single_calls="This model only supports single tool-calls at once!",
    results=Results("", "", "<|start_header_id|>ipython<|end_header_id|>\n\n", "<|eot_id|>", in_json=True),
)
LLAMA_4 = replace(
    LLAMA_31,
    user=Turn("<|header_start|>user<|header_end|>\n\n", "<|eot|>"),
    assistant=Turn("<|header_start|>assistant<|header_end|>\n\n", "<|eot|>"),
    system=Turn("<|header_start|>system<|header_end|>\n\n", "<|eot|>"),
    default="",
    content="either",
    picture="<|image|>",
    results=Results("", "", "<|header_start|>ipython<|header_end|>\n\n", "<|eot|>", in_json=True),
    special=("<|header_start|>", "<|header_end|>", "<|eot|>", "<|image|>"),
    end="<|eot|>",
)
NEMOTRON_SUPER = replace(
    LLAMA_31,
    default="",
    dated="",
    tools=Tools("\n\n<AVAILABLE_TOOLS>", "</AVAILABLE_TOOLS>", lines=False),
    calls=calls.NEMOTRON,
    results=Results(
        "<|start_header_id|>user<|end_header_id|>\n\n<TOOL_RESPONSE>[", "]</TOOL_RESPONSE><|eot_id|>"
    ),
    thoughts=Thoughts("<think>", "</think>", kept="no"),
)
TULU = Kind(
    Turn("<|user|>\n", "\n"),
    Turn("<|assistant|>\n", "<|endoftext|>\n"),
    Turn("<|system|>\n", "\n"),
    special=("<|endoftext|>",),
    end="<|endoftext|>",
)
OLMO_2 = replace(TULU, bos="<|endoftext|>")
OLMO_3 = replace(
    CHATML,
    place="turn",
    default="You are a helpful function-calling AI assistant.",
    tools=Tools(" <functions>", "</functions>", lines=False),
    calls=calls.OLMO,
    results=Results("", "", "<|im_start|>environment\n", "<|im_end|>\n"),
    special=(*IM,),
)
OLMO_3_THINK = replace(
    OLMO_3,
    tools=None,
    calls=None,
    results=None,
    thoughts=Thoughts("<think>", "</think>", opened=True, kept="no"),
)
MISTRAL_1 = Kind(
    Turn(" [INST] ", " [/INST]"),
    Turn(" ", "</s>"),
    place="first question",
    bos="<s>",
    prompt="",
    alternates=ROLES,
    end="</s>",
)
INST = (
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
)
MISTRAL_3 = Kind(
    Turn("[INST] ", "[/INST]"),
    Turn(" ", "</s>"),
    place="last question",
    bos="<s>",
    prompt="",
    alternates=ROLES,
    tools=Tools("[AVAILABLE_TOOLS] ", "[/AVAILABLE_TOOLS]", lines=False, place="last question"),
    calls=calls.MISTRAL_LIST,
    results=Results("", "", '[TOOL_RESULTS] {"content": ', "}[/TOOL_RESULTS]", in_json=True),
    short_ids="Tool call IDs should be alphanumeric strings with length 9!",
    special=INST,
    end="</s>",
)
MISTRAL_7 = replace(
    MISTRAL_3,
    user=Turn("[INST]", "[/INST]"),
    assistant=Turn("", "</s>"),
    system=Turn("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
    place="turn",
    results=Results("", "", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"),
    special=(*INST, "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
)
MISTRAL_TEKKEN = replace(
    MISTRAL_7,
    content="either",
    picture="[IMG]",
    calls=calls.MISTRAL_NAMED,
    special=(*MISTRAL_7.special, "[ARGS]", "[CALL_ID]", "[IMG]"),
)
MAGISTRAL = replace(
    MISTRAL_TEKKEN,
    default="First draft your thinking process: [THINK]Your thoughts[/THINK]Here, answer by itself.",
    thoughts=Thoughts("[THINK]", "[/THINK]"),
    special=(*MISTRAL_TEKKEN.special, "[THINK]", "[/THINK]"),
)


def turn_of(role: str) -> Turn:
    return Turn(f"<start_of_turn>{role}\n", "<end_of_turn>\n")


GEMMA_1 = Kind(
    turn_of("user"),
    turn_of("model"),
    place="refused",
    bos="<bos>",
    alternates=ROLES,
    trims=True,
    special=("<start_of_turn>", "<end_of_turn>"),
    end="<end_of_turn>",
)
GEMMA_3 = replace(
    GEMMA_1,
    place="first question",
    content="either",
    picture="<start_of_image>",
    special=(*GEMMA_1.special, "<start_of_image>"),
)
GEMMA_4 = Kind(
    Turn("<|turn>user\n", "<turn|>\n"),
    Turn("<|turn>model\n", "<turn|>\n"),
    text=others.GEMMA_4,
    bos="<bos>",
    calls=calls.GEMMA,
    thoughts=Thoughts("<|channel>thought\n", "<channel|>", switch="enable_thinking", asked=True),
    special=("<|turn>", "<turn|>", "<|tool>", "<tool|>", "<|tool_response>", "<tool_response|>"),
    marks=("<|tool_call>", "<tool_call|>", '<|"|>', "<|channel>", "<channel|>"),
    end="<turn|>",
)
HARMONY = Kind(
    Turn("<|start|>user<|message|>", "<|end|>"),
    Turn("<|start|>assistant", "<|end|>"),
    text=others.HARMONY,
    says=others.HARMONY_SAYS,
    calls=calls.HARMONY,
    thoughts=Thoughts(channels.ANALYSIS, channels.END),
    special=(*channels.MARKS,),
    end="<|return|>",
)
DEEPSEEK_2 = Kind(
    Turn("User: ", "\n\n"),
    Turn("Assistant: ", "<\uff5cend▁of▁sentence\uff5c>"),
    Turn("", "\n\n"),
    bos="<\uff5cbegin▁of▁sentence\uff5c>",
    prompt="Assistant:",
    end="<\uff5cend▁of▁sentence\uff5c>",
)
DEEPSEEK = ("<\uff5cUser\uff5c>", "<\uff5cAssistant\uff5c>")
DEEPSEEK_CALLS = (
    "<\uff5ctool▁calls▁begin\uff5c>",
    "<\uff5ctool▁calls▁end\uff5c>",
    "<\uff5ctool▁call▁begin\uff5c>",
    "<\uff5ctool▁call▁end\uff5c>",
    "<\uff5ctool▁sep\uff5c>",
)
DEEPSEEK_3 = Kind(
    Turn("<\uff5cUser\uff5c>", ""),
    Turn("<\uff5cAssistant\uff5c>", "<\uff5cend▁of▁sentence\uff5c>"),
    Turn("", ""),
    "turn",
    bos="<\uff5cbegin▁of▁sentence\uff5c>",
    tools=Tools("\n\n## Tools\n", ""),
    calls=calls.DEEPSEEK_V3,
    results=Results(
        "<\uff5ctool▁outputs▁begin\uff5c>",
        "<\uff5ctool▁outputs▁end\uff5c>",
        "<\uff5ctool▁output▁begin\uff5c>",
        "<\uff5ctool▁output▁end\uff5c>",
    ),
    special=DEEPSEEK,
    marks=DEEPSEEK_CALLS,
    end="<\uff5cend▁of▁sentence\uff5c>",
)
DEEPSEEK_R1 = replace(
    DEEPSEEK_3,
    thoughts=Thoughts("<think>\n", "\n</think>\n\n", opened=True, kept="no"),
    marks=(*DEEPSEEK_CALLS, *THINK_TAGS),
)
DEEPSEEK_31 = replace(
    DEEPSEEK_R1,
    calls=calls.DEEPSEEK_V31,
    thoughts=Thoughts(
        "<think>", "</think>", opened=True, switch="thinking", off="</think>", asked=True, kept="no"
    ),
)
DEEPSEEK_32 = replace(
    DEEPSEEK_3,
    tools=Tools("\n\n## Tools\n<functions>\n", "</functions>"),
    calls=calls.DSML,
    results=Results("\n\n<function_results>", "\n</function_results>", "\n<result>", "</result>"),
    thoughts=Thoughts("<think>", "</think>", opened=True, switch="enable_thinking", off="</think>"),
    marks=("\uff5cDSML\uff5c", *THINK_TAGS),
)
GLM_ROLES = ("<|user|>", "<|assistant|>", "<|system|>", "<|observation|>", "[gMASK]", "<sop>")
GLM_4 = Kind(
    Turn("<|user|>\n"),
    Turn("<|assistant|>\n"),
    Turn("<|system|>\n"),
    head="[gMASK]<sop>",
    prompt="<|assistant|>",
    special=GLM_ROLES,
    end="<|user|>",
)
GLM_45 = replace(
    GLM_4,
    place="turn",
    tools=Tools(
        "\n# Tools\n<tools>\n",
        "</tools>\n<tool_call>{function-name}\n<arg_key>{arg-key}</arg_key>\n<arg_value>{arg-value}</arg_value>\n</tool_call>",
    ),
    calls=calls.GLM,
    results=Results("<|observation|>", "", "\n<tool_response>\n", "\n</tool_response>"),
    thoughts=Thoughts("<think>", "</think>", switch="enable_thinking", off="\n<think></think>"),
    marks=(*CALL_TAGS, *THINK_TAGS, "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"),
)
KIMI_SPECIAL = (
    "<|im_system|>",
    "<|im_user|>",
    "<|im_assistant|>",
    "<|im_middle|>",
    "<|im_end|>",
    "<|tool_calls_section_begin|>",
    "<|tool_calls_section_end|>",
    "<|tool_call_begin|>",
    "<|tool_call_argument_begin|>",
    "<|tool_call_end|>",
)
KIMI_K2 = Kind(
    Turn("<|im_user|>user<|im_middle|>", "<|im_end|>"),
    Turn("<|im_assistant|>assistant<|im_middle|>", "<|im_end|>"),
    Turn("<|im_system|>system<|im_middle|>", "<|im_end|>"),
    "turn",
    default="You are Kimi, an AI assistant created by Moonshot AI.",
    tools=Tools("<|im_end|><|im_system|>tool_declare<|im_middle|>", "", lines=False),
    calls=calls.KIMI,
    results=Results("", "", "<|im_system|>tool<|im_middle|>", "<|im_end|>"),
    special=KIMI_SPECIAL,
    end="<|im_end|>",
)
KIMI_THINKING = replace(KIMI_K2, thoughts=Thoughts("<think>", "</think>"), marks=THINK_TAGS)
MINIMAX = Kind(
    Turn("]~b]user\n", "[e~[\n"),
    Turn("]~b]ai\n", "[e~[\n"),
    Turn("]~!b[]~b]system\n", "[e~[\n"),
    "turn",
    default="You are a helpful assistant.",
    tools=Tools(
        "\n\n# Tools\n<tools>\n",
        '</tools>\n<minimax:tool_call>\n<invoke name="tool-name">\n<parameter name="key">value</parameter>\n'
        "</invoke>\n</minimax:tool_call>",
    ),
    calls=calls.MINIMAX,
    results=Results("]~b]tool", "[e~[\n", "\n<response>", "</response>"),
    thoughts=Thoughts("<think>\n", "\n</think>\n\n", opened=True),
    special=("]~b]", "]~!b[", "[e~["),
    marks=(*THINK_TAGS, "<minimax:tool_call>", "</minimax:tool_call>"),
    end="[e~[",
)
COMMAND_ROLES = (
    "<|START_OF_TURN_TOKEN|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|USER_TOKEN|>",
    "<|CHATBOT_TOKEN|>",
    "<|SYSTEM_TOKEN|>",
)


def cohere(role: str, before: str = "", behind: str = "") -> Turn:
    return Turn(f"<|START_OF_TURN_TOKEN|><|{role}_TOKEN|>{before}", f"{behind}<|END_OF_TURN_TOKEN|>")


COMMAND_R = Kind(
    cohere("USER"),
    cohere("CHATBOT"),
    cohere("SYSTEM"),
    bos="<BOS_TOKEN>",
    trims=True,
    special=COMMAND_ROLES,
    end="<|END_OF_TURN_TOKEN|>",
)
COMMAND_A = replace(
    COMMAND_R,
    answer=Turn("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    place="turn",
    tools=Tools("\n## Available Tools\n```json\n", "\n```", lines=False),
    calls=calls.COHERE,
    results=Results(
        "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|><|START_TOOL_RESULT|>[",
        "]<|END_TOOL_RESULT|><|END_OF_TURN_TOKEN|>",
        in_json=True,
    ),
    thoughts=Thoughts("<|START_THINKING|>", "<|END_THINKING|>", kept="all"),
    special=(
        *COMMAND_ROLES,
        "<|START_THINKING|>",
        "<|END_THINKING|>",
        "<|START_ACTION|>",
        "<|END_ACTION|>",
        "<|START_RESPONSE|>",
        "<|END_RESPONSE|>",
        "<|START_TOOL_RESULT|>",
        "<|END_TOOL_RESULT|>",
    ),
)


def granite(role: str) -> Turn:
    return Turn(f"<|start_of_role|>{role}<|end_of_role|>", "<|end_of_text|>\n")


GRANITE_ROLES = ("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>")
GRANITE_3 = Kind(
    granite("user"),
    granite("assistant"),
    granite("system"),
    "turn",
    default="You are Granite, developed by IBM.",
    dated="strftime_now('%B %d, %Y')",
    tools=Tools("<|end_of_text|>\n<|start_of_role|>tools<|end_of_role|>", "", lines=False),
    calls=calls.GRANITE,
    results=Results("", "", "<|start_of_role|>tool_response<|end_of_role|>", "<|end_of_text|>\n"),
    special=(*GRANITE_ROLES, "<|tool_call|>"),
    end="<|end_of_text|>",
)
GRANITE_4 = replace(
    GRANITE_3,
    default="You are a helpful assistant.",
    dated="",
    tools=IN_TAGS,
    calls=calls.HERMES,
    results=Results(
        "<|start_of_role|>user<|end_of_role|>",
        "<|end_of_text|>\n",
        "\n<tool_response>\n",
        "\n</tool_response>",
    ),
    special=GRANITE_ROLES,
    marks=CALL_TAGS,
)
FALCON_3 = Kind(
    Turn("<|user|>\n", "\n"),
    Turn("<|assistant|>\n", "<|endoftext|>\n"),
    Turn("<|system|>\n", "\n"),
    "turn",
    tools=IN_TAGS,
    calls=calls.HERMES,
    results=Results("<|user|>", "\n", "\n<tool_response>\n", "\n</tool_response>"),
    special=("<|endoftext|>", "<|user|>", "<|assistant|>", "<|system|>"),
    marks=CALL_TAGS,
    end="<|endoftext|>",
)
FALCON_1 = Kind(
    Turn("User: ", "\n"),
    Turn("Falcon: ", "\n"),
    Turn("System: ", "\n"),
    prompt="Falcon:",
    end="<|endoftext|>",
    special=("<|endoftext|>",),
)
INTERN_2 = replace(CHATML, bos="<s>")
BAICHUAN = Kind(
    Turn("<reserved_106>"),
    Turn("<reserved_107>"),
    Turn(""),
    special=("<reserved_106>", "<reserved_107>"),
    end="</s>",
)
NEMOTRON_NANO_2 = Kind(
    Turn("<SPECIAL_11>User\n", "\n"),
    Turn("<SPECIAL_11>Assistant\n", "\n<SPECIAL_12>\n"),
    Turn("<SPECIAL_10>System\n", "\n"),
    "turn",
    tools=Tools("\n<AVAILABLE_TOOLS>", "</AVAILABLE_TOOLS>", lines=False),
    calls=calls.NEMOTRON,
    results=Results("<SPECIAL_11>User\n<TOOL_RESPONSE>[", "]</TOOL_RESPONSE>\n", in_json=True),
    thoughts=Thoughts(
        "<think>\n", "</think>", opened=True, switch="enable_thinking", off="<think></think>", kept="no"
    ),
    special=("<SPECIAL_10>", "<SPECIAL_11>", "<SPECIAL_12>"),
    end="<SPECIAL_12>",
)
EXAONE_35 = Kind(
    Turn("[|user|]", "\n"),
    Turn("[|assistant|]", "[|endofturn|]\n"),
    Turn("[|system|]", "[|endofturn|]\n"),
    default="You are EXAONE model from LG AI Research, a helpful assistant.",
    special=("[|user|]", "[|assistant|]", "[|system|]", "[|endofturn|]"),
    end="[|endofturn|]",
)
EXAONE_4 = replace(
    EXAONE_35,
    user=Turn("[|user|]\n", "[|endofturn|]\n"),
    assistant=Turn("[|assistant|]\n", "[|endofturn|]\n"),
    system=Turn("[|system|]\n", "[|endofturn|]\n"),
    place="turn",
    default="",
    tools=IN_TAGS,
    calls=calls.HERMES,
    results=Results("[|tool|]", "[|endofturn|]\n", "\n<tool_result>", "</tool_result>"),
    thoughts=Thoughts(*THINK_LINE, switch="enable_thinking", off=EMPTY_THOUGHT),
    special=(*EXAONE_35.special, "[|tool|]"),
    marks=CALL_TAGS + THINK_TAGS,
)
HERMES_3 = replace(QWEN_25, default="", bos="<|begin_of_text|>")
OPENCHAT = Kind(
    Turn("GPT4 Correct User: ", "<|end_of_turn|>"),
    Turn("GPT4 Correct Assistant: ", "<|end_of_turn|>"),
    Turn("GPT4 Correct System: ", "<|end_of_turn|>"),
    bos="<s>",
    prompt="GPT4 Correct Assistant:",
    special=("<|end_of_turn|>",),
    end="<|end_of_turn|>",
)
ZEPHYR = Kind(
    Turn("<|user|>\n", "</s>\n"),
    Turn("<|assistant|>\n", "</s>\n"),
    Turn("<|system|>\n", "</s>\n"),
    end="</s>",
)
VICUNA = Kind(
    Turn("USER: ", " "),
    Turn("ASSISTANT: ", "</s>"),
    Turn("", " "),
    bos="<s>",
    prompt="ASSISTANT:",
    default="A chat between a curious user and an artificial intelligence assistant.",
    end="</s>",
)
ALPACA = Kind(
    Turn("### Instruction:\n", "\n\n"),
    Turn("### Response:\n", "<|endoftext|>\n\n"),
    Turn("", "\n\n"),
    default="Below is an instruction that describes a task.",
    special=("<|endoftext|>",),
    end="<|endoftext|>",
)
SOLAR = Kind(
    Turn("### User:\n", "\n\n"),
    Turn("### Assistant:\n", "</s>\n\n"),
    Turn("### System:\n", "\n\n"),
    bos="<s>",
    end="</s>",
)
SOLAR_OPEN = replace(
    CHATML,
    user=Turn("<|begin|>user<|content|>", "<|end|>"),
    assistant=Turn("<|begin|>assistant<|content|>", "<|end|>"),
    system=Turn("<|begin|>system<|content|>", "<|end|>"),
    special=("<|begin|>", "<|content|>", "<|end|>"),
    end="<|end|>",
)
LFM_2 = replace(
    CHATML,
    bos="<|startoftext|>",
    place="turn",
    tools=Tools("\nList of tools: <|tool_list_start|>", "<|tool_list_end|>", lines=False),
    calls=calls.LFM,
    results=Results("", "", "<|im_start|>tool\n<|tool_response_start|>", "<|tool_response_end|><|im_end|>\n"),
    special=(
        *IM,
        "<|tool_list_start|>",
        "<|tool_list_end|>",
        "<|tool_call_start|>",
        "<|tool_call_end|>",
        "<|tool_response_start|>",
        "<|tool_response_end|>",
    ),
)
JAMBA = Kind(
    Turn("<|bom|><|user|> ", "<|eom|>"),
    Turn("<|bom|><|assistant|> ", "<|eom|>"),
    Turn("<|bom|><|system|> ", "<|eom|>"),
    "turn",
    bos="<|startoftext|>",
    prompt="<|bom|><|assistant|>",
    tools=Tools("\n# Tools\n<tool_definitions>\n", "</tool_definitions>"),
    calls=calls.JAMBA,
    results=Results("", "", "<|bom|><|tool|> ", "<|eom|>"),
    special=("<|bom|>", "<|eom|>", "<|user|>", "<|assistant|>", "<|system|>", "<|tool|>"),
    marks=("<tool_calls>", "</tool_calls>"),
    end="<|eom|>",
)
ERNIE = Kind(
    Turn("User: ", "\n"),
    Turn("Assistant: ", "<|end_of_sentence|>"),
    Turn("", "\n"),
    "turn",
    bos="<|begin_of_sentence|>",
    special=("<|end_of_sentence|>",),
    end="<|end_of_sentence|>",
)
ERNIE_THINKING = replace(
    CHATML,
    tools=Tools("\n\n# Tools\n<tools>\n", "</tools>\n<tool_call>"),
    place="turn",
    calls=calls.HERMES,
    results=Results("<|im_start|>tool", "<|im_end|>\n", "\n<tool_output>\n", "\n</tool_output>"),
    thoughts=Thoughts(*THINK_LINE, opened=True),
    marks=CALL_TAGS + THINK_TAGS,
)
HUNYUAN = Kind(
    Turn("<\uff5chy_User\uff5c>"),
    Turn("<\uff5chy_Assistant\uff5c>", "<\uff5chy_place▁holder▁no▁2\uff5c>"),
    Turn("", "<\uff5chy_place▁holder▁no▁3\uff5c>"),
    "turn",
    bos="<\uff5chy_begin▁of▁sentence\uff5c>",
    tools=Tools("\n\n# Tools\n<tools>\n", "</tools>"),
    calls=calls.HUNYUAN,
    results=Results("<\uff5chy_User\uff5c>", "", "<tool_response>", "</tool_response>"),
    thoughts=Thoughts(
        "<think>\n", "\n</think>\n", switch="enable_thinking", off="<think>\n\n</think>\n", kept="no"
    ),
    special=(
        "<\uff5chy_User\uff5c>",
        "<\uff5chy_Assistant\uff5c>",
        "<\uff5chy_place▁holder▁no▁2\uff5c>",
        "<\uff5chy_place▁holder▁no▁3\uff5c>",
    ),
    end="<\uff5chy_place▁holder▁no▁2\uff5c>",
)
SEED_OSS = Kind(
    Turn("<seed:bos>user\n", "<seed:eos>"),
    Turn("<seed:bos>assistant\n", "<seed:eos>"),
    Turn("<seed:bos>system\n", "<seed:eos>"),
    "turn",
    tools=Tools(
        "\nTools:\n",
        "<seed:tool_call>\n<function=NAME>\n<parameter=KEY>VALUE</parameter>\n</function>\n</seed:tool_call>",
    ),
    calls=calls.SEED,
    results=Results("", "", "<seed:bos>tool\n", "<seed:eos>"),
    thoughts=Thoughts("<seed:think>", "</seed:think>", kept="all"),
    special=("<seed:bos>", "<seed:eos>"),
    marks=("<seed:think>", "</seed:think>", "<seed:tool_call>", "</seed:tool_call>"),
    end="<seed:eos>",
)
APERTUS = Kind(
    Turn("<|user_start|>", "<|user_end|>"),
    Turn("<|assistant_start|>", "<|assistant_end|>"),
    Turn("<|system_start|>", "<|system_end|>"),
    "turn",
    bos="<s>",
    default="You are Apertus, a helpful assistant created by the SwissAI initiative.",
    tools=Tools("<|system_end|><|developer_start|>Tool Capabilities:\n", ""),
    calls=calls.APERTUS,
    results=Results("[", "]", in_json=True),
    thoughts=Thoughts("<|inner_prefix|>", "<|inner_suffix|>", kept="all"),
    special=(
        "<|user_start|>",
        "<|user_end|>",
        "<|assistant_start|>",
        "<|assistant_end|>",
        "<|system_start|>",
        "<|system_end|>",
        "<|developer_start|>",
        "<|tools_prefix|>",
        "<|tools_suffix|>",
        "<|inner_prefix|>",
        "<|inner_suffix|>",
    ),
    end="<|assistant_end|>",
)
