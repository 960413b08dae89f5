"""Conversations in a real browser: what comes is shown as it comes, and can be asked otherwise."""

import re
from contextlib import closing

import pytest
from playwright.sync_api import expect

from ai_pal.config import presets
from ai_pal.conversations.model import Conversation
from ai_pal.conversations.recorder import Recorder
from ai_pal.conversations.store import Conversations
from tests.gateway import plain_http
from tests.gateway.page.conftest import Tab


def test_an_answer_is_shown_while_it_comes(tab: Tab) -> None:
    script = tab.site.script
    script.reset(
        "First *one*.\n\n",
        "Second\nand",
        " **two**.",
        "\n\n```python\nx = 1\n```\n",
        thoughts=("Hm, ", "well."),
    )
    script.hold_at = 2
    script.go.clear()
    tab.ask("Go")
    last = tab.last()
    expect(last.locator(".block.growing")).to_have_text("Second and")
    expect(last.locator(".block").first).to_have_text("First one.")
    expect(last.locator(".thought summary")).to_have_text(re.compile("^Thought"))
    expect(last.locator(".cloud")).to_have_text("↗ cloudy · left this machine")
    tab.page.evaluate("document.querySelector('.block').mine = true")
    script.go.set()
    tab.answered()
    assert tab.page.evaluate("document.querySelector('.block').mine"), "what is finished stays what it is"
    expect(last.locator(".block").nth(1)).to_have_text("Second and two.")
    expect(last.locator(".code .t-mi")).to_have_text("1")
    expect(last.locator(".figures")).to_have_text(re.compile(r"20 tokens · first .* · \$0\.0001"))
    last.locator(".thought summary").click()
    expect(last.locator(".thought .words")).to_have_text("Hm, well.")
    last.get_by_role("button", name="Wrap").click()
    expect(last.locator("pre.wrapped")).to_be_visible()
    kept = tab.page.locator(".turn .body").inner_html()
    tab.page.reload()
    expect(tab.last().locator(".code .t-mi")).to_have_text("1")
    assert "growing" not in kept


def test_what_is_stopped_is_kept_and_gone_on_with(tab: Tab) -> None:
    words = " ".join(f"w{at}" for at in range(400))
    tab.ask(words, "slow")
    expect(tab.last().locator(".block")).to_have_text(re.compile("w2"))
    tab.page.press("#prompt", "Escape")
    tab.answered()
    last = tab.last()
    expect(last.locator(".figures")).to_have_text(re.compile("stopped"))
    before = last.locator(".said .block").inner_text()
    last.get_by_role("button", name="Continue").click()
    expect(tab.last().locator(".body .said")).to_have_text(re.compile(re.escape(before)))
    tab.page.locator("#stop").click()
    tab.answered()
    assert tab.last().locator(".body .said").inner_text().startswith(before)
    expect(tab.page.locator(".turn")).to_have_count(1)


def test_what_was_asked_otherwise_stays(tab: Tab) -> None:
    tab.said("What is one?", "It is 1.")
    tab.said("And two?", "It is 2.")
    first = tab.number
    turn = tab.page.locator(".turn").first
    turn.hover()
    turn.get_by_role("button", name="Edit").click()
    tab.site.script.reset("It is 3.")
    turn.get_by_label("Your prompt").fill("What is three?")
    turn.get_by_role("button", name="Ask", exact=True).click()
    expect(tab.page.locator(".variants")).to_have_text(re.compile("2/2"))
    expect(tab.page.locator(".turn")).to_have_count(1)
    expect(tab.page).to_have_url(re.compile(rf"/{first + 1}$"))
    tab.page.get_by_label("The one before").click()
    expect(tab.page.locator(".turn")).to_have_count(2)
    expect(tab.last().locator(".block")).to_have_text("It is 2.")
    expect(tab.page.locator("#list a[aria-current]")).to_have_count(1)
    tab.site.script.reset("It is II.")
    tab.last().get_by_label("Ask another model").select_option("cloudy:scripted")
    expect(tab.last().locator(".block")).to_have_text("It is II.")
    expect(tab.last().locator(".variants")).to_have_text(re.compile("2/2"))


