"""How a decision is explained to people."""

from ai_pal.cli.route import explanation
from ai_pal.errors import Code, Failure
from ai_pal.protocol.client import Feature, RouteCandidate, Routed


def test_the_order_the_reasons_and_what_would_leave_are_told() -> None:
    routed = Routed(
        1,
        0.82,
        "balanced",
        [Feature("proof", 1.5)],
        [
            RouteCandidate(
                3, "openai", "gpt-4", 1, "ready", "a hard prompt (0.82)", 0.0246, 1.0, remote=True
            ),
            RouteCandidate(1, "local", "smollm2", 2, "loaded", "in case those before it fail", 0.0, 0.5),
            RouteCandidate(3, "cohere", "command", failure=Failure(Code.NO_KEY, "there is no key")),
        ],
    )
    lines = explanation(routed).splitlines()
    assert lines[:2] == ["complexity 0.82, goal balanced", "moved by: proof +1.50"]
    assert lines[4].split() == [
        "1",
        "↗",
        "openai:gpt-4",
        "ready",
        "$0.0246",
        "1.0",
        "s",
        "a",
        "hard",
        "prompt",
        "(0.82)",
    ]
    assert lines[5].split()[:4] == ["2", "smollm2", "loaded", "0"]
    assert lines[6].split()[:3] == ["-", "cohere:command", "no_key"]
