"""JSON as Python and transformers read it: NaN and infinities are numbers."""

import json
from typing import Any

from ai_pal.errors import Code, fail


def read_json(text: bytes, what: str) -> Any:
    """The value. Raises `AiPalError` (`model_invalid`) that names `what`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        fail(Code.MODEL_INVALID, f"{what} cannot be read: {error}", "pull the model again, or mend the file")