def test_nothing_leaves_where_that_is_wanted(tab: Tab) -> None:
    expect(tab.page.locator('#model option[value="cloudy:scripted"]')).to_be_attached()
    tab.page.select_option("#model", "cloudy:scripted")
    expect(tab.page.locator("#leaves")).to_have_text("↗ goes to cloudy")
    tab.page.select_option("#privacy", "local")
    expect(tab.page.locator("#leaves")).to_be_hidden()
    asked = len(tab.site.script.asked)
    tab.page.fill("#prompt", "a secret")
    tab.page.press("#prompt", "Enter")
    tab.answered()
    expect(tab.last().locator(".note.wrong")).to_be_visible()
    assert len(tab.site.script.asked) == asked
    expect(tab.page.locator("#prompt")).to_have_value("a secret")
    tab.said("Hello", model="")
    number = tab.number
    body = {"prompt": "more", "conversation": number, "model": "cloudy:scripted"}
    answer = plain_http.post(f"{tab.site.url}/page/ask", json=body)
    assert '"code":"local_only"' in answer.text
    assert len(tab.site.script.asked) == asked


def test_tools_that_are_called_are_cards(tab: Tab) -> None:
    tab.site.script.reset(calls=[("weather", '{"city": "<b>Lyon</b>"}')])
    tab.ask("How is the weather?")
    tab.answered()
    expect(tab.last().locator(".call-name")).to_have_text("Tool weather")
    expect(tab.last().locator(".call pre")).to_have_text('{\n  "city": "<b>Lyon</b>"\n}')


def test_files_come_from_a_picker_by_paste_and_by_drop(tab: Tab) -> None:
    page = tab.page
    page.set_input_files("#picker", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"the notes"})
    drop = """(kind) => {
      const data = new DataTransfer();
      data.items.add(new File(["words of " + kind], kind + ".txt", {type: "text/plain"}));
      const at = document.querySelector(kind === "paste" ? "#prompt" : "#main");
      const how = {clipboardData: data, dataTransfer: data, bubbles: true, cancelable: true};
      const event = kind === "paste" ? new ClipboardEvent("paste", how) : new DragEvent("drop", how);
      at.dispatchEvent(event);
    }"""
    page.evaluate(drop, "paste")
    page.evaluate(drop, "drop")
    expect(page.locator("#files li")).to_have_count(3)
    page.get_by_label("Take drop.txt off").click()
    tab.said("What do they say?", "Words.")
    said = str(tab.site.script.asked[-1]["messages"])
    assert "the notes" in said
    assert "words of paste" in said
    assert "words of drop" not in said
    page.reload()
    expect(tab.last().locator(".files .file")).to_have_count(2)
    with page.expect_download() as saved:
        tab.last().get_by_role("link", name="notes.txt").click()
    assert saved.value.path().read_text() == "the notes"


def test_what_cannot_be_attached_is_said_at_once_and_not_sent(tab: Tab) -> None:
    page, asked = tab.page, len(tab.site.script.asked)
    page.set_input_files(
        "#picker", {"name": "a.zip", "mimeType": "application/zip", "buffer": b"PK\x03\x04" * 9}
    )
    expect(page.locator("#files .wrong")).to_have_text(re.compile("a.zip is a ZIP .* cannot be attached"))
    tab.ask("What is it?")
    expect(page.locator("#status")).to_have_text(re.compile("a.zip cannot be sent"))
    assert len(tab.site.script.asked) == asked
    page.get_by_label("Take a.zip off").click()
    tab.said("What is it?", "Nothing.")
    assert len(tab.site.script.asked) > asked


def test_a_long_paste_goes_along_as_a_file_and_a_long_prompt_is_shown_by_its_beginning(tab: Tab) -> None:
    page = tab.page
    long = "many words " * 100_000
    paste = """(text) => {
      const data = new DataTransfer();
      data.setData("text/plain", text);
      const event = new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
      document.querySelector("#prompt").dispatchEvent(event);
    }"""
    page.evaluate(paste, long)
    expect(page.locator("#files .file")).to_have_text(re.compile("pasted.txt"))
    assert page.locator("#prompt").input_value() == ""
    page.get_by_label("Take pasted.txt off").click()
    tab.said("x" * 6000, "Yes")
    expect(tab.last().get_by_role("button", name="Show all 6,000 characters")).to_be_visible()
    page.reload()
    tab.last().get_by_role("button", name="Show all 6,000 characters").click()
    expect(tab.last().locator(".you .said")).to_have_text("x" * 6000)


