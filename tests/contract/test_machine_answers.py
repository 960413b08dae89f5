"""Another machine answers as providers do: a real machines process, a real SSH server, a real supervisor
behind it. The driver holds every answer to the same rules as those of the egress process."""

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest

from ai_pal.client import Client
from ai_pal.errors import Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import AnyPart, Image, Message, Text
from ai_pal.protocol.options import GenerationOptions, JsonSchema, Tool
from ai_pal.protocol.provider import Provider
from tests.egress_driver import EgressDriver, egress_process
from tests.pictures import png
from tests.process.answers import slow
from tests.process.eventually import allowed, eventually
from tests.process.homes import client_endpoint
from tests.servers import sshd

pytestmark = pytest.mark.skipif(
    not sshd.is_here() and not os.environ.get("CI"), reason="openssh-server is not here: scripts/setup --dev"
)

PLAIN = GenerationOptions()
CLOCK = Tool("clock", "Tells the time.", {"type": "object", "properties": {"city": {"type": "string"}}})


@pytest.fixture(scope="module")
def box() -> Iterator[sshd.SecondMachine]:
    with sshd.SecondMachine() as machine:
        yield machine


@pytest.fixture(scope="module")
def machines(box: sshd.SecondMachine) -> Iterator[EgressDriver]:
    with egress_process({}, "ai_pal.machines", **box.agent) as driver:
        yield driver


def provider(box: sshd.SecondMachine) -> Provider:
    return Provider("box", "machine", machine=box.machine())


def complete(
    box: sshd.SecondMachine,
    said: str | list[AnyPart],
    options: GenerationOptions = PLAIN,
    **fields: object,
) -> out.Complete:
    asked = out.Complete(0, provider(box), "echo", [Message("user", said)], options)
    return msgspec.structs.replace(asked, connect=30.0, **fields)


def test_an_answer_is_streamed_with_its_figures(machines: EgressDriver, box: sshd.SecondMachine) -> None:
    answer = machines.ask(complete(box, "one two three", slow(tokens=12, pace=0.03)))
    assert answer.text.split() == ["one", "two", "three"] * 4
    assert (answer.connected, answer.sent) == (True, True)
    assert 1 < answer.pieces <= 12, "it comes as it is written; what waited for a busy machine comes together"
    assert (answer.done.finish_reason, answer.done.usage.completion_tokens) == ("stop", 12)
    assert answer.done.model == "echo"


def test_all_parts_come_through(machines: EgressDriver, box: sshd.SecondMachine) -> None:
    thought = machines.ask(complete(box, "red green", GenerationOptions(thinking="on")))
    assert "red" in thought.reasoning
    assert thought.text.split() == ["red", "green"]
    called = machines.ask(complete(box, "ask clock", GenerationOptions(tools=[CLOCK])))
    assert called.done.finish_reason == "tool_calls"
    assert [(name, json.loads(given)) for name, given in called.calls] == [("clock", {"city": "clock"})]
    schema = {"type": "object", "properties": {"said": {"type": "string"}}}
    formed = machines.ask(complete(box, "red", GenerationOptions(response_format=JsonSchema(schema))))
    assert json.loads(formed.text)["said"] == "red"
    assert machines.ask(complete(box, "red", GenerationOptions(prefill="Sure: "))).text == "Sure: red "


def test_probabilities_come_with_their_text(machines: EgressDriver, box: sshd.SecondMachine) -> None:
    answer = machines.ask(complete(box, "red green blue", GenerationOptions(logprobs=2)))
    assert b"".join(token.data for _, token in answer.logprobs).split() == [b"red", b"green", b"blue"]
    assert all(len(token.top) == 2 for _, token in answer.logprobs)
    assert all(one <= other for (one, _), (other, _) in pairwise(answer.logprobs))


def test_attachments_go_along(machines: EgressDriver, box: sshd.SecondMachine) -> None:
    picture = png()
    plain = machines.ask(complete(box, "one two")).done.usage.prompt_tokens
    parts: list[AnyPart] = [Text("one two"), Image("image/png", frame=1)]
    answer = machines.gather(machines.start(complete(box, parts), [picture]))
    assert answer.done.usage.prompt_tokens > plain


