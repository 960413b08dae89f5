"""The completions actor, against a scripted egress process and a clock of its own."""

import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.router.completions import CompletionEvent, Completions, CompletionsPolicy
from tests.unit.server.egress_world import EgressWorld

CLOUD = out.Provider("openai", "openai")
OLLAMA = out.Provider("ollama", "ollama")


class World(EgressWorld):
    """`events` is what the router hears."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[CompletionEvent] = []
        self.private = False
        self.completions = Completions(
            egress=self.egress,
            clock=self,
            observe=lambda event, **fields: None,
            policy=CompletionsPolicy(limit=3),
            local_only=lambda: self.private,
        )
        self.completions.on_event = self.events.append

    def start(self, key: int, provider: out.Provider = CLOUD, *, local_only: bool = False) -> None:
        complete = out.Complete(
            key, provider, "m", [Message("user", "hi")], connect=5, first_token=20, gap=10
        )
        self.completions.start(complete, local_only=local_only)

    def tick(self) -> None:
        self.completions.tick()
        super().tick()

    @property
    def codes(self) -> list[str]:
        return [e.failure.code for e in self.events if isinstance(e, out.CompletionFailed)]


@pytest.fixture
def world() -> World:
    return World()


def test_a_completion_waits_for_the_hello_and_is_sent_once(world: World) -> None:
    world.start(1)
    assert world.sent == []
    world.hello()
    world.egress.message(out.EgressBeat())
    world.start(2)
    assert [m.key for m in world.sent if isinstance(m, out.Complete)] == [1, 2]
    assert len(world.processes) == 1


def test_events_are_passed_on_until_the_end(world: World) -> None:
    world.start(1)
    world.hello()
    told = [
        out.CompletionConnected(1),
        out.CompletionNotice(1, "options", "no seed"),
        out.CompletionDelta(1, 0, 2, "ab"),
        out.CompletionDelta(1, 2, 1, "c"),
        out.CompletionDone(1, 3),
    ]
    for event in told:
        world.egress.message(event)
    world.egress.message(out.CompletionDelta(1, 3, 1, "late"))
    assert world.events == told
    assert not world.completions.busy


def test_a_gap_in_the_text_is_a_broken_stream(world: World) -> None:
    world.start(1)
    world.hello()
    world.egress.message(out.CompletionDelta(1, 0, 1, "a"))
    world.egress.message(out.CompletionDelta(1, 2, 1, "c"))
    world.egress.message(out.CompletionDone(1, 3))
    assert world.codes == [Code.STREAM_BROKEN]
    assert world.sent[-1] == out.CancelCompletion(1)


def test_an_end_after_lost_text_is_a_broken_stream(world: World) -> None:
    world.start(1)
    world.hello()
    world.egress.message(out.CompletionDone(1, 1))
    assert world.codes == [Code.STREAM_BROKEN]


def test_nothing_is_heard_of_a_cancelled_one(world: World) -> None:
    world.start(1)
    world.hello()
    world.completions.cancel(1)
    world.egress.message(out.CompletionDelta(1, 0, 1, "late"))
    world.egress.message(out.CompletionFailed(1, Failure(Code.STREAM_BROKEN, "late")))
    assert world.sent[-1] == out.CancelCompletion(1)
    assert world.events == []


def test_one_cancelled_before_the_hello_is_never_sent(world: World) -> None:
    world.start(1)
    world.completions.cancel(1)
    world.hello()
    assert world.sent == []


def test_the_death_of_the_process_ends_each_exactly_once(world: World) -> None:
    world.start(1)
    world.hello()
    world.start(2)
    world.processes[0].on_exit(ExitStatus(signal=9))
    assert world.codes == [Code.WORKER_DIED] * 2
    assert all(e.failure.retryable for e in world.events if isinstance(e, out.CompletionFailed))
    assert len(world.processes) == 1


def test_a_process_that_dies_before_its_hello_is_not_started_over_and_over(world: World) -> None:
    world.start(1)
    world.processes[0].on_exit(ExitStatus(code=1))
    assert world.codes == [Code.WORKER_DIED]
    assert len(world.processes) == 1


def test_what_comes_while_an_idle_process_leaves_gets_a_new_one(world: World) -> None:
    world.start(1)
    world.hello()
    world.egress.message(out.CompletionDone(1, 0))
    world.pass_time_with_beats(299)
    assert world.processes[0].signals == []
    world.pass_time_with_beats(2)
    assert world.processes[0].signals == ["term"]
    world.start(2)
    world.processes[0].on_exit(ExitStatus(signal=15))
    assert len(world.processes) == 2
    world.hello()
    assert world.codes == []
    assert [m.key for m in world.sent if isinstance(m, out.Complete)] == [1, 2]


def test_a_busy_process_is_not_idle(world: World) -> None:
    world.start(1)
    world.hello()
    world.pass_time_with_beats(20)
    assert world.processes[0].signals == []


def test_a_silent_attempt_ends_when_its_timeouts_are_well_over(world: World) -> None:
    world.start(1)
    world.hello()
    world.pass_time_with_beats(34)
    assert world.codes == []
    world.pass_time_with_beats(1)
    assert world.codes == [Code.WORKER_HUNG]
    assert out.CancelCompletion(1) in world.sent


def test_an_attempt_whose_model_thinks_is_not_silent(world: World) -> None:
    world.start(1)
    world.hello()
    for _ in range(20):
        world.pass_time_with_beats(30)
        world.egress.message(out.CompletionThinking(1, 9))
    assert world.codes == []
    assert world.events == [out.CompletionThinking(1, 9)] * 20
    world.pass_time_with_beats(35)
    assert world.codes == [Code.WORKER_HUNG]


def test_a_silent_process_is_ended_and_what_it_had_fails(world: World) -> None:
    world.start(1)
    world.hello()
    world.pass_time(11)
    world.processes[0].on_exit(ExitStatus(signal=15))
    assert world.codes == [Code.WORKER_HUNG]


def test_more_than_the_limit_is_refused(world: World) -> None:
    for key in (1, 2, 3):
        world.start(key)
    with pytest.raises(AiPalError) as caught:
        world.start(4)
    assert caught.value.code == Code.OVERLOADED
    assert caught.value.failure.retry_after


@pytest.mark.parametrize("setting", [True, False])
def test_a_local_only_prompt_never_reaches_the_process(world: World, setting: bool) -> None:
    world.private = setting
    with pytest.raises(AiPalError) as caught:
        world.start(1, local_only=not setting)
    assert caught.value.code == Code.LOCAL_ONLY
    assert world.processes == []


def test_a_local_only_prompt_reaches_ollama_here_and_is_marked(world: World) -> None:
    world.start(1, OLLAMA, local_only=True)
    world.hello()
    (sent,) = world.sent
    assert isinstance(sent, out.Complete)
    assert sent.local_only


def test_under_the_local_only_setting_no_cloud_is_asked_for_its_models(world: World) -> None:
    world.private = True
    with pytest.raises(AiPalError):
        world.completions.list_models(out.ListModels(1, CLOUD))
    world.completions.list_models(out.ListModels(2, OLLAMA))


def test_the_models_of_a_provider_end_its_request(world: World) -> None:
    world.completions.list_models(out.ListModels(1, CLOUD))
    world.hello()
    world.egress.message(out.ProviderModels(1, ["a"]))
    assert world.events == [out.ProviderModels(1, ["a"])]
    assert not world.completions.busy


def test_a_process_that_cannot_be_started_is_an_error_of_the_start(world: World) -> None:
    world.refuse_spawn = True
    with pytest.raises(AiPalError):
        world.start(1)
    assert not world.completions.busy


def test_a_listener_may_cancel_others_and_start_more_when_one_ends(world: World) -> None:
    world.start(1)
    world.hello()
    world.start(2)

    def next_please(event: CompletionEvent) -> None:
        world.events.append(event)
        world.completions.cancel(2)
        world.start(3)

    world.completions.on_event = next_please
    world.processes[0].on_exit(ExitStatus(signal=9))
    assert world.codes == [Code.WORKER_DIED]
    world.hello()
    assert len(world.processes) == 2
    assert [m.key for m in world.sent if isinstance(m, out.Complete)] == [1, 2, 3]


def test_a_stop_waits_for_what_is_open_and_then_ends_the_process(world: World) -> None:
    world.start(1)
    world.hello()
    world.egress.shutdown()
    assert world.processes[0].signals == []
    world.completions.cancel(1)
    assert world.processes[0].signals == ["term"]