def test_another_conversation_begins_without_the_preset_and_as_private_as_was_wanted(tab: Tab) -> None:
    environ = tab.site.served.environ
    presets.write_text("pirate", 'system = "Arr."\n', environ)
    try:
        tab.page.reload()
        tab.page.select_option("#preset", "pirate")
        tab.page.select_option("#privacy", "local")
        tab.said("Hello", model="")
        expect(tab.page.locator('#privacy option[value="any"]')).to_be_disabled()
        tab.page.keyboard.press("Control+Shift+o")
        expect(tab.page.locator("#preset")).to_have_value("")
        privacy = tab.page.get_by_label("Where it may go")
        expect(privacy).to_have_value("local")
        privacy.select_option("any")
        tab.page.locator("#list a", has_text="Hello").first.click()
        expect(privacy).to_have_value("local")
        expect(privacy.locator('option[value="any"]')).to_be_disabled()
        tab.page.click("#new")
        expect(privacy).to_have_value("any")
    finally:
        presets.remove("pirate", environ)


def test_how_it_is_asked_is_said_and_saved_as_a_preset(tab: Tab) -> None:
    page, environ, asked = tab.page, tab.site.served.environ, tab.site.script.asked
    dialog = page.locator("#options")
    page.click("#option")
    dialog.get_by_label("System prompt").fill("Be brief.")
    dialog.get_by_label("Temperature").fill("0.3")
    dialog.get_by_label("Longest answer").fill("77")
    dialog.get_by_role("button", name="Done").click()
    expect(page.locator("#option")).to_have_attribute("aria-pressed", "true")
    tab.said("Hello", "Hi")
    assert (asked[-1]["temperature"], asked[-1]["messages"][0]["content"]) == (0.3, "Be brief.")
    try:
        page.click("#option")
        dialog.get_by_label("Name of a preset").fill("brief")
        dialog.get_by_role("button", name="Save as preset").click()
        expect(dialog).to_be_hidden()
        found = presets.load_preset("brief", environ)
        assert (found.system, found.temperature, found.max_tokens) == ("Be brief.", 0.3, 77)
        expect(page.locator("#preset")).to_have_value("brief")
        page.click("#new")
        tab.said("Without", "It")
        assert "temperature" not in asked[-1]
        page.click("#new")
        page.select_option("#preset", "brief")
        tab.said("With", "It")
        assert asked[-1]["temperature"] == 0.3
        tab.answers = [True]
        page.click("#option")
        expect(dialog.get_by_label("Temperature")).to_have_attribute("placeholder", "0.3")
        dialog.get_by_role("button", name="Delete the preset").click()
        expect(dialog).to_be_hidden()
        assert presets.names(environ) == []
    finally:
        if presets.names(environ):
            presets.remove("brief", environ)


def test_right_to_left_text_and_the_keyboard_alone(tab: Tab) -> None:
    page = tab.page
    tab.said("مرحبا", "مرحبا بك\n\nHello")
    directions = "[...document.querySelectorAll('.block p')].map((one) => getComputedStyle(one).direction)"
    assert page.evaluate(directions) == ["rtl", "ltr"]
    page.keyboard.press("Control+k")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Control+Shift+o")
    expect(page.locator("#prompt")).to_be_focused()
    expect(page.locator(".turn")).to_have_count(0)
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    assert page.locator("#prompt").input_value() == "one\ntwo"
    page.keyboard.press("Enter")
    tab.answered()
    expect(tab.last().locator(".you .said")).to_have_text("one\ntwo")


