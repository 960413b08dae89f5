"""Mixed load: answers of echo and the starter, loads, unloads, cancels, visits, downloads, all at once."""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ai_pal.catalog.references.default import STARTER
from ai_pal.client import Client
from ai_pal.config import load_settings
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions
from tests.chaos.report import flaws
from tests.hub import repositories
from tests.hub.loopback import Hub, loopback_hub
from tests.process.asked import Asked
from tests.process.homes import environment
from tests.process.supervised import Supervised
from tests.soak.samples import Samples

LANES = 4
MODELS = 6
SAMPLE_SECONDS = 1.0
PATIENCE = 120.0
FINE = {"overloaded", "unloaded", "insufficient_memory", "model_busy"}
Deed = Callable[[Client], None]


def soak(home: Path, seconds: float, seed: int) -> Samples:
    """Keep the machine busy for so long; gives what was measured."""
    samples, over = Samples(), threading.Event()
    with loopback_hub() as hub:
        hub.repos["soak/ggufs"] = repositories.ggufs()
        models = home / "models"  # what is pulled here is nobody else's
        models.mkdir()
        shared = Path(load_settings().settings.model_cache_dir)
        (models / "smollm2").symlink_to(shared / "smollm2")
        environ = environment(home) | hub.environment | {"HF_HOME": str(home / "hf")}
        environ |= {"AI_PAL_MODEL_CACHE": str(models), "AI_PAL_KEEP_ALIVE": "3", "AI_PAL_QUEUE_SIZE": "8"}
        with Supervised(environ) as daemon, daemon.client() as observer:
            lanes = [Lane(daemon, samples, over, random.Random(seed + n), hub, n) for n in range(LANES)]
            for lane in lanes:
                lane.start()
            end = time.monotonic() + seconds
            while time.monotonic() < end and all(lane.is_alive() for lane in lanes):
                status = observer.status()
                samples.take(daemon.process.pid, max((one.memory for one in status.workers), default=0))
                time.sleep(SAMPLE_SECONDS)
            over.set()
            for lane in lanes:
                lane.join(PATIENCE)
    return samples


class Lane(threading.Thread):
    """One user who does one thing after the other."""

    def __init__(
        self,
        daemon: Supervised,
        samples: Samples,
        over: threading.Event,
        dice: random.Random,
        hub: Hub,
        number: int,
    ) -> None:
        super().__init__(daemon=True)
        self._daemon, self._samples, self._over, self._dice = daemon, samples, over, dice
        self._hub, self._number = hub, number

    def run(self) -> None:
        deeds: list[Callable[[Client], None]] = [
            self._ask,
            self._cancel,
            self._load,
            self._unload,
            self._tell,
        ]
        try:
            while not self._over.is_set():
                with self._daemon.client() as client:  # a visit; the next is a new connection
                    for _ in range(self._dice.randrange(1, 30)):
                        self._dice.choices(deeds, [60, 15, 4, 2, 4])[0](client)
                        if self._over.is_set():
                            break
                    if self._number == 0:
                        self._download(client)
        except Exception as error:  # noqa: BLE001 - told in the report
            self._samples.broken.append(f"lane {self._number}: {error!r}")

    def _model(self) -> str:
        return f"echo?id={self._dice.randrange(MODELS)}&slots=2"

    def _ask(self, client: Client) -> None:
        begun = time.monotonic()
        asked = Asked(client, self._model(), tokens=self._dice.randrange(1, 80), pace=0.0)
        self._finish(asked)
        if isinstance(asked.end, wire.Done):
            took = time.monotonic() - begun
            self._samples.latency += (took - self._samples.latency) * 0.05

    def _cancel(self, client: Client) -> None:
        asked = Asked(client, self._model())
        time.sleep(self._dice.uniform(0, 0.05))
        asked.cancel()
        self._finish(asked)

    def _tell(self, client: Client) -> None:
        """The starter model says a few words."""
        answer = client.chat(
            "Say hello.", model=STARTER, options=GenerationOptions(max_tokens=12, temperature=0.0)
        )
        end = list(answer)[-1]
        self._samples.ends[f"starter {type(end).__name__.lower()}"] += 1
        fine = isinstance(end, wire.Done) or (isinstance(end, wire.Failed) and end.reasons[-1].code in FINE)
        if not fine:
            self._samples.broken.append(f"the starter: {end}")

    def _load(self, client: Client) -> None:
        self._control("load", lambda: list(client.load(self._model())))

    def _unload(self, client: Client) -> None:
        self._control("unload", lambda: client.unload(self._model()))

    def _download(self, client: Client) -> None:
        self._control("pull", lambda: list(client.pull("soak/ggufs:Q4_K_M")))

    def _control(self, what: str, call: Callable[[], object]) -> None:
        try:
            call()
            self._samples.ends[what] += 1
        except AiPalError as error:
            self._samples.ends[f"{what} ({error.code})"] += 1
            if error.code not in FINE:
                self._samples.broken.append(f"{what}: {error}")

    def _finish(self, asked: Asked) -> None:
        if not asked.finish(PATIENCE):
            self._samples.broken.append(f"{asked.model}: no end")
            return
        end = asked.end
        self._samples.ends[type(end).__name__.lower()] += 1
        self._samples.broken += [f"{asked.model}: {claim}" for claim in flaws(asked)]
        reasons = end.reasons if isinstance(end, wire.Failed) else []
        if isinstance(end, wire.Interrupted):
            reasons = [end.reason]
        if any(reason.code not in FINE for reason in reasons):
            self._samples.broken.append(f"{asked.model}: {end}")
