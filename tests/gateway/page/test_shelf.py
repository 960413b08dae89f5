"""One history: the page and the terminal have the same, and take nothing from each other."""

import re
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from ai_pal.config.client_keys import ClientKey, create, read_keys, revoke
from ai_pal.conversations.model import Conversation, Figures
from ai_pal.conversations.recorder import Recorder
from ai_pal.conversations.records import Message
from ai_pal.conversations.shelf import Shelf
from ai_pal.conversations.store import Conversations
from ai_pal.gateway.page.writer import own
from ai_pal.protocol.usage import Usage
from tests.gateway.page.conftest import OPENED, Site, Tab
from tests.process.eventually import allowed, eventually


def terminal(site: Site) -> Recorder:
    """What keeps the conversations of `ai-pal chat`."""
    return Recorder(site.store, pytest.fail)


def say(conversation: Conversation, prompt: str, answer: str) -> None:
    conversation.ask(prompt)
    conversation.answered(answer, "echo", tier=1, provider="local")


def test_what_was_begun_in_one_is_gone_on_with_in_the_other(tab: Tab) -> None:
    with closing(terminal(tab.site)) as keeps:
        conversation = Conversation()
        say(conversation, "Begun in a terminal", "**Yes**")
        keeps.keep(conversation)
        tab.page.locator("#list a", has_text="Begun in a terminal").click()
        expect(tab.last().locator(".block strong")).to_have_text("Yes")
        tab.said("Gone on with in a page", "Indeed")
    with closing(terminal(tab.site)) as keeps:
        conversation = keeps.take_up(tab.number)[1]
        assert [turn.answer for turn in conversation.turns] == ["**Yes**", "Indeed"]
        assert conversation.turns[1].remote
        say(conversation, "Back in the terminal", "Good")
        keeps.keep(conversation)
    expect(tab.last().locator(".you .said")).to_have_text("Back in the terminal")
    expect(tab.page.locator(".turn")).to_have_count(3)


def test_a_terminal_that_goes_on_meanwhile_loses_nothing_and_neither_does_the_page(tab: Tab) -> None:
    tab.said("Both have this", "One")
    number = tab.number
    tab.held("From the page", "Of the page", at=0)
    with closing(terminal(tab.site)) as keeps:
        conversation = keeps.take_up(number)[1]
        say(conversation, "From the terminal", "Of the terminal")
        keeps.keep(conversation)
        assert keeps.number == number
    tab.site.script.go.set()
    tab.answered()
    expect(tab.last().locator(".block")).to_have_text("Of the page")
    expect(tab.page).to_have_url(re.compile(rf"/{number + 1}$"))
    expect(tab.last().locator(".variants")).to_have_text(re.compile("2/2"))
    tab.page.get_by_label("The one before").click()
    expect(tab.last().locator(".block")).to_have_text("Of the terminal")


def test_what_is_kept_between_the_list_and_the_first_look_is_seen(browser: Browser, site: Site) -> None:
    def kept_first(route: Route) -> None:
        with closing(terminal(site)) as keeps:
            conversation = Conversation()
            say(conversation, "Kept in between", "Yes")
            keeps.keep(conversation)
        route.continue_()

    context = browser.new_context(locale="en-GB")
    try:
        context.route("**/page/live", kept_first, times=1)
        expect(Tab(context, site).page.locator("#list a", has_text="Kept in between")).to_be_visible()
    finally:
        context.close()


def test_conversations_are_found_renamed_pinned_saved_and_deleted(tab: Tab) -> None:
    page = tab.page
    tab.said("About zanzibar", "An island")
    tab.said("Another", "line")
    page.fill("#search", "zanz")
    expect(page.locator("#list h2")).to_have_text("Found")
    expect(page.locator("#list mark")).to_have_text("zanzibar")
    page.fill("#search", "")
    menu = page.get_by_label("More for this conversation")
    tab.answers = ["The island"]
    menu.click()
    page.get_by_role("button", name="Rename").click()
    expect(page.locator("#title")).to_have_text("The island")
    menu.click()
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(page.locator("#list h2").first).to_have_text("Pinned")
    menu.click()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as Markdown").click()
    text = Path(saved.value.path()).read_text()
    assert text.startswith("# The island\n\n**You**\n\nAbout zanzibar")
    tab.answers = [True]
    menu.click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator("#title")).to_have_text("New conversation")
    expect(page.locator("#list", has_text="The island")).to_have_count(0)
    files = tab.site.store.parent
    eventually(lambda: b"zanzibar" not in b"".join(one.read_bytes() for one in files.glob("ai-pal.db*")))