def test_a_doubted_answer_says_so_can_be_called_bad_and_asked_of_somebody_stronger(tab: Tab) -> None:
    page, usage = tab.page, tab.page.locator("#usage")
    tab.site.can_doubt()
    tab.said("one two three four five six", model="doubter")
    opinion = {"conversation": tab.number, "at": 0, "good": False}
    tab.last().get_by_role("button", name="Edit").click()
    tab.last().locator(".editing textarea").fill("one two three four five six seven")
    tab.last().get_by_role("button", name="Ask").click()
    tab.answered()
    said = plain_http.post(f"{tab.site.url}/page/rate", json=opinion).json()
    assert said["learned"] is False, "whoever asks another way has said so"
    page.reload()
    expect(tab.last().locator(".unsure")).to_have_text(re.compile(r"doubter was unsure \((0\.9\d|1\.00)\)"))
    expect(tab.last().locator(".figures")).to_have_text(re.compile(r"doubt (0\.9|1\.0)"))
    bad = tab.last().get_by_label("Bad answer")
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "true")
    expect(tab.last().get_by_role("status")).to_have_text("counted, as a number on this machine")
    tab.site.script.reset("Surely.")
    page.keyboard.press("Control+Shift+Enter")
    expect(tab.last().locator(".block")).to_have_text("Surely.")
    tab.answered()
    expect(tab.last().locator(".cloud")).to_have_text("↗ cloudy · left this machine")
    expect(tab.last().locator(".variants")).to_have_text(re.compile("3/3"))
    expect(tab.last().get_by_label("Bad answer")).to_have_count(0)
    page.get_by_role("link", name="Usage").click()
    row = usage.get_by_role("region", name="Doubts by model").locator("tbody tr").first
    expect(row).to_have_text(re.compile(r"^doubter.*yes \(0\.80\)$"))


def test_a_conversation_for_machines_of_the_users_stays_among_them(tab: Tab) -> None:
    page, asked = tab.page, tab.site.script.asked
    page.select_option("#privacy", "mine")
    expect(page.locator("#privacy")).to_have_class("kept")
    tab.said("Hello", model="")
    with closing(Conversations(tab.site.store)) as store:
        head = store.head(tab.number)
    assert (head.mine, head.local_only) == (True, False)
    page.click("#new")
    page.select_option("#privacy", "any")
    with closing(Recorder(tab.site.store, pytest.fail)) as keeps:
        conversation = Conversation()
        conversation.ask("Among machines of mine")
        conversation.answered("Yes", "qwen3", tier=4, provider="box", remote=True)
        keeps.keep(conversation, mine=True)
    page.locator("#list a", has_text="Among machines of mine").click()
    expect(tab.last().locator(".cloud")).to_have_text("↗ box, a machine of yours · left this machine")
    expect(page.locator("#privacy")).to_have_value("mine")
    expect(page.locator('#model option[value="cloudy:scripted"]')).to_have_count(0)
    before = len(asked)
    body = {"prompt": "more", "conversation": tab.number, "model": "cloudy:scripted"}
    assert '"failures":[{' in plain_http.post(f"{tab.site.url}/page/ask", json=body).text
    assert len(asked) == before


def test_a_second_answer_stands_below_why_it_was_asked_and_is_what_is_copied(tab: Tab) -> None:
    build = """async () => {
      const { Turn } = await import(`/page/files/${document.body.dataset.version}/turn.js`);
      const turn = new Turn({}, "why?", []);
      document.querySelector("#turns").append(turn.node);
      const draft = [["said", 0], ["open", 0, "<p>a draft</p>"]];
      const other = [["said", 2], ["block", 2, "<p>better</p>"]];
      const changes = [...draft, ["seam", 1, "phi was unsure (0.81) -> openai:gpt"], ...other];
      for (const change of changes) turn.change(change);
      return turn.plain();
    }"""
    assert tab.page.evaluate(build) == "better"
    expect(tab.last().locator(".body > *")).to_have_text(
        ["a draft", "phi was unsure (0.81) -> openai:gpt", "better"]
    )
    expect(tab.last().locator(".growing")).to_have_count(0)


def test_over_a_slow_line_nothing_is_lost(tab: Tab) -> None:
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 200, "downloadThroughput": 20_000, "uploadThroughput": 20_000}
    session.send("Network.emulateNetworkConditions", slow)
    words = [f"w{at}" for at in range(200)]
    tab.site.script.reset(*(f"{word} " for word in words), pause=0.005)
    tab.ask("Slowly")
    tab.answered()
    expect(tab.last().locator(".block")).to_have_text(" ".join(words))