def test_two_run_at_once_and_a_cancel_stops_one(machines: EgressDriver, box: sshd.SecondMachine) -> None:
    first = machines.start(complete(box, "one two", slow()))
    assert machines.gather(first, until_text=True).text
    assert machines.ask(complete(box, "three")).text.split() == ["three"]
    machines.send(out.CancelCompletion(first))
    with Client(client_endpoint(box.environ)) as client:
        eventually(lambda: not any(worker.active for worker in client.status().workers))


def test_what_it_refuses_is_told_in_its_words(machines: EgressDriver, box: sshd.SecondMachine) -> None:
    asked = msgspec.structs.replace(complete(box, "one"), model="nonsuch")
    failure = machines.ask(asked).failed.failure
    assert failure.code == Code.MODEL_NOT_FOUND
    assert failure.message.startswith("box: ")


def test_what_it_is_asked_it_does_not_pass_on(machines: EgressDriver, box: sshd.SecondMachine) -> None:
    asked = msgspec.structs.replace(complete(box, "one"), model="openai:gpt-4.1")
    failure = machines.ask(asked).failed.failure
    assert (failure.code, failure.message[:12]) == (Code.LOCAL_ONLY, "box: openai ")


def test_its_models_are_listed_and_its_state_is_told(machines: EgressDriver, box: sshd.SecondMachine) -> None:
    assert isinstance(machines.ask(out.ListModels(0, provider(box))).end, out.ProviderModels)
    machines.ask(complete(box, "one"))

    def is_ready(message: out.FromEgress) -> bool:
        return isinstance(message, out.MachineState) and any(
            loaded.model == "echo" and loaded.ready for loaded in message.loaded
        )

    if not any(is_ready(out.decode_from_egress(frame)) for frame in machines.heard):
        machines.wait_for(is_ready)  # how it stands comes when it changes, beside the answers


def test_one_that_is_silent_is_told_in_time(machines: EgressDriver, box: sshd.SecondMachine) -> None:
    """It takes the connection, and sleeps."""
    with socket.create_server(("127.0.0.1", 0)) as asleep:
        machine = msgspec.structs.replace(box.machine(), port=asleep.getsockname()[1])
        asked = complete(box, "one")
        asked = msgspec.structs.replace(asked, provider=Provider("asleep", "machine", machine=machine))
        begun = time.monotonic()
        failure = machines.ask(asked).failed.failure
        assert time.monotonic() - begun < allowed(4.0)
    assert failure.code == Code.PROVIDER_UNREACHABLE
    assert "does not answer within 3 s" in failure.message


@pytest.mark.parametrize("pin", [{"host_key": "ssh-ed25519 AAAA"}, {"identity": "0" * 32}])
def test_nothing_goes_to_another_than_was_pinned(
    machines: EgressDriver, box: sshd.SecondMachine, pin: dict[str, str]
) -> None:
    asked = complete(box, "a secret")
    changed = Provider("other", "machine", machine=box.machine(**pin))
    answer = machines.ask(msgspec.structs.replace(asked, provider=changed))
    assert answer.failed.failure.code == Code.MACHINE_CHANGED
    assert not answer.connected


def test_an_older_build_there_is_told_with_what_to_do(
    machines: EgressDriver, box: sshd.SecondMachine
) -> None:
    said = "greeting('0.0.9', 1, '0' * 32)"
    script = f"import sys, time; from ai_pal.machines.frames import greeting; sys.stdout.buffer.write({said})"
    older = f'{sys.executable} -P -c "{script}; sys.stdout.flush(); time.sleep(60)" #'
    machine = msgspec.structs.replace(box.machine(), command=older)
    asked = msgspec.structs.replace(
        complete(box, "one"), provider=Provider("older", "machine", machine=machine)
    )
    failure = machines.ask(asked).failed.failure
    assert failure.code == Code.PROTOCOL_MISMATCH
    assert "0.0.9" in failure.message
    assert "ai-pal stop" in failure.hint


def test_the_process_itself_keeps_to_the_levels(machines: EgressDriver, box: sshd.SecondMachine) -> None:
    local = machines.ask(complete(box, "one", local_only=True)).failed.failure
    assert local.code == Code.LOCAL_ONLY
    unpinned = machines.ask(complete(box, "one", mine=True)).failed.failure
    assert unpinned.code == Code.LOCAL_ONLY, "without an identity it is nobody's"
