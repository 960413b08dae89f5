"""What the libraries find in their environment: they stay offline and quiet."""

import contextlib
import os
from collections.abc import Iterator

from ai_pal.errors import Code, fail, install_extra

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
}


@contextlib.contextmanager
def first_import() -> Iterator[None]:
    """Around the first import of any of them. Raises `AiPalError` (`engine_missing`)."""
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    try:
        yield
    except ImportError as error:
        hint = f"run: {install_extra('transformers')}"
        fail(Code.ENGINE_MISSING, f"transformers is not usable here: {error}", hint)
