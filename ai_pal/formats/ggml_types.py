"""How many bytes a tensor takes and what its data type is called, by ggml's number of that."""

BLOCKS = {
    **{kind: (1, size) for kind, size in {0: 4, 1: 2, 24: 1, 25: 2, 26: 4, 27: 8, 28: 8, 30: 2}.items()},
    **{kind: (32, size) for kind, size in {2: 18, 3: 20, 6: 22, 7: 24, 8: 34, 20: 18, 39: 17}.items()},
    **{kind: (256, size) for kind, size in {10: 84, 11: 110, 12: 144, 13: 176, 14: 210}.items()},
    **{kind: (256, size) for kind, size in {16: 66, 17: 74, 18: 98, 19: 50, 21: 110, 22: 82}.items()},
    **{kind: (256, size) for kind, size in {23: 136, 29: 56, 34: 54, 35: 66}.items()},
}
"""Numbers in a block, and its bytes."""


def bytes_of(kind: int, weights: int) -> int:
    """0 for a type that is not known here."""
    numbers, size = BLOCKS.get(kind, (1, 0))
    return weights // numbers * size


FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4",
}
"""How most of a file's weights are stored, by llama.cpp's number of it (`general.file_type`)."""

TENSOR_TYPES = {
    **dict(enumerate(("F32", "F16", "Q4_0", "Q4_1"))),
    **dict(enumerate(("Q5_0", "Q5_1", "Q8_0", "Q8_1"), 6)),
    **dict(enumerate(("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K"), 10)),
    **dict(enumerate(("IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS"), 16)),
    **dict(enumerate(("I8", "I16", "I32", "I64", "F64", "IQ1_M", "BF16"), 24)),
    34: "TQ1_0",
    35: "TQ2_0",
    39: "MXFP4",
    40: "NVFP4",
    41: "Q1_0",
}
"""How the weights of one tensor are stored."""
