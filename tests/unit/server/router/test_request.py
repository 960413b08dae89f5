"""What is known of an attempt after it: whether the prompt has left."""

from typing import cast

import pytest

from ai_pal.errors import Code
from ai_pal.server.router.policy.candidate import CLOUD, MACHINE, Candidate
from ai_pal.server.router.policy.order import Reason
from ai_pal.server.router.request import Attempt, RoutedRequest


@pytest.mark.parametrize(
    ("tier", "connected_at", "outcome", "left"),
    [
        (MACHINE, None, Code.ACCESS_DENIED, False),  # it let nobody in: nothing was asked
        (MACHINE, None, Code.PROTOCOL_MISMATCH, False),
        (MACHINE, None, Code.CONNECT_TIMEOUT, False),
        (MACHINE, None, Code.STREAM_BROKEN, True),  # rather yes where its outcome does not tell
        (MACHINE, 1.0, Code.ACCESS_DENIED, True),  # one there said so
        (CLOUD, None, Code.ACCESS_DENIED, True),  # a cloud says so to a prompt that it has read
        (CLOUD, None, Code.NO_KEY, False),
    ],
)
def test_a_prompt_has_left_unless_its_outcome_says_that_it_cannot(
    tier: int, connected_at: float | None, outcome: Code, left: bool
) -> None:
    candidate = Candidate(tier=tier, provider="there", model="m", remote=True)
    attempt = Attempt(1, cast("RoutedRequest", None), candidate, Reason.NAMED, 0.0, 0.0)
    attempt.accepted, attempt.connected_at = True, connected_at
    assert attempt.went_out(outcome) == left
