"""What else the page shows: models, usage; that it is for everybody, and that nothing hostile in it acts."""

import os
import re
import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ai_pal.gateway.page.markdown import shown
from tests.gateway.page.conftest import Site, Tab
from tests.unit.gateway.page.attacks import KINDS, combined, written_out

AXE = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    / "ai-pal-tests/node/node_modules/axe-core"
)

ODD = """() => [...document.querySelectorAll("#turns .body *")].filter((node) =>
  [...node.attributes].some((one) => /^on|^style$|^id$|^name$|^src|^xlink/.test(one.name)
    || (one.name === "href" && !/^(https?|mailto):/.test(one.value)))
  || /^(script|img|iframe|object|embed|style|link|meta|base|form|input|svg|video|audio)$/i.test(node.tagName))
  .map((node) => node.outerHTML.slice(0, 200))"""

PUT = """async (htmls) => {
  const { put } = await import(document.querySelector("script[type=module]").src.replace("app.js", "dom.js"));
  const body = document.querySelector("#turns .body");
  body.replaceChildren(...htmls.map((html) => put(document.createElement("div"), html)));
}"""


def test_nothing_of_five_hundred_attacks_acts_in_a_browser(tab: Tab) -> None:
    attacks = "\n\n".join(dict.fromkeys((*KINDS, *combined(400))))
    tab.page.evaluate("() => { self.alert = () => console.error('an attack has acted'); }")
    tab.page.evaluate(
        "addEventListener('securitypolicyviolation', (one) => console.error(one.violatedDirective))"
    )
    tab.site.script.reset(*(attacks[at : at + 61] for at in range(0, len(attacks), 61)))
    tab.ask("Attack")
    tab.answered()
    assert tab.page.evaluate(ODD) == []
    tab.page.reload()
    expect(tab.last().locator(".block").first).to_be_visible()
    assert tab.page.evaluate(ODD) == []


def test_nothing_of_them_acts_wherever_they_are_cut(tab: Tab) -> None:
    """Each as far as it has come after each letter, put in as the page does it."""
    tab.said("x", "y")
    tab.page.evaluate("() => { self.alert = () => console.error('an attack has acted'); }")
    sources = dict.fromkeys(part for text in (*KINDS, *combined(400)) for part in written_out(text))
    assert len(sources) > 15_000
    htmls = list(dict.fromkeys(map(shown, sources)))
    for at in range(0, len(htmls), 2000):
        tab.page.evaluate(PUT, htmls[at : at + 2000])
        assert tab.page.evaluate(ODD) == []


def test_what_looks_for_attacks_finds_them(tab: Tab) -> None:
    tab.said("x", "y")
    tab.page.evaluate(
        """() => {
      const body = document.querySelector("#turns .body");
      body.append(document.createElement("iframe"));
      body.firstChild.id = "app";
    }"""
    )
    assert len(tab.page.evaluate(ODD)) == 2


def test_models_are_loaded_and_unloaded_and_requests_are_seen(tab: Tab) -> None:
    page = tab.page
    script = tab.site.script
    script.reset("late")
    script.hold_at = 0
    script.go.clear()
    tab.ask("Wait")
    page.get_by_role("link", name="Models").click()
    views = page.locator("#models")
    expect(views.locator(".rows li", has_text="ai-pal serve")).to_have_text(re.compile("cloudy"))
    row = views.locator(".rows li", has_text="spare")
    row.get_by_role("button", name="Load", exact=True).click()
    row.get_by_role("button", name="Unload").click()
    expect(row.get_by_role("button", name="Load", exact=True)).to_be_visible()
    expect(views.locator(".memory")).to_be_visible()
    expect(views.get_by_text("fits now").first).to_be_visible()
    script.go.set()
    expect(views.get_by_text("Nothing is asked now.")).to_be_visible()


