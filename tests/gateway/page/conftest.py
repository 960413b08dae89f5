"""A real browser before a real `ai-pal serve`: what it asks elsewhere and complains of is counted."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, expect, sync_playwright

from ai_pal.config import paths
from ai_pal.store.doubts import Calibration, Kind, ModelDoubts, Seen
from tests.gateway.conftest import Served, serving
from tests.gateway.page.scripted import MODEL, Script, config, scripted
from tests.process.eventually import eventually
from tests.process.homes import environment

SECONDS = 60.0
CLOUD = f"cloudy:{MODEL}"
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or ""
"""Without windows of its own where there is such a one: it costs half as much."""

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-blink-features=OnDeviceWebSpeechAvailable"]
"""Without a card to act as, drawing costs less. Without windows, it ends pages that ask whether it hears."""

OPENED = """(hash) => new Promise((done) => {
  const began = performance.now();
  location.hash = hash;
  const look = () => document.querySelector("#title").textContent === "A long one"
    && document.querySelectorAll(".turn").length
    ? done(performance.now() - began) : requestAnimationFrame(look);
  look();
})"""
"""How long it takes, in milliseconds, until the conversation with this title is there."""
expect.set_options(timeout=SECONDS * 1000)


class Site(NamedTuple):
    """The server, what its provider says, and where that is."""

    served: Served
    script: Script
    provider: str = ""

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def store(self) -> Path:
        return Path(self.served.environ["AI_PAL_HOME"], "ai-pal.db")

    def can_doubt(self) -> None:
        """From now on `doubter` can doubt: its other answers had entropies from 0 to 1."""
        others = [number / 100 for number in range(100)]
        kinds = {kind: Seen([*others], [*others], [*others]) for kind in get_args(Kind)}
        known = {"echo doubter": ModelDoubts(Calibration(0.8, 100), 0.0, kinds)}
        paths.doubts_file(self.served.environ).write_bytes(msgspec.json.encode(known))


def listening(port: int) -> psutil.Process:
    """Who listens at this port."""
    found = next(
        one for one in psutil.net_connections("tcp") if one.laddr[1:] == (port,) and one.status == "LISTEN"
    )
    return psutil.Process(found.pid)


class Tab:
    """A page of a browser that looks at the site."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.site, self.page = site, context.new_page()
        self.page.set_default_timeout(SECONDS * 1000)
        self.elsewhere: list[str] = []
        self.wrong: list[str] = []
        self.page.on("request", self._asked)
        self.page.on("console", lambda said: self._said(said.type, said.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.answers: list[str | bool] = []
        self.page.on("dialog", self._dialog)
        self.page.goto(site.url)
        expect(self.page.locator("#app")).to_be_visible()

    def ask(self, prompt: str, model: str = CLOUD) -> None:
        """Send it; the answer comes."""
        self.page.locator(f'#model option[value="{model}"]').wait_for(state="attached")
        self.page.select_option("#model", model)
        self.page.fill("#prompt", prompt)
        self.page.press("#prompt", "Enter")

    def answered(self) -> None:
        """Wait until nothing is under way."""
        expect(self.page.locator("#send")).to_be_visible()
        expect(self.page.locator("#send")).to_be_enabled()
        expect(self.page.locator(".turn.streaming")).to_have_count(0)

    def held(self, prompt: str, *texts: str, at: int) -> None:
        """Ask, and have the answer `texts` wait before its piece `at` until `go` of the script is set. The
        server has looked up what it goes on with."""
        asked = len(self.site.script.asked)
        self.site.script.reset(*texts)
        self.site.script.hold_at = at
        self.site.script.go.clear()
        self.ask(prompt)
        expect(self.page.locator(".turn.streaming")).to_have_count(1)
        eventually(lambda: len(self.site.script.asked) > asked)

    def said(self, prompt: str, answer: str = "", model: str = CLOUD) -> None:
        """Ask, and wait for the whole answer."""
        self.site.script.reset(*([answer] if answer else []))
        self.ask(prompt, model)
        self.answered()

    @property
    def number(self) -> int:
        """Of the open conversation."""
        return int(self.page.url.rpartition("/")[2])

    def last(self) -> Any:
        return self.page.locator(".turn").last

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.site.url, "blob:", "data:")):
            self.elsewhere.append(request.url)

    def _said(self, kind: str, text: str) -> None:
        expected = "Failed to load resource" in text  # a status that the page shows
        if kind in ("error", "warning") and not expected:
            self.wrong.append(text)

    def _dialog(self, dialog: Dialog) -> None:
        if not self.answers:
            self.wrong.append(f"dialog: {dialog.message}")
            dialog.dismiss()
            return
        answer = self.answers.pop(0)
        dialog.accept(answer) if isinstance(answer, str) else dialog.accept()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a file: while it is open the loop of its driver runs in this thread, and no other
    can."""
    if not CHROMIUM and not os.environ.get("CI"):
        pytest.skip("chromium is not installed: scripts/setup --dev")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """A server with a history of its own."""
    with scripted() as (url, script), tempfile.TemporaryDirectory(prefix="ai-pal-test-", dir="/tmp") as home:
        file = Path(home, "test.toml")
        file.write_text(config(url))
        with serving(environment(Path(home)) | {"AI_PAL_CONFIG": str(file)}, "--port", "0") as served:
            yield Site(served, script)


@pytest.fixture
def tab(browser: Browser, site: Site) -> Iterator[Tab]:
    """A page of its own; nothing was asked elsewhere, and nothing went wrong."""
    site.script.reset()
    context = browser.new_context(viewport={"width": 1100, "height": 800}, locale="en-GB")
    try:
        found = Tab(context, site)
        yield found
        assert found.elsewhere == []
        assert found.wrong == []
    finally:
        site.script.go.set()
        context.close()
