"""Reads `plans.md`, and turns each of its rows into a snapshot, a query and the plan that is expected."""

from pathlib import Path

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol.provider import Api, Machine, Provider
from ai_pal.providers.prices import price_table
from ai_pal.providers.server import Server
from ai_pal.server.router.policy import snapshot as known
from ai_pal.server.router.policy.candidate import Candidate
from ai_pal.server.router.policy.health import ProviderHealth
from ai_pal.server.router.policy.plan import Plan, plan
from ai_pal.server.router.policy.query import Goal, Query
from ai_pal.server.router.policy.snapshot import Here, Snapshot, There

NAMES = {
    "local": "phi-2",
    "ollama": "ollama:phi",
    "gpt3": "openai:gpt-3.5-turbo",
    "gpt4": "openai:gpt-4",
    "haiku": "anthropic:claude-3-haiku",
    "opus": "anthropic:claude-3-opus",
    "command": "cohere:command",
    "llama": "gateway:llama-70b",
    "box": "box:qwen3.5:9b",
}
SHORT = {name: short for short, name in NAMES.items()}
CLOUDS: dict[str, tuple[str, Api, str, str]] = {
    "O": ("openai", "openai", "gpt-3.5-turbo", "gpt-4"),
    "A": ("anthropic", "anthropic", "claude-3-haiku", "claude-3-opus"),
    "C": ("cohere", "cohere", "command", "command"),
}
BROKEN = Failure(Code.PROVIDER_ERROR, "HTTP 500", retryable=True)
REFUSED = Failure(Code.PROVIDER_UNREACHABLE, "connection refused", retryable=True)
SLOW, QUICK = 9.0, 0.2


class Row(msgspec.Struct, frozen=True):
    """One line of the table."""

    score: float
    goal: Goal
    clouds: str
    local: str
    ollama: str
    asked: dict[str, list[str]]
    plan: list[str]
    ruled_out: list[str]

    def planned(self) -> tuple[list[str], list[str]]:
        """What is planned for it, in the words of the table."""
        found = self.make()
        steps = [f"{SHORT[step.candidate.name]} {step.reason}" for step in found.steps]
        return steps, [f"{SHORT[out.candidate.name]} {out.failure.code}" for out in found.ruled_out]

    def make(self) -> Plan:
        snapshot, health = self.snapshot(), ProviderHealth()
        everyone = known.everyone(snapshot, price_table(), health)
        for candidate in everyone:
            self._teach(health, candidate)
        health.now = 1.0
        everyone = known.everyone(snapshot, price_table(), health)
        named = self.asked.get("model", [])
        if named:
            everyone = [c for c in everyone if c.name in (named[0], self._twin(named[0]))]
        return plan(self.query(), everyone)

    def query(self) -> Query:
        return Query(
            score=self.score,
            goal=self.goal,
            prompt_tokens=int(self._number("tokens") or 20),
            kept_tokens=int(self._number("kept") or 20),
            local_only="local_only" in self.asked,
            max_cost=self._number("max"),
            left=self._number("left"),
            fallback="no_fallback" not in self.asked,
            named="model" in self.asked,
            mine="mine" in self.asked,
            doubts="doubts" in self.asked,
            stronger="stronger" in self.asked,
            opinion="good" if "liked" in self.asked else "bad" if "disliked" in self.asked else "",
        )

    def snapshot(self) -> Snapshot:
        clouds = [self._cloud(letter) for letter in "OAC"]
        if "G" in self.clouds:
            gateway = Provider("gateway", "openai", "https://llm.example.com/v1")
            clouds.append(Server(provider=gateway, mid="llama-70b"))
        return Snapshot(
            here=self._here(), machines=self._machines(), ollama=self._ollama(), clouds=tuple(clouds)
        )

    def _machines(self) -> tuple[There, ...]:
        if "box" not in self.asked:
            return ()
        state = (self.asked["box"] or ["ready"])[0]
        small = Failure(Code.INSUFFICIENT_MEMORY, "it cannot") if state == "too_big" else None
        server = Provider("box", "machine", machine=Machine("me@box", host_key="k", identity="i"))
        return (There(server=server, model="qwen3.5:9b", state=state, loaded=True, failure=small),)

    def _here(self) -> Here:
        code = {
            "too_big": Code.INSUFFICIENT_MEMORY,
            "failed": Code.MODEL_FAILED,
            "off": Code.DIRECT_LOADING_OFF,
            "unusable": Code.MODEL_NOT_FOUND,
        }
        failure = Failure(code[self.local], "it cannot") if self.local in code else None
        return Here(
            model="phi-2",
            state=self.local,
            window=2048,
            loaded=self.local == "loaded",
            absent=self.local == "absent",
            on_nodes="nodes" in self.asked,
            failure=failure,
        )

    def _ollama(self) -> Server | None:
        away = "http://10.0.0.7:11434" if self.ollama in ("remote", "agreed") else ""
        server = Server(
            provider=Provider("ollama", "ollama", away),
            mid="phi",
            consent=self.ollama != "remote",
            window=2048,
        )
        return None if self.ollama == "off" else server

    def _cloud(self, letter: str) -> Server:
        name, api, mid, strong = CLOUDS[letter]
        if letter == "O" and "D" in self.clouds:
            return Server(provider=Provider(name, api), mid=mid, strong=strong, installed=False)
        has_key = letter in self.clouds.upper()
        provider = Provider(name, api)
        return Server(provider=provider, mid=mid, strong=strong, key=has_key, consent=letter in self.clouds)

    def _teach(self, health: ProviderHealth, candidate: Candidate) -> None:
        short = SHORT[candidate.name]
        if short in self.asked.get("slow", []):
            health.answered(candidate, SLOW)
        if short in self.asked.get("quick", []):
            health.answered(candidate, QUICK)
        if short in self.asked.get("open", []):
            for _ in range(3):
                health.failed(candidate, BROKEN)
        if short == "ollama" and self.ollama == "down":
            health.failed(candidate, REFUSED)

    def _number(self, word: str) -> float | None:
        return float(self.asked[word][0]) if word in self.asked else None

    @staticmethod
    def _twin(named: str) -> str:
        return "ollama:phi" if named == "phi-2" else ""


def rows() -> list[Row]:
    lines = (Path(__file__).parent / "plans.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [_row(*row) for row in cells[1:]]


def _row(
    score: str, goal: str, clouds: str, local: str, ollama: str, asked: str, plan: str, ruled_out: str
) -> Row:
    words: dict[str, list[str]] = {}
    for part in _parts(asked):
        word, *values = part.split()
        words.setdefault(word, []).extend(values)
    return Row(
        float(score),
        msgspec.convert(goal, Goal),
        clouds,
        local,
        ollama,
        words,
        _parts(plan),
        _parts(ruled_out),
    )


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(",") if part.strip()]