def test_an_answer_that_ends_meanwhile_leaves_the_view_where_it_is(tab: Tab) -> None:
    page, script = tab.page, tab.site.script
    script.reset("late")
    script.hold_at = 0
    script.go.clear()
    tab.ask("Wait elsewhere")
    expect(page).to_have_url(re.compile("#/r/"))
    page.get_by_role("link", name="Models").click()
    expect(page.locator("#models")).to_be_visible()
    script.go.set()
    kept = page.locator("#list a", has_text="Wait elsewhere")
    expect(kept).to_have_attribute("href", re.compile("#/c/"))
    expect(page.locator("#models").get_by_text("Nothing is asked now.")).to_be_visible()
    expect(page).to_have_url(re.compile("#/models$"))
    kept.click()
    expect(tab.last().locator(".block")).to_have_text("late")


def test_a_model_has_settings_of_its_own_and_is_pinned(tab: Tab) -> None:
    page, file = tab.page, Path(tab.site.served.environ["AI_PAL_CONFIG"])
    page.get_by_role("link", name="Models").click()
    dialog = page.locator("#own")
    page.get_by_role("button", name="Settings of spare").click()
    dialog.get_by_label("Window").fill("2048")
    dialog.get_by_label("Threads").fill("1000000")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_have_text(re.compile("threads"))
    assert "2048" not in file.read_text()
    dialog.get_by_label("Threads").fill("")
    dialog.get_by_label("Pinned").check()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    spare = tomllib.loads(file.read_text())["models"]["spare"]
    assert (spare["context"], spare["pin"], spare["model"]) == (2048, True, "echo?pace=0.0")
    row = page.locator("#models .rows li", has_text="spare").first
    row.get_by_role("button", name="Load", exact=True).click()
    expect(row).to_have_text(re.compile("pinned"))
    row.get_by_role("button", name="Unload").click()
    expect(row.get_by_role("button", name="Load", exact=True)).to_be_visible()


def test_the_log_is_shown_and_searched(tab: Tab) -> None:
    tab.said("Into the log", "Said")
    tab.page.get_by_role("link", name="Log", exact=True).click()
    lines = tab.page.locator("#log .line")
    expect(lines.first).to_be_attached()
    tab.page.get_by_label("Only lines with").fill("nothing is like this")
    expect(lines).to_have_count(0)
    expect(tab.page.get_by_text("No line is like that.")).to_be_visible()


def test_it_listens_only_where_this_device_does_it(browser: Browser, site: Site) -> None:
    fake = """(available) => { self.SpeechRecognition = class {
        static available = async ({processLocally}) => processLocally ? available : "available";
        get processLocally() { return this.locally; }
        set processLocally(value) { this.locally = value; }
        start() {
          if (!this.locally) throw new Error("not here");
          this.onresult({resultIndex: 0, results: [[{transcript: " spoken words"}]]});
        }
        stop() { this.onend(); }
      }; }"""
    context = browser.new_context()
    try:
        for available, there in (("downloadable", False), ("available", True)):
            tab = Tab(context, site)
            tab.page.add_init_script(f"({fake})('{available}')")
            tab.page.reload()
            expect(tab.page.locator("#app")).to_be_visible()
            expect(tab.page.locator("#speak")).to_be_visible(visible=there)
        tab.page.fill("#prompt", "Some")
        tab.page.click("#speak")
        expect(tab.page.locator("#prompt")).to_have_value("Some spoken words")
        tab.page.click("#speak")
        expect(tab.page.locator("#speak")).to_have_attribute("aria-pressed", "false")
        assert tab.wrong == []
    finally:
        context.close()


