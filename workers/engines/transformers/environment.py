"""What the libraries find in their environment: they stay offline and quiet."""

import os

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
}


def settle() -> None:
    """Before the first import of any of them."""
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
