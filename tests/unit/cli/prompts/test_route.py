"""How a decision is explained to people."""

from ai_pal.cli.prompts.route import explanation
from ai_pal.errors import Code, Failure
from ai_pal.protocol.client import Cascade, Feature, RouteCandidate, Routed


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


def test_what_is_known_of_doubts_is_a_line() -> None:
    def line(known: Cascade) -> str:
        return explanation(Routed(1, 0.2, "balanced", cascade=known)).splitlines()[1]

    assert line(Cascade("ask", 0.2, True, 0.81, "open", 1.234, 200)) == (
        "doubts: ask, the largest 20% count, above 1.23 nats among its last 200 of kind open (area 0.81)"
    )
    assert line(Cascade("auto", 0.2, False, 0.5)) == (
        "doubts: none; the model of this machine cannot tell when it is wrong (area 0.50)"
    )
    assert not line(Cascade("off", 0.2, True, 0.81))
    assert not line(Cascade("ask", 0.2))
