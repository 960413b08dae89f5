"""How OpenSSH is called, and what its complaints mean. Pure.

The pinned key is all that is trusted: no file of the user's, no running master connection and no DNS adds to
it."""

import math
import re
from pathlib import Path

from ai_pal import __version__
from ai_pal.errors import Code, Failure
from ai_pal.protocol.provider import Machine

CONNECT_SECONDS = 3
"""For the connection, the keys and the greeting of the server, where the machine has no limit of its own."""

LOGIN_SECONDS = 10.0
"""For all of the login, until AI-PAL there says its first word; who asks for an answer waits no longer than
`connect_timeout`. A limit of the machine's own (`login`) goes over all three."""

ADD_SECONDS = 15.0
"""The same while nobody knows yet how long it takes."""

QUICK_SECONDS = 4.0
"""A login that takes half of that needs no limit of its own."""

FAILED = 255
"""What ssh itself exits with; all else is the far command's."""

NOT_FOUND = 127

ALIAS = "ai-pal-machine"
"""What the pinned key is filed under: names and addresses do not matter."""

_SIGNS = 3
"""Signs of life that a server may owe before it counts as gone, within `connect_seconds`."""

_QUIET = {
    "BatchMode": "yes",  # nobody is here to type
    "LogLevel": "ERROR",
    "ConnectionAttempts": "1",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "UpdateHostKeys": "no",
    "VerifyHostKeyDNS": "no",
    "CheckHostIP": "no",
    # Without a terminal ssh asks the network for what is sent in the background.
    "IPQoS": "af21",
}


def login_seconds(machine: Machine) -> float:
    """How long its login may take."""
    return machine.login or LOGIN_SECONDS


def connect_seconds(machine: Machine) -> int:
    """How long the first part of it may take: a second less, so that ssh says what is missing."""
    return max(CONNECT_SECONDS, int(machine.login) - 1)


def fitting_login(took: float) -> float:
    """The limit of its own for a machine whose login took so long: 0 where it needs none."""
    return 0.0 if 2 * took <= QUICK_SECONDS else float(math.ceil(2 * took))


def with_pin(machine: Machine, known_hosts: Path, remote: str) -> list[str]:
    """The command that runs `remote` there, if its key is the one in `known_hosts` (`pinned`)."""
    pin = {
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": ALIAS,
    }
    return _command(machine, pin, remote)


