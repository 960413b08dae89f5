"""What a provider says of a model that it has."""

import msgspec


class OfferedModel(msgspec.Struct, frozen=True, omit_defaults=True):
    """`parameters` counts weights and `window` is in tokens, 0 for not known; `capabilities` are in Ollama's
    words, nothing where it does not say."""

    architecture: str = ""
    basename: str = ""
    format: str = ""
    quantization: str = ""
    parameters: int = 0
    window: int = 0
    capabilities: list[str] = msgspec.field(default_factory=list)
