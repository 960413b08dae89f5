"""What a page weighs and costs its browser until it rests, how soon it shows a word of an answer, and the
memory of its server: ours, llama.cpp's own, and Open WebUI."""

import http.client
import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psutil
from playwright.sync_api import Browser, Page

from ai_pal.catalog import CATALOG, artifact_path
from ai_pal.config import load_settings
from scripts.benchmarks.llama_server import llama_server
from tests.process.eventually import eventually
from tests.servers.processes import serving

RESTS = 3000
"""Milliseconds after the prompt can be written."""

STARTS = 600.0
"""Seconds that another server has until it answers."""

_ASKS = """() => {
  const asks = (event) => { if (event.key === "Enter") self.asked ??= performance.now(); };
  addEventListener("keydown", asks, true);
}"""
_SEEN = """([place, word]) => new Promise((done) => {
  const look = () => {
    const said = [...document.querySelectorAll(place)].map((one) => one.innerText.trim()).join(" ");
    if (said && said.includes(word)) done(performance.now() - self.asked);
    else requestAnimationFrame(look);
  };
  look();
})"""


_ALONE = {"WEBUI_AUTH": "False", "ENABLE_OLLAMA_API": "False", "OFFLINE_MODE": "True", "HF_HUB_OFFLINE": "1"}
"""Open WebUI signs nobody in, and fetches no model for searching."""


class Weighed(NamedTuple):
    """Bytes that came over the wire, requests for them, and seconds that the main thread has worked."""

    bytes: int
    requests: int
    busy: float


def weighed(browser: Browser, url: str, prompt: str) -> Weighed:
    """Open it with nothing cached; `prompt` finds where one writes."""
    context = browser.new_context(viewport={"width": 1180, "height": 780})
    page, came = context.new_page(), []
    session: Any = context.new_cdp_session(page)
    session.on("Network.loadingFinished", lambda event: came.append(int(event["encodedDataLength"])))
    session.send("Network.enable")
    counted(session)
    page.goto(url)
    page.locator(prompt).first.wait_for()
    page.wait_for_timeout(RESTS)
    found = Weighed(sum(came), len(came), busy(session))
    context.close()
    return found


class Asked(NamedTuple):
    """`prompt` finds where one writes, `answer` where answers stand; `word` is in the one that is looked for.
    `choose` says who is asked."""

    prompt: str
    answer: str = "body"
    word: str = ""
    choose: Callable[[Page], object] = lambda page: None


def first_word(browser: Browser, url: str, asked: Asked) -> float:
    """Seconds from Enter until the answer is on the screen, the best of three."""
    context = browser.new_context(viewport={"width": 1180, "height": 780})
    found = []
    for _ in range(3):
        page = context.new_page()
        page.goto(url)
        page.locator(asked.prompt).first.wait_for()
        page.wait_for_timeout(RESTS)
        asked.choose(page)
        page.evaluate(_ASKS)
        page.locator(asked.prompt).first.click()
        page.keyboard.type("Which animal?")
        page.keyboard.press("Enter")
        found.append(page.evaluate(_SEEN, [asked.answer, asked.word]) / 1000)
        page.close()
    context.close()
    return float(min(found))


def counted(session: Any) -> None:
    """Begin to count how long the main thread works, by its own clock: other programs do not count."""
    session.send("Performance.enable", {"timeDomain": "threadTicks"})


def busy(session: Any) -> float:
    """Seconds that the main thread has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


def memory(process: psutil.Process) -> int:
    """Bytes of it and of those that it has started, what they share once (PSS)."""
    return sum(one.memory_full_info().pss for one in (process, *process.children(recursive=True)))


@contextmanager
def llama_page() -> Iterator[str]:
    """Where llama.cpp's page is."""
    artifact = CATALOG["smollm2"].artifact
    assert artifact is not None
    with llama_server(artifact_path(artifact, load_settings().settings), 1, 2) as running:
        yield running.said


@contextmanager
def open_webui(program: str, provider: str, model: str) -> Iterator[str]:
    """Where Open WebUI's page is, with nobody signed in, and `model` of this provider to be asked."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="open-webui-", dir="/tmp") as home:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        asked = {"OPENAI_API_BASE_URL": provider, "OPENAI_API_KEY": "sk-of-nobody", "DEFAULT_MODELS": model}
        environ = kept | asked | _ALONE | {"HOME": home, "DATA_DIR": home}
        command = [program, "serve", "--host", "127.0.0.1", "--port", str(port)]
        with serving(command, environ, r"(startup complete|v\d+\.\d+\.\d+)", STARTS):
            eventually(lambda: _answers(port), within=STARTS)
            yield f"http://127.0.0.1:{port}"


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return re.search(rb"true", connection.getresponse().read()) is not None
    except OSError:
        return False
    finally:
        connection.close()
