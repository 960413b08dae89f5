"""The time that templates tell: it stands still in a conversation that is carried on, and in no other."""

from datetime import datetime

import jinja2
import pytest

from ai_pal.protocol.content import Message
from workers.template_clock import TOLD, TemplateClock, steerable

EVENING = datetime(2026, 11, 30, 23, 50).astimezone()
HOUR, DAY = 3600.0, 24 * 3600.0
DATED = "{{ strftime_now('%d %B %Y') }}"
SYSTEM = Message("system", "Be brief.")
HELLO, HI, MORE = Message("user", "hello"), Message("assistant", "hi"), Message("user", "more")
FIRST, SECOND = [SYSTEM, HELLO], [SYSTEM, HELLO, HI, MORE]


class Clock:
    """One that the test moves on."""

    def __init__(self, template: str = DATED) -> None:
        self.now = EVENING.timestamp()
        self.of_template = TemplateClock(template, lambda: self.now)

    def reads(self) -> datetime:
        return datetime.fromtimestamp(self.now).astimezone()

    def after(self, seconds: float, messages: list[Message]) -> datetime | None:
        self.now += seconds
        return self.of_template.time_of(messages)


def test_it_stands_still_while_a_conversation_is_carried_on() -> None:
    clock = Clock()
    assert clock.after(0, FIRST) == EVENING
    for _ in range(4):
        assert clock.after(5 * HOUR, SECOND) == EVENING


@pytest.mark.parametrize("pause", [7 * HOUR, 30 * DAY], ids=["a night", "weeks"])
def test_behind_a_pause_it_is_another_day(pause: float) -> None:
    clock = Clock()
    clock.after(0, FIRST)
    assert clock.after(pause, SECOND) == clock.reads()


def test_a_conversation_without_an_end_is_told_another_day_once_a_day() -> None:
    clock = Clock()
    clock.after(0, FIRST)
    told = {clock.after(HOUR, SECOND) for _ in range(72)}
    assert len(told) == 4


@pytest.mark.parametrize(
    ("pause", "stands"), [(HOUR, True), (7 * HOUR, False)], ids=["soon", "behind a night"]
)
def test_it_stands_still_over_another_process(pause: float, stands: bool) -> None:
    first, second = Clock(), Clock()
    first.after(0, FIRST)
    second.now += pause
    second.of_template.time_of(SECOND)  # it was counted before
    second.of_template.carry_on(SECOND, first.of_template.begun(FIRST))
    assert second.after(0, SECOND) == (EVENING if stands else second.reads())


def test_another_process_tells_nothing_of_a_conversation_that_is_begun_anew() -> None:
    first, second = Clock(), Clock()
    first.after(0, FIRST)
    second.now += HOUR
    second.of_template.carry_on(FIRST, first.of_template.begun(FIRST))
    assert second.after(0, FIRST) == second.reads()
    second.now += HOUR
    second.of_template.carry_on(SECOND, first.of_template.begun(FIRST))
    assert second.after(0, SECOND) == datetime.fromtimestamp(second.now - HOUR).astimezone()


def test_what_begins_is_told_the_time_of_its_beginning() -> None:
    clock = Clock()
    clock.after(0, FIRST)
    assert clock.after(0.2, FIRST) == EVENING  # it was counted before
    assert clock.after(HOUR, FIRST) == clock.reads()
    assert clock.after(0, [SYSTEM, Message("user", "another")]) == clock.reads()
    assert clock.after(0, [HELLO, HI, MORE]) == clock.reads()


def test_a_clock_that_was_set_back_is_believed() -> None:
    clock = Clock()
    clock.after(0, FIRST)
    assert clock.after(-DAY, SECOND) == clock.reads()


def test_a_template_that_tells_no_time_is_given_none() -> None:
    assert Clock("{{ messages[0].content }}").after(0, FIRST) is None


@pytest.mark.parametrize(
    "call", ["strftime_now('%d %B %Y')", 'strftime_now( "%Y-%m-%d" )', "strftime_now('%d') | int + 1"]
)
def test_a_steerable_template_says_the_same_by_itself_and_what_it_is_told(call: str) -> None:
    text = "{% if strftime_now is defined %}{{ " + call + " }}{% endif %}"
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - no page is made of it
    environment.globals["strftime_now"] = EVENING.strftime
    before = environment.from_string(text).render()
    steered = environment.from_string(steerable(text))
    assert steered.render() == before
    day = datetime(2025, 1, 2).astimezone()
    told = TemplateClock(steerable(text)).told(day)
    environment.globals["strftime_now"] = day.strftime
    assert set(told) == {"date_string", "datetime", TOLD}
    assert steered.render(told) == environment.from_string(text).render() != before


def test_a_format_that_is_no_text_is_left_alone() -> None:
    assert steerable("{{ strftime_now(form) }}") == "{{ strftime_now(form) }}"