def relaying(machine: Machine, known_hosts: Path) -> list[str]:
    """The command that carries a link. It ends by itself where its server gives no sign of life: one that
    falls asleep between the login and the greeting is told before the login has taken too long."""
    command = with_pin(machine, known_hosts, f"{machine.command} relay")
    seconds = max(1, connect_seconds(machine) // _SIGNS)
    alive = ["-o", f"ServerAliveInterval={seconds}", "-o", f"ServerAliveCountMax={_SIGNS - 1}"]
    return [*command[:2], *alive, *command[2:]]


def recording(machine: Machine, known_hosts: Path) -> list[str]:
    """The command that writes the key of a machine into the empty `known_hosts`, and does not log in."""
    looks = {
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": str(known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": ALIAS,
        "HashKnownHosts": "no",
        "PreferredAuthentications": "none",
    }
    return _command(machine, looks, "true")


def trusting_user(machine: Machine) -> list[str]:
    """The command that asks whether the user's own files know the machine; it does not log in either."""
    return _command(machine, {"StrictHostKeyChecking": "yes", "PreferredAuthentications": "none"}, "true")


def pinned(host_key: str) -> str:
    """The line of a `known_hosts` file that holds a key."""
    return f"{ALIAS} {host_key}\n"


def recorded(known_hosts: str) -> str:
    """The key that `recording` has written; empty where there is none."""
    for line in known_hosts.splitlines():
        name, _, key = line.partition(" ")
        if name == ALIAS and key:
            return " ".join(key.split()[:2])
    return ""


def knows(stderr: str) -> str:
    """What `trusting_user` has found: `known`, `unknown` or `changed`; empty where it found nothing out."""
    if "IDENTIFICATION HAS CHANGED" in stderr:
        return "changed"
    if re.search(r"host key is known for|Host key verification failed", stderr):
        return "unknown"
    return "known" if "Permission denied" in stderr else ""


def _command(machine: Machine, options: dict[str, str], remote: str) -> list[str]:
    given = {**_QUIET, "ConnectTimeout": str(connect_seconds(machine)), **options}
    said = [part for name, value in given.items() for part in ("-o", f"{name}={value}")]
    port = ["-p", str(machine.port)] if machine.port else []
    return ["ssh", "-T", *said, *port, "--", machine.ssh, remote]


_UNREACHABLE = (
    (r"Could not resolve hostname ([^:]+)", "there is no machine of the name {0}", "check the name"),
    (r"No route to host|Network is unreachable", "there is no route to it", "is it on, in this network?"),
    (r"Connection refused", "nobody listens there (connection refused)", "is its SSH server running?"),
    (
        r"Connection timed out|Operation timed out|timed out during banner",
        "it does not answer within {limit} s",
        "is it on, or asleep? Is a firewall between?",
    ),
    (
        r"kex_exchange_identification|Connection (closed|reset) by",
        "it closed the connection before the login",
        "look at the log of its SSH server",
    ),
)

_HERE = (
    (r"(Bad configuration option.*)", "your ssh refuses its own settings: {0}", "correct ~/.ssh/config"),
    (r"(Bad owner or permissions on .*)", "your ssh refuses its own settings: {0}", "chmod 600 that file"),
    (r"(UNPROTECTED PRIVATE KEY FILE)", "your ssh refuses a private key that others can read", "chmod 600"),
)


def complaint(name: str, machine: Machine, code: int | None, stderr: str) -> Failure:
    """What it means that the command ended with this code, and said this."""
    at = _at(machine)
    for pattern, words, hint in _HERE:
        if found := re.search(pattern, stderr):
            said = words.format(*map(str.strip, found.groups()))
            return _failure(Code.PROVIDER_UNREACHABLE, f"{name} could not be reached: {said}", hint, stderr)
    if re.search(r"IDENTIFICATION HAS CHANGED|host key is known for|Host key verification failed", stderr):
        return changed(name, "its host key is not the pinned one")
    if re.search(r"Permission denied|Too many authentication failures", stderr) and code in (None, FAILED):
        hint = (
            f"let your key in there: ssh-copy-id {at}; an agent or a key without a passphrase is needed "
            "(AI-PAL sees no agent that was started after it: ai-pal stop)"
        )
        return _failure(Code.ACCESS_DENIED, f"{name} does not let you in (permission denied)", hint, stderr)
    for pattern, words, hint in _UNREACHABLE:
        if found := re.search(pattern, stderr):
            said = words.format(*found.groups(), limit=connect_seconds(machine))
            return _failure(Code.PROVIDER_UNREACHABLE, f"{name} could not be reached: {said}", hint, stderr)
    if code == NOT_FOUND:
        what = f"{name} has no AI-PAL at {machine.command!r}"
        port = f" --port {machine.port}" if machine.port else ""
        hint = f"ai-pal machines add {name} --ssh {machine.ssh}{port}"
        return _failure(Code.PROVIDER_UNREACHABLE, what, hint, stderr)
    if "there is no command 'relay'" in stderr:
        return older(name, "too old to say which")
    if code in (FAILED, None) and not stderr.strip():
        return _wordless(name, machine, code)
    why = _last_line(stderr) or f"ssh ended with code {code}"
    return _failure(
        Code.PROVIDER_UNREACHABLE, f"{name} could not be reached: {why}", f"try: ssh {at}", stderr
    )


def _wordless(name: str, machine: Machine, code: int | None) -> Failure:
    """It has ended without a word, for what it says of a silent server is no error to it; or it runs on, and
    what came was no link."""
    if code is not None:
        what = f"{name} could not be reached: it gives no sign of life"
        return _failure(Code.PROVIDER_UNREACHABLE, what, "is it asleep, or off the network?", "")
    what = f"{name} answers, and not as AI-PAL does: something else writes to the connection"
    hint = f"does its login print much? try: ssh {_at(machine)} {machine.command} --version"
    return _failure(Code.PROVIDER_UNREACHABLE, what, hint, "")


def changed(name: str, what: str) -> Failure:
    """The machine is not the one that was pinned: nothing was sent to it."""
    hint = f"if that is right: ai-pal machines remove {name}, and add it again"
    return Failure(Code.MACHINE_CHANGED, f"{name} is not the machine that was added: {what}", hint)


def older(name: str, version: str) -> Failure:
    """The AI-PAL there cannot be talked to."""
    versions = f"another version ({version}), with which this one ({__version__})"
    what = f"the AI-PAL on {name} is {versions} cannot talk"
    hint = "bring the older one to the version of the other, and stop what runs there: ai-pal stop"
    return Failure(Code.PROTOCOL_MISMATCH, what, hint)


def silent(name: str, seconds: float) -> Failure:
    """The link stands, and the supervisor at its end says nothing."""
    what = f"the AI-PAL on {name} does not answer: no sign of life for {seconds:g} s"
    hint = "it may be stopped or overloaded: look there with ai-pal doctor, or end it with ai-pal stop"
    return Failure(Code.SUPERVISOR_SILENT, what, hint, retryable=True)


def cut(name: str, seconds: float) -> Failure:
    """The link gave no sign of life."""
    what = f"the link to {name} is cut: no sign of life for {seconds:g} s"
    return Failure(Code.STREAM_BROKEN, what, "is it asleep, or off the network?", retryable=True)


def _at(machine: Machine) -> str:
    return f"-p {machine.port} {machine.ssh}" if machine.port else machine.ssh


def _failure(code: Code, message: str, hint: str, stderr: str) -> Failure:
    return Failure(code, message, hint, code == Code.PROVIDER_UNREACHABLE, None, stderr[-500:].strip())


def _last_line(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
