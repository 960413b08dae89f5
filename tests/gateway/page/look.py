"""`scripts/page_look`: pictures of the page, and its figures on this machine."""

import contextlib
import http.client
import io
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Error, Page, sync_playwright

from ai_pal.conversations.records import Message
from ai_pal.conversations.store import Conversations
from ai_pal.gateway.page.files import weight
from tests.gateway.conftest import MODELS, serving
from tests.gateway.page import beside
from tests.gateway.page.conftest import CHROMIUM, CLOUD, FLAGS, OPENED, Site, Tab, listening
from tests.gateway.page.scripted import MODEL, config, scripted
from tests.process.homes import environment

SAMPLE = Path(__file__).with_name("sample.md").read_text()
QUESTION = "Explain merge sort with code, a little mathematics and a table."
TURNS = 2000
PAGES = 20
WORD = "zebrafish"
STARTER = "smollm2"
AT_ONCE = "a provider that answers at once"
OPEN_WEBUI = "AI_PAL_OPEN_WEBUI"

_FRAMES = """() => new Promise((done) => {
  const times = [];
  let last = performance.now();
  const step = (now) => {
    times.push(now - last);
    last = now;
    document.querySelector("#scroll").scrollTop -= 60;
    if (times.length < 180) return requestAnimationFrame(step);
    times.sort((one, other) => one - other);
    done(times[171]);
  };
  requestAnimationFrame(step);
})"""

_WATCHES = """() => {
  const times = self.times = [];
  let last = performance.now();
  const step = (now) => { times.push(now - last); last = now; if (self.times) requestAnimationFrame(step); };
  requestAnimationFrame(step);
}"""
_WATCHED = """() => {
  const times = self.times.sort((one, other) => one - other);
  self.times = null;
  return times[Math.floor(times.length * 0.95)];
}"""


@contextlib.contextmanager
def looked_at() -> Iterator[tuple[Site, Browser]]:
    """A server and a browser of their own."""
    with (
        scripted() as (url, script),
        tempfile.TemporaryDirectory(prefix="ai-pal-test-", dir="/tmp") as home,
        sync_playwright() as playwright,
    ):
        file = Path(home, "test.toml")
        file.write_text(config(url))
        places = {"AI_PAL_CONFIG": str(file), "AI_PAL_MODEL_CACHE": str(MODELS)}
        with serving(environment(Path(home)) | places, "--port", "0") as served:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            yield Site(served, script, url), browser
            browser.close()


def pictures(site: Site, browser: Browser, folder: Path) -> None:
    """The page in light, in dark, and on a phone."""
    tab = Tab(browser.new_context(viewport={"width": 1180, "height": 780}), site)
    for prompt, answer in (("Which is the largest lake of Africa?", "Lake Victoria."), (QUESTION, SAMPLE)):
        tab.page.goto(f"{site.url}/#/")
        site.script.reset(*re.findall(r"(?s).{1,9}", answer), pause=0.005)
        tab.ask(prompt)
        tab.answered()
    tab.site.script.reset()
    tab.ask("And in one sentence, here?", STARTER)
    tab.answered()
    sizes = {"light": (1180, 780), "dark": (1180, 780), "phone": (390, 780)}
    for name, (width, height) in sizes.items():
        tab.page.set_viewport_size({"width": width, "height": height})
        tab.page.emulate_media(color_scheme="dark" if name == "dark" else "light")
        tab.page.evaluate(f"document.querySelector('#scroll').scrollTop = {420 if name == 'dark' else 0}")
        tab.page.mouse.move(5, 400)
        tab.page.wait_for_timeout(300)
        shot = Image.open(io.BytesIO(tab.page.screenshot()))
        shot.save(folder / f"page-{name}.webp", lossless=True, quality=100, method=6)


def figures(site: Site, browser: Browser) -> None:
    """Weight, seconds until it can be used, a long conversation, an answer of 100 tokens a second, memory,
    and another's page."""
    print(f"weight            {weight():,} bytes compressed")
    page = Tab(browser.new_context(viewport={"width": 1180, "height": 780}), site).page
    page.reload()
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    print(f"ready             {ready:.0f} ms")
    number = _long_one(site)
    opened = []
    for _ in range(4):
        page.evaluate("location.hash = '#/'")
        page.wait_for_timeout(300)
        opened.append(page.evaluate(OPENED, f"#/c/{number}"))
    frame = page.evaluate(_FRAMES)
    print(f"{TURNS:,} turns       open in {min(opened):.0f} ms, 95 % of frames in {frame:.1f} ms")
    page.evaluate("location.hash = '#/'")
    _streamed(site, page)
    _memory(site)
    _beside(site, browser)


