"""Prompts whose answers this machine's model doubts, in a real supervisor: where nobody else may be asked,
nobody hears of them. AI_PAL_CHAOS_ROUNDS is how many for each way, AI_PAL_CHAOS_SEED repeats a run."""

import random
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from ai_pal.client import Client
from ai_pal.config import paths
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions
from ai_pal.store.doubts import Calibration, Kind, ModelDoubts, Seen
from tests.attack.test_prompt_canary import CANARY, ROUNDS, SEED, Ear
from tests.process.homes import environment
from tests.process.supervised import Supervised
from tests.servers.loopback import Loopback

SETTINGS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "of requests": ("", [{"local_only": True}, {"goal": "privacy"}]),
    "local only": ("local_only = true", [{}]),
    "no consent, no budget": ("", [{}]),
}
"""What the config says, and what requests say."""
CLOUD = "[providers.{name}]\nbase_url = '{url}'\napi_key = 'sk-not-a-real-key'\nconsent = {consent}\n"
PROMPTS = (
    f"{CANARY} one two three four five six seven eight nine ten",
    f"{CANARY}: which of them is it?\nA. this\nB. that\nC. none\nAnswer:",
    f"{CANARY}: how much is 17 * 23 + 4?",
    f"{CANARY}: write a function in python that adds two numbers",
)


@pytest.mark.timeout(300 + ROUNDS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_doubted_answer_lets_nothing_leave(setting: str, ai_pal_home: Path) -> None:
    print(f"AI_PAL_CHAOS_SEED={SEED}")
    dice, ear = random.Random(f"{SEED} {setting}"), Ear()
    said, ways = SETTINGS[setting]
    with Loopback(ear, shows=True) as server:
        forbidden = setting == "no consent, no budget"
        clouds = [
            CLOUD.format(name="openai", url=server.url, consent="false" if forbidden else "true"),
            CLOUD.format(name="anthropic", url=server.url, consent="true"),
        ]
        budget = "[budget]\nday = 1e-9" if forbidden else ""
        off = "[ollama]\nenabled = false"
        config = ai_pal_home / "config.toml"
        config.write_text("\n".join([said, '[local]\nmodel = "echo"', off, budget, *clouds]))
        config.chmod(0o600)
        environ = environment(ai_pal_home) | {"AI_PAL_CONFIG": str(config)}
        del environ["AI_PAL_MODEL"]
        let_doubt(environ)
        with (
            Supervised(environ, router_escalate="auto", router_escalate_share=1) as daemon,
            daemon.client() as client,
        ):
            for _ in range(ROUNDS):
                doubted(client, dice, **dice.choice(ways))
            assert ear.heard == b""
            if setting == "of requests":
                client.ask(PROMPTS[0], options=GenerationOptions(extra={"tokens": 24, "doubt": 5.0}))
                assert CANARY.encode() in ear.heard, "where nothing forbids it"


def let_doubt(environ: dict[str, str]) -> None:
    """The supervisor knows of echo that it can doubt, and of 100 doubts."""
    numbers = [number / 100 for number in range(100)]
    pairs = [(number, number) for number in numbers]
    kinds = {kind: Seen([*numbers], [*numbers], [*numbers], both=pairs) for kind in get_args(Kind)}
    known = {"echo echo": ModelDoubts(Calibration(0.8, 100), 0.0, kinds)}
    paths.doubts_file(environ).write_bytes(msgspec.json.encode(known))


def doubted(client: Client, dice: random.Random, **how: Any) -> None:
    """One prompt, whose answer is doubted, and stands."""
    options = GenerationOptions(extra={"tokens": dice.choice((4, 24)), "doubt": 5.0})
    events = list(client.chat(dice.choice(PROMPTS), options=options, **how))
    assert isinstance(events[-1], wire.Done), events[-1]
    assert events[-1].doubt is not None
    assert [event.kind for event in events if isinstance(event, wire.Notice)] == ["unsure"]