def test_usage_is_shown_by_day_and_model(tab: Tab) -> None:
    tab.said("One more", "Here it is")
    tab.page.get_by_role("link", name="Usage").click()
    usage = tab.page.locator("#usage")
    expect(usage.locator("svg .away").first).to_be_attached()
    expect(usage.locator("tbody tr", has_text="cloudy:scripted")).to_have_count(1)
    expect(usage.get_by_role("heading", name="Tokens by day and model")).to_be_visible()
    expect(usage.locator(".key", has_text="cloudy:scripted").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_for_everybody(tab: Tab, scheme: str) -> None:
    if not AXE.is_dir() and not os.environ.get("CI"):
        pytest.skip("axe-core is not there: scripts/fetch_node_sdks")
    page = tab.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    tab.said(
        "Show",
        "# Head\n\ntext `code` [link](https://e.example)\n\n```py\nx = 1  # y\n```\n\n|a|b|\n|-|-|\n|1|2|",
    )
    page.evaluate((AXE / "axe.min.js").read_text())
    check = """async () => {
      const rules = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"];
      const found = await axe.run(document, {runOnly: rules});
      return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 150))}`);
    }"""
    assert page.evaluate(check) == []
    page.click("#option")
    expect(page.locator("#options")).to_be_visible()
    assert page.evaluate(check) == []
    page.keyboard.press("Escape")
    for view, there in (("Models", "h2"), ("Usage", "h2"), ("Log", ".line")):
        page.get_by_role("link", name=view, exact=True).click()
        expect(page.locator(f"#{view.lower()} {there}").first).to_be_visible()
        assert page.evaluate(check) == []


def test_it_fits_a_phone(tab: Tab) -> None:
    page = tab.page
    page.set_viewport_size({"width": 360, "height": 700})
    tab.said(
        "Wide", "```\n" + "x" * 300 + "\n```\n\n|" + "column|" * 30 + "\n|" + "-|" * 30 + f"\n\n{'long' * 90}"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("document.querySelector('#scroll').scrollWidth") <= 360
    expect(page.locator("#side")).to_be_hidden()
    page.locator("#open-side").click()
    expect(page.locator("#side")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#side")).to_be_hidden()


def test_an_answer_that_has_only_begun_is_in_the_list_and_can_be_joined(
    tab: Tab, browser: Browser, site: Site
) -> None:
    context = browser.new_context()
    try:
        tab.held("Only begun", "The beginning", ", the end", at=0)
        other = Tab(context, site)
        expect(other.page.locator("#title")).to_have_text("New conversation")
        expect(other.page.locator(".turn")).to_have_count(0)
        other.page.locator("#list a", has_text="Only begun").click()
        expect(other.last().locator(".you .said")).to_have_text("Only begun")
        expect(other.page.locator("#list a[aria-current]")).to_have_text("Only begun")
        tab.page.reload()
        expect(tab.last().locator(".you .said")).to_have_text("Only begun")
        site.script.go.set()
        for one in (tab, other):
            one.answered()
            expect(one.last().locator(".block")).to_have_text("The beginning, the end")
            expect(one.page.locator("#title")).to_have_text("Only begun")
        assert tab.number == other.number
        tab.held("And then?", "More", " of it", at=1)
        expect(other.last().locator(".block")).to_have_text("More")
        expect(other.page.locator(".turn")).to_have_count(2)
        expect(other.page.locator("#list .writes")).to_have_count(1)
        other.page.click("#stop")
        for one in (tab, other):
            one.answered()
            expect(one.last().locator(".figures")).to_have_text(re.compile("stopped"))
    finally:
        site.script.go.set()
        context.close()


def test_what_is_said_of_an_address_goes_with_it(tab: Tab) -> None:
    tab.page.goto(f"{tab.site.url}/#/c/123456")
    expect(tab.page.locator("#offline")).to_have_text(re.compile("no conversation 123456"))
    tab.page.click("#new")
    expect(tab.page.locator("#offline")).to_be_hidden()


def test_two_tabs_see_the_same(tab: Tab, browser: Browser, site: Site) -> None:
    context = browser.new_context()
    try:
        other = Tab(context, site)
        tab.said("In the first tab", "One")
        other.page.locator("#list a", has_text="In the first tab").click()
        expect(other.last().locator(".block")).to_have_text("One")
        tab.said("And on", "Two")
        expect(other.last().locator(".block")).to_have_text("Two")
    finally:
        context.close()
