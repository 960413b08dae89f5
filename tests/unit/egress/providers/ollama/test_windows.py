"""Which window Ollama is asked for, and when it has cut a prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.egress.providers.ollama.windows import LARGEST, Windows, asked, in_force, was_cut, windows
from ai_pal.protocol.content import Message

SIZES = st.integers(0, 300_000)
KNOWN = st.builds(Windows, own=SIZES, most=SIZES, loaded=SIZES)


@pytest.mark.parametrize(
    ("needed", "known", "num_ctx"),
    [
        (1000, Windows(), None),
        (4096, Windows(), None),
        (4097, Windows(), 8192),
        (9000, Windows(), 16_384),
        (90_000, Windows(), LARGEST),
        (90_000, Windows(most=8192), 8192),
        # the Modelfile's
        (1000, Windows(own=2048), None),
        (6000, Windows(own=6144), None),
        (7000, Windows(own=6144), 8192),
        (9000, Windows(own=6144, most=8192), 8192),
        (9000, Windows(own=8192, most=8192), None),
        (50_000, Windows(own=65_536), None),
        (50_000, Windows(own=40_000), None),
        # the one in force
        (6000, Windows(own=6144, loaded=6144), None),
        (6000, Windows(own=6144, loaded=2048), None),
        (3000, Windows(own=6144, loaded=16_384), 16_384),
        (20_000, Windows(own=6144, loaded=16_384), LARGEST),
        (3000, Windows(loaded=4096), None),
        (3000, Windows(loaded=2048), 4096),
        (1000, Windows(loaded=2048), None),
        (5000, Windows(loaded=131_072), 131_072),
        (50_000, Windows(loaded=40_000), 40_000),
    ],
)
def test_a_window_is_asked_for_only_where_it_must_be(
    needed: int, known: Windows, num_ctx: int | None
) -> None:
    assert asked(needed, known) == num_ctx


@given(st.integers(1, 300_000), KNOWN)
def test_none_is_asked_for_that_is_smaller_than_the_models_own(needed: int, known: Windows) -> None:
    num_ctx = asked(needed, known)
    assert num_ctx is None or num_ctx > known.own


@given(st.integers(1, 300_000), KNOWN)
def test_what_fits_what_is_loaded_is_never_loaded_anew_for_more(needed: int, known: Windows) -> None:
    num_ctx = asked(needed, known)
    if num_ctx is not None and needed <= known.loaded:
        assert num_ctx == known.loaded


@given(st.integers(1, 300_000), KNOWN)
def test_no_more_is_asked_for_than_the_model_can_have(needed: int, known: Windows) -> None:
    num_ctx = asked(needed, known)
    if num_ctx is not None and num_ctx != known.loaded:
        assert num_ctx <= (known.most or LARGEST)


def test_the_windows_are_read_from_what_a_server_tells() -> None:
    shown = {
        "parameters": 'num_ctx                6144\nnum_thread             1\nstop      "num_ctx 1"',
        "model_info": {"general.architecture": "llama", "llama.context_length": 8192},
    }
    running = {"models": [{"name": "other:latest"}, {"name": "own:latest", "context_length": 16_384}]}
    found = windows("own", shown, running)
    assert found == Windows(own=6144, most=8192, loaded=16_384, tells=True, is_loaded=True)
    assert windows("own:q4", shown, running) == Windows(own=6144, most=8192, tells=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["models", "name", "model", "context_length", "parameters", "model_info"])


@given(st.dictionaries(FIELDS, JSON | st.lists(st.dictionaries(FIELDS, JSON)), max_size=4), JSON)
def test_whatever_a_server_tells_is_read_or_means_nothing(told: dict[str, object], other: object) -> None:
    for shown, running in ((told, told), (other, told), (told, other)):
        found = windows("m", shown, running)
        assert min(found.own, found.most, found.loaded) >= 0


TURN = [Message("user", "word " * 5000)]


@pytest.mark.parametrize(
    ("content", "read", "window", "cut"),
    [
        ("word " * 5000, 5010, 8192, False),
        ("word " * 5000, 4096, 4096, True),
        ("word " * 5000, 4096, 0, True),
        ("word " * 5000, 2048, 0, True),
        ("word " * 5000, 2000, 8192, True),  # whole turns are gone
        ("word " * 5000, 0, 4096, False),  # nobody has counted
        ("hello", 12, 4096, False),
        (" " * 20_000 + "=" * 20_000, 700, 4096, False),
        ("\u6f22\u5b57" * 4000, 7000, 16_384, False),
        ("\u6f22\u5b57" * 4000, 2000, 16_384, True),
        ("x", 4096, 0, True),
    ],
)
def test_a_cut_prompt_is_known_by_how_much_was_read(content: str, read: int, window: int, cut: bool) -> None:
    assert was_cut([Message("user", content)], read, window) is cut


def test_the_window_in_force_is_the_one_that_was_asked_for_as_far_as_the_model_can_have_it() -> None:
    assert in_force(16_384, Windows(own=4096, most=8192)) == 8192
    assert in_force(0, Windows(own=6144)) == 6144
    assert in_force(0, Windows(loaded=4096)) == 4096
    assert in_force(0, Windows(loaded=2048)) == 0
    assert in_force(0, Windows()) == 0
