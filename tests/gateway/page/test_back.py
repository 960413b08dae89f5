"""A server that goes and comes back: what had come of an answer is there, and the page goes on by itself."""

import re
import socket
import tempfile
from contextlib import closing
from pathlib import Path

import psutil
from playwright.sync_api import Browser, expect

from ai_pal.client import Client
from ai_pal.conversations.store import Conversations
from tests.gateway.conftest import serving
from tests.gateway.page.conftest import Site, Tab, listening
from tests.gateway.page.scripted import config, scripted
from tests.process.eventually import eventually
from tests.process.homes import Environ, client_endpoint, environment, stop_supervisor


def test_what_had_come_is_kept_and_the_page_comes_back(browser: Browser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with scripted() as (url, script), tempfile.TemporaryDirectory(prefix="ai-pal-test-", dir="/tmp") as home:
        file = Path(home, "test.toml")
        file.write_text(config(url))
        environ = environment(Path(home)) | {"AI_PAL_CONFIG": str(file)}
        context = browser.new_context()
        try:
            with serving(environ, "--port", port, stays=True) as served:
                tab = Tab(context, Site(served, script))
                script.reset("What had come.\n\n", "And\nmore", " of it", "never")
                script.hold_at = 3
                script.go.clear()
                tab.ask("Go on for long")
                expect(tab.last().locator(".block").first).to_have_text("What had come.")
            expect(tab.page.locator("#offline")).to_have_text(re.compile("does not answer"))
            script.go.set()
            with serving(environ, "--port", port, stays=True):
                expect(tab.page.locator("#offline")).to_be_hidden()
                expect(tab.last().locator(".figures")).to_have_text(re.compile("stopped"))
                expect(tab.last().locator(".block").first).to_have_text("What had come.")
                expect(tab.page.locator("#list a[aria-current]")).to_have_text("Go on for long")
                tab.said("And now?", "It goes on")
                expect(tab.last().locator(".block")).to_have_text("It goes on")
                tab.held("Cut short", "It had *begun*", " and", at=1)
                expect(tab.last().locator(".block em")).to_have_text("begun")
                expect(tab.page.locator("#list a").first).to_have_attribute("href", re.compile("#/c/"))
                kept(Path(home, "ai-pal.db"), "It had *begun*")
                begun = script.go
                other = Tab(context, Site(served, script))
                other.held("Another one", "never", at=0)
                listening(int(port)).kill()
                for one in (tab, other):
                    expect(one.page.locator("#offline")).to_have_text(re.compile("does not answer"))
            begun.set()
            script.go.set()
            with serving(environ, "--port", port, stays=True):
                for one in (tab, other):
                    expect(one.page.locator("#offline")).to_be_hidden()
                expect(tab.last().locator(".block")).to_have_text("It had begun")
                expect(tab.last().locator(".figures")).to_have_text(re.compile("stopped"))
                expect(other.page.locator("#prompt")).to_have_value("Another one")
                assert not other.page.url.rpartition("#")[2].startswith("/c/")
                hangs(tab, environ)
        finally:
            script.go.set()
            context.close()
            stop_supervisor(environ)


def kept(store: Path, answer: str) -> None:
    """Wait until this answer is in the history, as far as it has come."""
    with closing(Conversations(store)) as conversations:
        eventually(lambda: any(answer in one.content for one in conversations.show(1).messages))


def hangs(tab: Tab, environ: Environ) -> None:
    """A supervisor that stands still is told of, and what had come of its answer can be kept."""
    tab.held("One more", "So far", "never", at=1)
    expect(tab.last().locator(".block")).to_have_text("So far")
    with Client(client_endpoint(environ)) as client:
        supervisor = psutil.Process(client.welcome.pid)
    supervisor.suspend()
    try:
        expect(tab.last().locator(".waiting")).to_have_text(re.compile("supervisor does not answer"))
        tab.page.click("#stop")
        expect(tab.page.locator("#stop")).to_be_disabled()
        tab.answered()
        expect(tab.last().locator(".note.wrong")).to_have_text(
            re.compile("not answer|not said that it has stopped")
        )
        expect(tab.last().locator(".block")).to_have_text("So far")
    finally:
        supervisor.resume()
