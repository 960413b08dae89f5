"""Whatever is written within what `schema=` asks for becomes the object that it asks for."""

import random
from typing import Any

import pytest

from ai_pal.client.shape import Shape
from tests.compilers import COMPILERS, walk
from tests.odd_models import MODELS
from workers.structured.rules import json_rule


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_what_is_allowed_can_be_read(model: Any, compiler: str) -> None:
    shape = Shape(model)
    for again in range(40):
        said = walk(COMPILERS[compiler](f"start: {json_rule(shape.form.schema)}"), random.Random(again))
        shape._read(said)
