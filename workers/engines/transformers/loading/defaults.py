"""What a model's own generation config says, as far as it makes sense: the file comes from strangers."""

from typing import Any

import msgspec

from workers.engines.transformers.options import NotNegative, Part, Positive, TopK
from workers.log import log


class Defaults(msgspec.Struct, frozen=True):
    """How a model wants to be sampled; None where it does not say so."""

    do_sample: bool | int | None = None
    temperature: NotNegative | None = None
    top_p: Part | None = None
    top_k: TopK | None = None
    min_p: Part | None = None
    repetition_penalty: Positive | None = None


def read_defaults(config: Any) -> Defaults:
    """Those of the library's generation config. A value that is none is passed over, and the log says so."""
    found, wrong = {}, {}
    for field in msgspec.structs.fields(Defaults):
        value = getattr(config, field.name, None)
        try:
            found[field.name] = msgspec.convert(value, field.type)
        except msgspec.ValidationError:
            wrong[field.name] = repr(value)
    if wrong:
        log("warning", "the model's generation config has values that are none", **wrong)
    return Defaults(**found)


def token_ids(said: Any, vocabulary: int) -> set[int]:
    """The tokens that are meant, by one id or a list of them: what is no token of the vocabulary is passed
    over."""
    ids = said if isinstance(said, list | tuple) else [said]
    return {one for one in ids if type(one) is int and 0 <= one < vocabulary}