def _streamed(site: Site, page: Page) -> None:
    session = page.context.new_cdp_session(page)
    beside.counted(session)
    words = re.findall(r"\s*\S+", SAMPLE * 4)[:1000]
    site.script.reset(*words, pause=0.0095)
    page.select_option("#model", CLOUD)
    page.fill("#prompt", "Go")
    before, began = beside.busy(session), time.monotonic()
    page.press("#prompt", "Enter")
    page.wait_for_selector(".turn.streaming")
    page.evaluate(_WATCHES)
    page.wait_for_selector(".turn:not(.streaming)")
    took = time.monotonic() - began
    share, frame = (beside.busy(session) - before) / took, page.evaluate(_WATCHED)
    told = f"main thread busy {share:.0%}, 95 % of frames in {frame:.1f} ms"
    print(f"an answer         {len(words) / took:.0f} tokens/s, {told}")


def _memory(site: Site) -> None:
    """Of the gateway and its renderer, with pages that look on."""
    server = urlsplit(site.url)
    gateway = listening(server.port or 0)

    def taken() -> str:
        own, *others = (one.memory_full_info().pss for one in (gateway, *gateway.children()))
        return f"{own / 1e6:.0f} MB, {sum(others) / 1e6:.0f} MB of its renderer"

    print(f"memory, 1 page    {taken()}")
    lookers = [http.client.HTTPConnection(server.hostname or "", server.port) for _ in range(PAGES)]
    for one in lookers:
        one.request("GET", "/page/live")
        one.getresponse().readline()
    print(f"memory, {PAGES + 1} pages  {taken()}")
    for one in lookers:
        one.close()


def _beside(site: Site, browser: Browser) -> None:
    _opened("AI-PAL", site.url, "#prompt", browser)
    here = beside.Asked(
        "#prompt", ".answer .body", choose=lambda page: page.select_option("#model", "smollm2")
    )
    _asked("AI-PAL", site.url, here, "the starter model", browser)
    with beside.llama_page() as url:
        _opened("llama.cpp", url, "textarea", browser)
        there = beside.Asked("textarea", "[aria-label^=Assistant] .markdown-content")
        _asked("llama.cpp", url, there, "the starter model", browser)
    site.script.reset(WORD)
    cloud = beside.Asked("#prompt", word=WORD, choose=lambda page: page.select_option("#model", CLOUD))
    _asked("AI-PAL", site.url, cloud, AT_ONCE, browser)
    if program := os.environ.get(OPEN_WEBUI):
        with beside.open_webui(program, site.provider, MODEL) as url:
            _opened("Open WebUI", url, "#chat-input", browser)
            asked = beside.Asked("#chat-input", word=WORD, choose=_greeted)
            _asked("Open WebUI", url, asked, AT_ONCE, browser)
    else:
        print(f"Open WebUI        not asked: {OPEN_WEBUI} is to name its program")


def _opened(name: str, url: str, prompt: str, browser: Browser) -> None:
    found = beside.weighed(browser, url, prompt)
    told = f"{found.bytes:,} bytes, {found.requests} requests, main thread {1000 * found.busy:.0f} ms"
    taken = beside.memory(listening(urlsplit(url).port or 0))
    print(f"opened, {name:10} {told}; its server has {taken / 1e6:.0f} MB")


def _asked(name: str, url: str, asked: beside.Asked, who: str, browser: Browser) -> None:
    took = beside.first_word(browser, url, asked)
    print(f"asked, {name:10}  {1000 * took:.0f} ms from Enter to the first word of {who}")


def _greeted(page: Page) -> None:
    """Close what Open WebUI shows to who comes first."""
    with contextlib.suppress(Error):  # it is shown once
        page.get_by_text("Okay, Let's Go!").click(timeout=beside.RESTS)


def _long_one(site: Site) -> int:
    messages = []
    for at in range(TURNS):
        said = SAMPLE if at % 10 == 0 else f"**Answer** {at}\n\n- a\n- b\n\n```py\nx = {at}\n```"
        messages.append(Message(role="user", content=f"Question {at}", at=1.0))
        messages.append(Message(role="assistant", content=said, at=1.0, tier=1, model="echo"))
    with contextlib.closing(Conversations(site.store)) as store:
        return store.begin("A long one", messages, now=1.0)


def main() -> None:
    """Look."""
    with looked_at() as (site, browser):
        if len(sys.argv) > 1:
            pictures(site, browser, Path(sys.argv[1]))
        figures(site, browser)


if __name__ == "__main__":
    main()
