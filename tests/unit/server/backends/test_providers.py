"""The providers as a backend, against a scripted egress process and a clock of its own."""

from collections.abc import Callable

import msgspec
import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import egress as out
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import FinishReason, Message
from ai_pal.protocol.provider import Machine, Provider
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.protocol.worker import DeltaItem
from ai_pal.server.backends.providers import Providers, ProvidersPolicy
from ai_pal.server.jobs import Handle, Job, News, Patience, Result, Sink
from ai_pal.server.nodes.base import ExitStatus
from tests.unit.server.egress_world import EgressWorld

CLOUD = Provider("openai", "openai")
OLLAMA = Provider("ollama", "ollama")


class Heard(Sink):
    """What became of one job, in words; `failures` are shared by all jobs of a world."""

    def __init__(self, failures: list[Failure]) -> None:
        self.words: list[str] = []
        self.told = Usage()
        self._failures = failures
        self.then: Callable[[], None] = lambda: None

    def accepted(self, model: str) -> None:
        self.words.append(f"accepted by {model}")

    def news(self, news: News) -> None:
        self.words.append(type(news).__name__.lower())

    def left(self, *, whole: bool) -> None:
        self.words.append("sent" if whole else "connected")

    def thinks(self, characters: int) -> None:
        self.words.append(f"thinks {characters}")

    def delta(self, piece: DeltaItem) -> None:
        self.words.append(msgspec.msgpack.decode(piece.text))

    def done(self, result: Result) -> None:
        self.words.append("done")
        self.then()

    def failed(self, failure: Failure, usage: Usage, timings: Timings | None) -> None:
        assert timings is None, "a provider measures nothing"
        self._failures.append(failure)
        self.told = usage
        self.words.append(failure.code)
        self.then()

    def cancelled(self, usage: Usage, timings: Timings) -> None:
        raise AssertionError("who calls it off knows")


