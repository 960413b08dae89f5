"""Ten thousand doubted answers that may not leave: not a byte of them goes to anybody else, nor does a draft
of those that may."""

import pytest

from ai_pal.privacy import stays_here
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.doubt import Flaw
from ai_pal.providers.server import Server
from ai_pal.server.router.ports import RouterPolicy
from ai_pal.store.ledger import Spent
from tests.unit.server.router.desk import OPENAI
from tests.unit.server.router.test_escalation import REFUSED, UNSURE, Doubting, ends

PROMPT, DRAFT = "CANARY-PROMPT", "CANARY-DRAFT"
MANY = 2000
NO_CONSENT = Server(provider=OPENAI.provider, mid="gpt-4", strong="gpt-4", consent=False)


def doubted(desk: Doubting, number: int, **how: object) -> None:
    """One request whose answer is doubted in each of the ways in turn."""
    desk.heard.clear()
    desk.here.clear()
    desk.ask(messages=[Message("user", f"{PROMPT} {number}")], **how)
    desk.here_answers(DRAFT)
    if number % 3 == 0:
        desk.watches(UNSURE)
    elif number % 3 == 1:
        desk.clock.run(desk.clock.now() + 1.0)
    while desk.router.attempts > 1:
        desk.away_fails(REFUSED)
    if not ends(desk):
        flaws: list[Flaw] = ["loop"] if number % 2 else []
        desk.here_ends(UNSURE, *flaws)
    while not ends(desk):
        desk.away_fails(REFUSED)


@pytest.mark.parametrize(
    ("clouds", "policy", "how"),
    [
        (OPENAI, RouterPolicy(escalate="auto"), {"privacy": "local"}),
        (OPENAI, RouterPolicy(escalate="auto", local_only=True), {}),
        (OPENAI, RouterPolicy(escalate="auto", goal="privacy"), {}),
        (NO_CONSENT, RouterPolicy(escalate="auto"), {}),
        (OPENAI, RouterPolicy(escalate="auto", budget_day=0.5), {}),
    ],
    ids=["request", "setting", "goal", "consent", "budget"],
)
def test_no_byte_leaves(clouds: Server, policy: RouterPolicy, how: dict[str, object]) -> None:
    desk = Doubting(clouds)
    desk.router.take(policy)
    desk.costs = Spent(0.5, 0.5)
    for number in range(MANY):
        doubted(desk, number, **how)
        assert ends(desk) == 1
        assert desk.text() == DRAFT
    assert desk.away  # an Ollama of this machine
    assert [one.provider.name for one in desk.away if not stays_here(one.provider, one.model)] == []
    assert all(row.remote is False for row in desk.ledger)
    assert sum(row.outcome == "done" for row in desk.ledger) == MANY


def test_what_a_cloud_is_sent_is_what_it_would_be_sent_without_a_draft() -> None:
    desk, plain = Doubting(OPENAI), Doubting(OPENAI)
    for one, escalate in ((desk, "auto"), (plain, "stronger")):
        one.ask(messages=[Message("user", PROMPT)], escalate=escalate, model="")
    desk.here_answers(DRAFT)
    desk.watches(UNSURE)
    (sent,), (alone,) = desk.away, plain.away
    assert sent.messages == alone.messages
    assert sent.options == alone.options
    assert DRAFT.encode() not in out.encode(sent)
    assert b"unsure" not in out.encode(sent)