def test_a_long_conversation_opens_at_once_and_its_beginning_comes_when_it_is_looked_for(tab: Tab) -> None:
    messages = []
    for at in range(2000):
        said = f"**Answer** {at} with `code`\n\n- a\n- b\n\n```py\nx = {at}\n```"
        messages += [Message(role="user", content=f"Question {at}", at=1.0)]
        messages += [Message(role="assistant", content=said, at=1.0, tier=1, provider="local", model="echo")]
    with closing(Conversations(tab.site.store)) as store:
        number = store.begin("A long one", messages, now=1.0)
    page = tab.page
    took = page.evaluate(OPENED, f"#/c/{number}")
    assert took < 1000 * allowed(1.0)
    expect(tab.last().locator(".you .said")).to_have_text("Question 1999")
    count = page.locator(".turn").count()
    assert count < 200
    page.evaluate("document.querySelector('#scroll').scrollTop = 0")
    page.wait_for_function("count => document.querySelectorAll('.turn').length > count", arg=count)
    first = page.locator(".turn .you .said").first.text_content() or ""
    assert int(first.removeprefix("Question ")) < 2000 - count
    with closing(Conversations(tab.site.store)) as store:
        store.delete([number])


def test_tags_are_those_of_the_terminal(tab: Tab) -> None:
    page = tab.page
    tab.said("About a journey", "By train")
    number, menu = tab.number, page.get_by_label("More for this conversation")
    tab.said("Further", "On")
    tab.answers = ["Travel, #by rail"]
    menu.click()
    page.get_by_role("button", name="Tags").click()
    expect(page.locator("#tags button")).to_have_text(["by rail", "travel"])
    with closing(Shelf(tab.site.store)) as shelf:
        assert shelf.head(number).tags == ("by rail", "travel")
        shelf.tag(number, ["france"], ["by rail"])
    expect(page.locator("#tags button")).to_have_text(["france", "travel"])
    page.locator("#tags button", has_text="france").click()
    expect(page.locator("#list a")).to_have_count(1)
    expect(page.locator("#list a")).to_have_text("About a journeyfrance · travel")
    tab.answers = [""]
    menu.click()
    page.get_by_role("button", name="Tags").click()
    expect(page.locator("#tags button")).to_have_count(0)
    expect(page.locator("#list a", has_text="About a journey")).to_be_visible()


def test_where_keys_are_it_takes_one_of_the_owner(browser: Browser, site: Site) -> None:
    environ = site.served.environ
    keys = {name: ClientKey(sha256="", created=0.0, manage=name == "owner") for name in ("owner", "guest")}
    shown = {name: create(name, rights, environ) for name, rights in keys.items()}
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(site.url)
        expect(page.locator("#sign-in")).to_be_visible()
        expect(page.locator("#app")).to_be_hidden()
        for key, answer in (("sk-wrong", "no key of this server"), (shown["guest"], "--manage")):
            page.fill("#key", key)
            page.press("#key", "Enter")
            expect(page.locator("#sign-in .wrong")).to_have_text(re.compile(re.escape(answer)))
        page.fill("#key", shown["owner"])
        page.press("#key", "Enter")
        expect(page.locator("#app")).to_be_visible()
        assert page.evaluate("document.cookie") == ""
        [cookie] = context.cookies(f"{site.url}/page")
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/page")
        assert shown["owner"] not in cookie["value"]
        revoke("owner", environ)
        page.reload()
        expect(page.locator("#sign-in")).to_be_visible()
    finally:
        context.close()
        for name in read_keys(environ):
            revoke(name, environ)


def test_an_answer_that_another_process_writes_is_seen_as_far_as_it_is_kept(tab: Tab) -> None:
    with closing(terminal(tab.site)) as keeps:
        conversation = Conversation()
        for answer, writer in (("It **comes**", own()), ("It **comes** and is there", "")):
            conversation.clear()
            conversation.ask("Asked in another window")
            figures = Figures(written_by=writer)
            conversation.answered(answer, "echo", interrupted=bool(writer), tier=1, figures=figures)
            keeps.keep(conversation)
            if writer:
                tab.page.locator("#list a", has_text="Asked in another window").click()
                expect(tab.last().locator(".waiting")).to_have_text("being answered in another window")
                expect(tab.last().locator(".block strong")).to_have_text("comes")
                expect(tab.last().locator(".actions")).to_be_hidden()
    expect(tab.last().locator(".block")).to_have_text("It comes and is there")
    expect(tab.last().locator(".waiting")).to_be_hidden()
    expect(tab.last().locator(".actions")).to_be_visible()


def test_how_full_the_window_is_and_what_would_be_left_out_is_told(tab: Tab) -> None:
    with closing(terminal(tab.site)) as keeps:
        conversation = Conversation()
        for prompt, answer in ((100, 100), (300, 400), (800, 100)):
            conversation.ask(f"It has {prompt} tokens")
            took = {
                "usage": Usage(prompt_tokens=prompt, completion_tokens=answer),
                "figures": Figures(window=1000),
            }
            conversation.answered("Yes", "echo", tier=1, **took)  # type: ignore[arg-type]
            keeps.keep(conversation)
            gauge = tab.page.locator("#gauge")
            if prompt == 100:
                tab.page.locator("#list a", has_text="It has 100 tokens").click()
                expect(gauge).to_have_text("20 %")
                expect(gauge).to_have_attribute("title", re.compile("When it is full, the oldest turns"))
    expect(gauge).to_have_text("90 %")
    expect(gauge).to_have_attribute("title", re.compile("900 of 1,000 tokens .* about 1 turn[.]$"))