class World(EgressWorld):
    """`jobs` have their keys in the order in which they were begun, from 1."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Heard] = []
        self.handles: list[Handle] = []
        self.failures: list[Failure] = []
        self.private = self.mine = False
        self.providers = Providers(
            egress=self.egress,
            clock=self,
            observe=lambda event, **fields: None,
            policy=ProvidersPolicy(limit=3),
            local_only=lambda: self.private,
            mine=lambda: self.mine,
        )

    def start(self, provider: Provider = CLOUD, *, local_only: bool = False) -> Heard:
        job = Job(
            work=inner.Generate(0, [Message("user", "hi")]),
            model="m",
            provider=provider,
            private=local_only,
            patience=Patience(connect=5, first_token=20, gap=10),
        )
        self.heard.append(Heard(self.failures))
        self.handles.append(self.providers.start(job, self.heard[-1]))
        return self.heard[-1]

    def tick(self) -> None:
        self.providers.tick()
        super().tick()

    @property
    def codes(self) -> list[str]:
        return [failure.code for failure in self.failures]


@pytest.fixture
def world() -> World:
    return World()


def test_a_completion_waits_for_the_hello_and_is_sent_once(world: World) -> None:
    world.start()
    assert world.sent == []
    world.hello()
    world.egress.message(out.EgressBeat())
    world.start()
    assert [m.key for m in world.sent if isinstance(m, out.Complete)] == [1, 2]
    assert len(world.processes) == 1


def test_events_are_passed_on_until_the_end(world: World) -> None:
    heard = world.start()
    world.hello()
    for event in [
        out.CompletionConnected(1),
        out.CompletionSent(1),
        out.CompletionNotice(1, "options", "no seed"),
        out.CompletionDelta(1, 0, 2, "ab"),
        out.CompletionDelta(1, 2, 1, "c"),
        out.CompletionDone(1, 3),
        out.CompletionDelta(1, 3, 1, "late"),
    ]:
        world.egress.message(event)
    assert heard.words == ["accepted by m", "connected", "sent", "notice", "ab", "c", "done"]
    assert not world.providers.busy


@pytest.mark.parametrize(
    ("reason", "code"),
    [("stop", Code.EMPTY_ANSWER), ("length", Code.LENGTH), ("content_filter", Code.EMPTY_ANSWER)],
)
@pytest.mark.parametrize("thought", [True, False])
def test_an_answer_without_content_is_none(
    world: World, reason: FinishReason, code: Code, thought: bool
) -> None:
    heard = world.start()
    world.hello()
    if thought:
        world.egress.message(out.CompletionDelta(1, 0, 1, "hm", "reasoning"))
    usage = Usage(5, 0, 9)
    world.egress.message(out.CompletionDone(1, int(thought), reason, usage))
    assert heard.words[-1] == code
    assert heard.told == usage


def test_a_call_of_a_tool_is_an_answer(world: World) -> None:
    heard = world.start()
    world.hello()
    world.egress.message(out.CompletionDelta(1, 0, 1, "", "tool_call", 0, "c1", "now"))
    world.egress.message(out.CompletionDone(1, 1, "tool_calls"))
    assert heard.words[-1] == "done"


def test_what_it_waits_for_is_told(world: World) -> None:
    heard = world.start(OLLAMA)
    world.hello()
    world.egress.message(out.CompletionWaiting(1))
    assert heard.words == ["accepted by m", "loading"]


def test_a_gap_in_the_text_is_a_broken_stream(world: World) -> None:
    world.start()
    world.hello()
    world.egress.message(out.CompletionDelta(1, 0, 1, "a"))
    world.egress.message(out.CompletionDelta(1, 2, 1, "c"))
    world.egress.message(out.CompletionDone(1, 3))
    assert world.codes == [Code.STREAM_BROKEN]
    assert world.sent[-1] == out.CancelCompletion(1)


def test_an_end_after_lost_text_is_a_broken_stream(world: World) -> None:
    world.start()
    world.hello()
    world.egress.message(out.CompletionDone(1, 1))
    assert world.codes == [Code.STREAM_BROKEN]


def test_nothing_is_heard_of_a_cancelled_one(world: World) -> None:
    world.start()
    world.hello()
    world.handles[0].cancel()
    world.egress.message(out.CompletionDelta(1, 0, 1, "late"))
    world.egress.message(out.CompletionFailed(1, Failure(Code.STREAM_BROKEN, "late")))
    assert world.sent[-1] == out.CancelCompletion(1)
    assert world.heard[0].words == ["accepted by m"]


def test_one_cancelled_before_the_hello_is_never_sent(world: World) -> None:
    world.start()
    world.handles[0].cancel()
    world.hello()
    assert world.sent == []


def test_the_death_of_the_process_ends_each_exactly_once(world: World) -> None:
    world.start()
    world.hello()
    world.start()
    world.processes[0].on_exit(ExitStatus(signal=9))
    assert world.codes == [Code.WORKER_DIED] * 2
    assert all(failure.retryable for failure in world.failures)
    assert len(world.processes) == 1


def test_a_process_that_dies_before_its_hello_is_not_started_over_and_over(world: World) -> None:
    world.start()
    world.processes[0].on_exit(ExitStatus(code=1))
    assert world.codes == [Code.WORKER_DIED]
    assert len(world.processes) == 1


def test_what_comes_while_an_idle_process_leaves_gets_a_new_one(world: World) -> None:
    world.start()
    world.hello()
    world.egress.message(out.CompletionDelta(1, 0, 1, "a"))
    world.egress.message(out.CompletionDone(1, 1))
    world.pass_time_with_beats(299)
    assert world.processes[0].signals == []
    world.pass_time_with_beats(2)
    assert world.processes[0].signals == ["term"]
    world.start()
    world.processes[0].on_exit(ExitStatus(signal=15))
    assert len(world.processes) == 2
    world.hello()
    assert world.codes == []
    assert [m.key for m in world.sent if isinstance(m, out.Complete)] == [1, 2]


def test_a_busy_process_is_not_idle(world: World) -> None:
    world.start()
    world.hello()
    world.pass_time_with_beats(20)
    assert world.processes[0].signals == []


def test_a_silent_attempt_ends_when_its_timeouts_are_well_over(world: World) -> None:
    world.start()
    world.hello()
    world.pass_time_with_beats(34)
    assert world.codes == []
    world.pass_time_with_beats(1)
    assert world.codes == [Code.WORKER_HUNG]
    assert out.CancelCompletion(1) in world.sent


def test_an_attempt_whose_model_thinks_is_not_silent(world: World) -> None:
    world.start()
    world.hello()
    for _ in range(20):
        world.pass_time_with_beats(30)
        world.egress.message(out.CompletionThinking(1, 9))
    assert world.codes == []
    assert world.heard[0].words[1:] == ["thinks 9"] * 20
    world.pass_time_with_beats(35)
    assert world.codes == [Code.WORKER_HUNG]


def test_a_silent_process_is_ended_and_what_it_had_fails(world: World) -> None:
    world.start()
    world.hello()
    world.pass_time(11)
    world.processes[0].on_exit(ExitStatus(signal=15))
    assert world.codes == [Code.WORKER_HUNG]


def test_more_than_the_limit_is_refused(world: World) -> None:
    for _ in range(3):
        world.start()
    assert world.start().words == [Code.OVERLOADED]
    assert world.failures[-1].retry_after
    world.handles[-1].cancel()
    assert len(world.providers) == 3


@pytest.mark.parametrize("setting", [True, False])
def test_a_local_only_prompt_never_reaches_the_process(world: World, setting: bool) -> None:
    world.private = setting
    assert world.start(local_only=not setting).words == [Code.LOCAL_ONLY]
    assert world.processes == []


def test_a_local_only_prompt_reaches_ollama_here_and_is_marked(world: World) -> None:
    world.start(OLLAMA, local_only=True)
    world.hello()
    (sent,) = world.sent
    assert isinstance(sent, out.Complete)
    assert sent.local_only


def test_under_the_local_only_setting_no_cloud_is_asked_for_its_models(world: World) -> None:
    world.private = True
    told: list[out.ProviderModels | Failure] = []
    with pytest.raises(AiPalError):
        world.providers.list_models(CLOUD, told.append)
    world.providers.list_models(OLLAMA, told.append)


def test_under_the_setting_mine_nobody_else_is_asked(world: World) -> None:
    world.mine = True
    assert world.start().words == [Code.LOCAL_ONLY]
    with pytest.raises(AiPalError):
        world.providers.list_models(CLOUD, lambda told: None)
    assert world.processes == []
    machine = Machine("box", 0, "ssh-ed25519 AAAA", "0" * 32)
    world.start(Provider("box", "machine", machine=machine))
    world.hello()
    (sent,) = world.sent
    assert isinstance(sent, out.Complete)
    assert sent.mine
    assert sent.connect == 5.0


def test_a_machine_with_a_limit_of_its_own_gets_that_for_its_login(world: World) -> None:
    machine = Machine("box", 0, "ssh-ed25519 AAAA", "0" * 32, login=11.0)
    world.start(Provider("box", "machine", machine=machine))
    world.hello()
    (sent,) = world.sent
    assert isinstance(sent, out.Complete)
    assert sent.connect == 12.0


def test_the_models_of_a_provider_end_its_request(world: World) -> None:
    told: list[out.ProviderModels | Failure] = []
    world.providers.list_models(CLOUD, told.append)
    world.hello()
    world.egress.message(out.ProviderModels(1, ["a"]))
    assert told == [out.ProviderModels(1, ["a"])]
    assert not world.providers.busy


def test_a_process_that_cannot_be_started_is_an_error_of_the_start(world: World) -> None:
    world.refuse_spawn = True
    assert world.start().words == [Code.SPAWN_FAILED]
    assert not world.providers.busy


def test_what_is_no_chat_is_not_asked_of_a_provider(world: World) -> None:
    heard = Heard(world.failures)
    world.providers.start(Job(work=inner.EmbedTexts(0, ["a"]), model="m", provider=CLOUD), heard)
    assert heard.words == [Code.UNSUPPORTED]
    assert world.processes == []


def test_a_listener_may_cancel_others_and_start_more_when_one_ends(world: World) -> None:
    world.start()
    world.hello()
    world.start()

    def next_please() -> None:
        world.handles[1].cancel()
        world.start()

    world.heard[0].then = next_please
    world.processes[0].on_exit(ExitStatus(signal=9))
    assert world.codes == [Code.WORKER_DIED]
    world.hello()
    assert len(world.processes) == 2
    assert [m.key for m in world.sent if isinstance(m, out.Complete)] == [1, 2, 3]


def test_a_stop_waits_for_what_is_open_and_then_ends_the_process(world: World) -> None:
    world.start()
    world.hello()
    world.egress.shutdown()
    assert world.processes[0].signals == []
    world.handles[0].cancel()
    assert world.processes[0].signals == ["term"]
