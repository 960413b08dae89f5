"""Which models providers have: each is asked once, and whoever wanted to know is answered once."""

from collections.abc import Callable, Sequence

import msgspec
import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol.provider import Machine, Provider
from ai_pal.providers.server import Server
from ai_pal.server.services.inquiries import FOLLOWERS, Inquiries, Subject

OLLAMA = Subject(Server(provider=Provider("ollama", "ollama"), mid="phi"), ("phi",))
CLOUD = Subject(Server(provider=Provider("openai", "openai"), mid="m", strong="s"), ("m", "s"))
BOX = Subject(
    Server(provider=Provider("box", "machine", machine=Machine("box", 0, "ssh-rsa A", "0" * 32))),
    (),
    ("qwen3",),
)
REFUSED = Failure(Code.PROVIDER_UNREACHABLE, "connection refused")


class World:
    """`asked` are the lists under way, `heard` what clients were told."""

    def __init__(self, *subjects: Subject, private: bool = False, mine: bool = False) -> None:
        self.asked: dict[str, Callable[[out.ProviderModels | Failure], None]] = {}
        self.times = 0
        self.heard: list[tuple[bytes, wire.Event]] = []
        self.refuse: Failure | None = None
        self.described: list[bool] = []
        self.inquiries = Inquiries(
            self, self, lambda: list(subjects), private=lambda: private, mine=lambda: mine
        )

    def send(self, client: bytes, event: wire.Event) -> None:
        self.heard.append((client, event))

    def list_models(
        self,
        provider: Provider,
        told: Callable[[out.ProviderModels | Failure], None],
        *,
        describe: bool = False,
    ) -> "Listing":
        self.described.append(describe)
        if self.refuse is not None:
            raise AiPalError(self.refuse)
        self.asked[provider.name] = told
        self.times += 1
        return Listing(self, provider.name)

    def ask(
        self, client: bytes = b"a", request_id: int = 1, *, near: bool = False, names: Sequence[str] = ()
    ) -> None:
        self.inquiries.start(client, wire.Providers(request_id, near, list(names)))

    def reply(self) -> list[wire.ProviderStatus]:
        event = self.heard[-1][1]
        assert isinstance(event, wire.ProvidersReply)
        return event.providers


def models(*names: str) -> out.ProviderModels:
    return out.ProviderModels(0, list(names))


class Listing:
    """A list under way."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self._name = world, name

    def cancel(self) -> None:
        self._world.asked.pop(self._name, None)


def test_all_are_asked_at_once_and_told_of_together() -> None:
    world = World(OLLAMA, CLOUD)
    world.ask()
    assert set(world.asked) == {"ollama", "openai"}
    world.asked["openai"](models("m"))
    assert world.heard == []
    world.asked["ollama"](REFUSED)
    assert world.reply() == [
        wire.ProviderStatus("ollama", "ollama", ["phi"], failure=REFUSED),
        wire.ProviderStatus("openai", "openai", ["m", "s"], ["m"], remote=True),
    ]


def test_who_names_some_asks_and_hears_of_no_others() -> None:
    world = World(OLLAMA, CLOUD)
    world.ask(names=["openai", "nobody"])
    assert set(world.asked) == {"openai"}
    world.asked["openai"](models("m"))
    assert [one.name for one in world.reply()] == ["openai"]
    world.ask(names=["nobody"])
    assert world.reply() == []
    world.ask(names=["ollama"])
    world.ask()
    assert world.times == 4, "one and all are two questions"
    world.inquiries.client_gone(b"a")
    assert not world.inquiries.busy


@pytest.mark.parametrize("lacks", ["key", "consent", "installed"])
def test_without_key_consent_or_package_nobody_is_asked(lacks: str) -> None:
    server = msgspec.structs.replace(CLOUD.server, **{lacks: False})
    world = World(Subject(server, ("m",)))
    world.ask()
    assert world.asked == {}
    assert world.reply()[0].failure is not None


def test_what_is_private_asks_only_what_is_here() -> None:
    world = World(OLLAMA, CLOUD, private=True)
    world.ask()
    assert set(world.asked) == {"ollama"}
    world.asked["ollama"](models())
    refused = world.reply()[1].failure
    assert refused is not None
    assert refused.code == Code.LOCAL_ONLY


@pytest.mark.parametrize("near", [True, False])
def test_another_machine_is_told_of_and_not_asked(near: bool) -> None:
    world = World(BOX, CLOUD, mine=True)
    world.ask(near=near)
    box, cloud = world.reply()
    assert world.asked == {}
    assert (box.offers, box.remote, box.failure) == (["qwen3"], True, None)
    assert cloud.failure is not None
    assert "none of your machines" in cloud.failure.message
    private = World(BOX, private=True)
    private.ask(near=near)
    assert private.reply()[0].failure is not None


def test_what_cannot_be_asked_is_a_failure_of_that_provider() -> None:
    world = World(OLLAMA)
    world.refuse = Failure(Code.SPAWN_FAILED, "no process")
    world.ask()
    assert world.reply()[0].failure == world.refuse


def test_many_who_ask_share_one_answer_up_to_a_bound() -> None:
    world = World(OLLAMA)
    for number in range(FOLLOWERS + 1):
        world.ask(request_id=number + 1)
    assert world.times == 1
    assert isinstance(world.heard[0][1], wire.Failed)
    world.asked["ollama"](models("phi"))
    assert len(world.heard) == FOLLOWERS + 1
    world.ask()
    assert world.times == 2


def test_when_all_who_asked_have_gone_the_lists_are_called_off() -> None:
    world = World(OLLAMA)
    world.ask(b"a")
    world.ask(b"b")
    world.inquiries.client_gone(b"a")
    assert world.asked
    world.inquiries.client_gone(b"b")
    assert not world.asked
    world.ask(b"c")
    assert world.asked


def test_who_reads_too_slowly_hears_that_there_is_no_answer() -> None:
    world = World(OLLAMA)
    world.ask(b"a")
    slow = Failure(Code.CLIENT_TOO_SLOW, "read faster")
    world.inquiries.client_gone(b"a", slow)
    assert world.heard == [(b"a", wire.Failed(1, [slow]))]
    assert not world.asked


def test_a_supervisor_that_stops_says_so() -> None:
    world = World(OLLAMA)
    world.ask()
    world.inquiries.shutdown()
    assert isinstance(world.heard[-1][1], wire.Failed)
    assert not world.asked


def test_for_a_list_of_what_can_be_asked_no_cloud_is_asked() -> None:
    world = World(OLLAMA, CLOUD)
    world.ask(near=True)
    assert list(world.asked) == ["ollama"]
    world.ask(b"b")
    assert list(world.asked) == ["ollama", "openai"]
    assert world.described == [True, False, False]
    world.asked["ollama"](models("phi"))
    world.asked["openai"](models("m"))
    world.inquiries.client_gone(b"a")
    assert [client for client, _ in world.heard] == [b"b"]
    assert not world.inquiries.busy


def test_an_ollama_that_nobody_has_set_up_is_not_looked_for_then() -> None:
    unseen = msgspec.structs.replace(OLLAMA, server=msgspec.structs.replace(OLLAMA.server, expected=False))
    world = World(unseen, CLOUD, private=True)
    world.ask(near=True)
    assert world.times == 0
    ollama, cloud = world.reply()
    assert (ollama.offers, ollama.failure, ollama.remote) == ([], None, False)
    assert cloud.remote
    assert cloud.failure is not None
    assert cloud.failure.code == Code.LOCAL_ONLY
