"""`[machines.NAME]`: another machine of the user's that answers too, reached through OpenSSH or at its own
gateway."""

import hashlib
import re
from typing import Annotated

import msgspec
from msgspec import Meta

from ai_pal.config.kinds import URL, a_duration
from ai_pal.protocol.provider import Machine, Provider

TARGET = r"^[A-Za-z0-9_][\w.@:%-]*\Z"
"""What `ssh` is given to go to; it never begins as an option does."""

HOST_KEY = r"^(ssh|ecdsa|sk)-[\w.@-]+ [A-Za-z0-9+/]+={0,3}\Z"
IDENTITY = r"^[0-9a-f]{32}\Z"
CERTIFICATE = r"^[A-Za-z0-9+/]+={0,2}\Z"
MOST_LOGIN = 120
COMMAND = r"^[^\n\r\0]+\Z"


class MachineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See the module. Trust stands in the file alone: no variable and no discovery adds a machine."""

    ssh: Annotated[
        str,
        Meta(
            pattern=TARGET,
            description="Where it is, as `ssh` takes it: `user@host`, or a name out of ~/.ssh/config.",
        ),
    ] = ""
    port: Annotated[int, Meta(ge=0, le=65535, description="Its port; 0 is what `ssh` says.")] = 0
    host_key: Annotated[
        str,
        Meta(
            pattern=HOST_KEY,
            description="Its public host key. `ai-pal machines add` pins it; with another nothing is sent.",
        ),
    ] = ""
    identity: Annotated[
        str, Meta(pattern=IDENTITY, description="Which AI-PAL answers there, pinned in the same way.")
    ] = ""
    command: Annotated[
        str, Meta(pattern=COMMAND, description="How AI-PAL is started there, for its shell.")
    ] = "ai-pal"
    login: Annotated[
        float,
        a_duration(
            "How long a login may take, until its AI-PAL greets; 0 is as `connect_timeout` has it. "
            "`ai-pal machines add` writes it for a slow link.",
            ge=0,
            le=MOST_LOGIN,
        ),
    ] = 0.0
    url: Annotated[
        str,
        Meta(
            description="Where its own gateway (`ai-pal serve`) is, in place of `ssh`: `https://box:11435`. "
            "Its key: `ai-pal keys set NAME`.",
            extra={"kind": URL},
        ),
    ] = ""
    certificate: Annotated[
        str,
        Meta(
            pattern=CERTIFICATE,
            description="The certificate of that gateway, pinned: base64 of its DER. No other is trusted.",
        ),
    ] = ""
    model: Annotated[
        str,
        Meta(description="Its model where the router chooses; empty: it is asked by name alone."),
    ] = ""


def address(setting: MachineSettings) -> Machine:
    """Where a machine is, and what it is known by."""
    return Machine(
        setting.ssh,
        setting.port,
        setting.host_key,
        setting.identity,
        setting.command,
        setting.login,
        setting.certificate,
    )


def provider_of(name: str, setting: MachineSettings) -> Provider:
    """How its models are asked: over a link to its supervisor, or as its gateway's clients ask."""
    if setting.url:
        return Provider(name, "openai", f"{setting.url.rstrip('/')}/v1", address(setting))
    return Provider(name, "machine", machine=address(setting))


def mark_of(setting: MachineSettings) -> str:
    """What tells this machine from another one of its name."""
    return setting.identity or hashlib.sha256(setting.certificate.encode()).hexdigest()[:32]


def is_machine_name(name: str) -> bool:
    """Whether a machine can be called so: it is written before a colon, as in NAME:MODEL."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]{0,62}", name) is not None
