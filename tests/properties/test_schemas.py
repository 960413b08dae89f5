"""What is compiled of random schemas: whatever is written within it validates against the schema itself."""

import random

import pytest

from ai_pal.errors import AiPalError
from tests.compilers import COMPILERS, BuiltIn, walk
from tests.schemas import COUNT, Schema, problem, random_schemas, wild_schemas
from workers.structured.rules import json_rule

WALKS = 3


def compiled(schema: Schema) -> str:
    """Its grammar; "" where nothing validates against it."""
    try:
        return f"start: {json_rule(schema)}"
    except AiPalError as error:
        refusal = error.failure.message
    assert "nsatisfiable" in refusal, schema
    return ""


@pytest.mark.parametrize("compiler", COMPILERS)
def test_whatever_is_allowed_validates(compiler: str) -> None:
    """So many schemas as AI_PAL_TEST_SCHEMAS says."""
    schemas = [*random_schemas(COUNT, seed=31), *wild_schemas(COUNT * 4)]
    grammars = [(schema, lark) for schema in schemas if (lark := compiled(schema))]
    known = [one for one in grammars if compiler == "llguidance" or not BuiltIn.complaint(one[1])]
    assert len(grammars) > len(schemas) * 0.9
    assert known == grammars
    for number, (schema, lark) in enumerate(known):
        for again in range(WALKS):
            said = walk(COMPILERS[compiler](lark), random.Random(f"{number} {again}"))
            assert problem(schema, said) == "", (schema, said)
