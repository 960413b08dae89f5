"""How `ssh` is called, and its complaints in plain words."""

from pathlib import Path

import pytest

from ai_pal.errors import Code
from ai_pal.machines import ssh
from ai_pal.machines.there import fingerprint
from ai_pal.protocol.provider import Machine

BOX = Machine("me@box", 2222, "ssh-ed25519 AAAA", "0" * 32)
CHANGED = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed."
UNKNOWN = "No ED25519 host key is known for box and you have requested strict checking."
AWAY = Code.PROVIDER_UNREACHABLE
AT = "ssh: connect to host box port 22: "
DENIED = "me@box: Permission denied (publickey,password)."

COMPLAINTS = [
    (255, "ssh: Could not resolve hostname box: unknown", AWAY, "no machine of the name box"),
    (255, f"{AT}No route to host", AWAY, "there is no route to it"),
    (255, f"{AT}Network is unreachable", AWAY, "no route"),
    (255, f"{AT}Connection refused", AWAY, "connection refused"),
    (255, f"{AT}Connection timed out", AWAY, "within 3 s"),
    (255, "Connection timed out during banner exchange", AWAY, "within 3 s"),
    (255, "kex_exchange_identification: read: reset", AWAY, "before the login"),
    (255, DENIED, Code.ACCESS_DENIED, "permission denied"),
    (255, CHANGED, Code.MACHINE_CHANGED, "not the pinned one"),
    (255, UNKNOWN, Code.MACHINE_CHANGED, "not the pinned one"),
    (255, "config: line 3: Bad configuration option: foo", AWAY, "its own settings"),
    (127, "bash: line 1: ai-pal: command not found", AWAY, "has no AI-PAL at 'ai-pal'"),
    (2, "error: there is no command 'relay' [bad_request]", Code.PROTOCOL_MISMATCH, "another version"),
    (1, "Traceback\nImportError: no zmq", AWAY, "ImportError: no zmq"),
    (0, "", AWAY, "ssh ended with code 0"),
    (255, "", AWAY, "it gives no sign of life"),
]


@pytest.mark.parametrize(("code", "stderr", "meant", "words"), COMPLAINTS)
def test_a_complaint_is_told_in_plain_words(code: int, stderr: str, meant: Code, words: str) -> None:
    failure = ssh.complaint("box", BOX, code, stderr)
    assert failure.code == meant
    assert words in failure.message
    assert failure.message.startswith(("box", "the AI-PAL on box"))
    assert failure.hint


def test_a_slow_login_gets_a_limit_of_its_own_for_all_that_is_asked() -> None:
    assert ssh.fitting_login(1.9) == 0.0
    assert ssh.fitting_login(5.4) == 11.0
    slow = Machine("me@box", 0, "ssh-ed25519 AAAA", "0" * 32, login=11.0)
    assert (ssh.login_seconds(slow), ssh.connect_seconds(slow)) == (11.0, 10)
    assert "ConnectTimeout=10" in ssh.with_pin(slow, Path("/run/k"), "ai-pal relay")
    assert "ConnectTimeout=3" in ssh.with_pin(BOX, Path("/run/k"), "ai-pal relay")
    assert "within 10 s" in ssh.complaint("box", slow, 255, f"{AT}Connection timed out").message


def test_a_server_that_falls_silent_is_left_in_the_time_of_a_connection() -> None:
    slow = Machine("me@box", 0, "ssh-ed25519 AAAA", "0" * 32, login=11.0)
    for machine, interval in ((BOX, 1), (slow, 3)):
        command = ssh.relaying(machine, Path("/run/k"))
        assert {f"ServerAliveInterval={interval}", "ServerAliveCountMax=2"} <= set(command)
        assert command[-1] == "ai-pal relay"


def test_a_login_that_writes_without_end_is_told_as_that() -> None:
    failure = ssh.complaint("box", BOX, None, "")
    assert failure.message == "box answers, and not as AI-PAL does: something else writes to the connection"
    assert "ssh -p 2222 me@box ai-pal --version" in failure.hint


def test_a_far_command_that_is_denied_something_is_no_login() -> None:
    failure = ssh.complaint("box", BOX, 126, "sh: 1: /opt/ai-pal: Permission denied")
    assert failure.code == Code.PROVIDER_UNREACHABLE


def test_only_the_pinned_key_is_trusted() -> None:
    command = ssh.with_pin(BOX, Path("/run/k"), "ai-pal relay")
    given = [command[at + 1] for at, word in enumerate(command) if word == "-o"]
    assert {
        *("BatchMode=yes", "StrictHostKeyChecking=yes", "UserKnownHostsFile=/run/k"),
        *("GlobalKnownHostsFile=/dev/null", "ControlPath=none", "UpdateHostKeys=no", "VerifyHostKeyDNS=no"),
        *("ForwardAgent=no", "ClearAllForwardings=yes", f"HostKeyAlias={ssh.ALIAS}"),
    } <= set(given)
    assert command[-5:] == ["-p", "2222", "--", "me@box", "ai-pal relay"]
    assert ssh.recorded(ssh.pinned(BOX.host_key)) == BOX.host_key


@pytest.mark.parametrize(
    ("stderr", "found"),
    [
        (CHANGED, "changed"),
        (UNKNOWN, "unknown"),
        (DENIED, "known"),
        ("", ""),
    ],
)
def test_what_known_hosts_say_is_read_from_its_refusal(stderr: str, found: str) -> None:
    assert ssh.knows(stderr) == found


def test_a_fingerprint_is_written_as_openssh_does() -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    assert fingerprint(key) == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
