"""Vectors as numpy reads them."""

import io
import struct

import numpy as np
import pytest

from ai_pal.cli.prompts.embed import npy, rounded
from ai_pal.client.vectors import Embeddings
from ai_pal.protocol.client import Embedded


def embeddings(count: int, dimensions: int) -> Embeddings:
    data = struct.pack(f"<{count * dimensions}f", *range(count * dimensions))
    return Embeddings([Embedded(1, "m", dimensions, data)])


@pytest.mark.parametrize(("count", "dimensions"), [(1, 1), (3, 384), (7, 5), (100_000, 2)])
def test_the_file_is_what_numpy_reads(count: int, dimensions: int) -> None:
    data = npy([embeddings(count, dimensions), embeddings(1, dimensions)])
    found = np.load(io.BytesIO(data), allow_pickle=False)
    assert (found.shape, found.dtype) == ((count + 1, dimensions), np.float32)
    assert found[0].tolist() == list(range(dimensions))
    assert (len(data) - (count + 1) * dimensions * 4) % 64 == 0  # as the format wants its header


def test_printed_numbers_are_as_long_as_they_have_to_be() -> None:
    third = struct.unpack("<f", struct.pack("<f", 1 / 3))[0]
    assert rounded([third]) == [0.333333343]
    assert struct.pack("<f", rounded([third])[0]) == struct.pack("<f", third)
