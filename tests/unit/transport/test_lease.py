"""Silence on a link is counted; time in which this process stood still is not."""

from ai_pal.transport.lease import BEAT, LEASE, LOOK, SILENCE, Lease


def looks(lease: Lease, begun: float, seconds: float) -> float | None:
    """When it is over, looked at as its owner does; None: it is not."""
    steps = round(seconds / LOOK)
    return next((n * LOOK for n in range(1, steps + 1) if lease.over(begun + n * LOOK)), None)


def test_silence_ends_it() -> None:
    over = looks(Lease(LEASE, 10.0), 10.0, 5.0)
    assert over is not None
    assert LEASE <= over < LEASE + 2 * LOOK


def test_what_beats_is_never_over() -> None:
    lease = Lease(LEASE, 0.0)
    for beat in range(100):
        assert looks(lease, beat * BEAT, BEAT) is None
        lease.heard()


def test_a_process_that_stood_still_reads_first() -> None:
    lease = Lease(LEASE, 0.0)
    assert not lease.over(3600.0)
    lease.heard()
    assert looks(lease, 3600.0, LEASE / 2) is None


def test_the_far_end_goes_first_and_both_within_what_is_promised() -> None:
    assert LEASE + BEAT <= 3.0
    assert LEASE < SILENCE
    assert SILENCE + BEAT + LOOK <= 4.0
