"""The one error taxonomy: stable codes, a `retryable` flag and what to do next.

Errors cross process borders as `Failure` values inside messages, never pickled.
"""

import errno
import shlex
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import NoReturn

import msgspec


class Code(StrEnum):
    """Stable, documented error codes (docs/ipc-protocol.md lists their meaning)."""

    # What the caller sent.
    BAD_REQUEST = "bad_request"
    EMPTY_PROMPT = "empty_prompt"
    INPUT_NOT_UTF8 = "input_not_utf8"
    PROMPT_TOO_LARGE = "prompt_too_large"
    FRAME_TOO_LARGE = "frame_too_large"
    UNKNOWN_MESSAGE = "unknown_message"
    PROTOCOL_MISMATCH = "protocol_mismatch"
    HELLO_REQUIRED = "hello_required"
    DUPLICATE_ID = "duplicate_id"
    NOT_OWNER = "not_owner"
    CANCELLED = "cancelled"
    UNSUPPORTED = "unsupported"
    SCHEMA_INVALID = "schema_invalid"
    IMAGE_INVALID = "image_invalid"
    IMAGE_TOO_LARGE = "image_too_large"
    # Models and engines.
    MODEL_NOT_FOUND = "model_not_found"
    MODEL_NOT_HERE = "model_not_here"
    MODEL_GATED = "model_gated"
    MODEL_INVALID = "model_invalid"
    MODEL_FAILED = "model_failed"
    MODEL_BUSY = "model_busy"
    ENGINE_MISSING = "engine_missing"
    ENGINE_ERROR = "engine_error"
    DIRECT_LOADING_OFF = "direct_loading_off"
    # Supervision.
    OVERLOADED = "overloaded"
    INSUFFICIENT_MEMORY = "insufficient_memory"
    NO_NODE = "no_node"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    WORKER_DIED = "worker_died"
    WORKER_HUNG = "worker_hung"
    LOAD_STALLED = "load_stalled"
    SPAWN_FAILED = "spawn_failed"
    UNLOADED = "unloaded"
    SHUTTING_DOWN = "shutting_down"
    CLIENT_TOO_SLOW = "client_too_slow"
    CLIENT_CLOSED = "client_closed"
    INTERNAL = "internal"
    # Other tiers: what an attempt at a provider can end with, and why one is not even tried.
    PROVIDER_UNREACHABLE = "provider_unreachable"
    CONNECT_TIMEOUT = "connect_timeout"
    QUEUE_TIMEOUT = "queue_timeout"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"  # noqa: S105 - a name, no secret
    STREAM_STALLED = "stream_stalled"
    STREAM_BROKEN = "stream_broken"
    AUTH_FAILED = "auth_failed"
    ACCESS_DENIED = "access_denied"
    NO_CREDIT = "no_credit"
    RATE_LIMITED = "rate_limited"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_ERROR = "provider_error"
    EMPTY_ANSWER = "empty_answer"
    LENGTH = "length"
    UNSURE = "unsure"
    NO_KEY = "no_key"
    NO_CONSENT = "no_consent"
    NO_FALLBACK = "no_fallback"
    LOCAL_ONLY = "local_only"
    OVER_BUDGET = "over_budget"
    BREAKER_OPEN = "breaker_open"
    SDK_MISSING = "sdk_missing"
    KEYRING_MISSING = "keyring_missing"
    MACHINE_CHANGED = "machine_changed"
    # Who asks over HTTP.
    KEY_REFUSED = "key_refused"
    # This machine and its files.
    SUPERVISOR_UNREACHABLE = "supervisor_unreachable"
    SUPERVISOR_SILENT = "supervisor_silent"
    SUPERVISOR_RUNNING = "supervisor_running"
    SUPERVISOR_LOST = "supervisor_lost"
    SOCKET_PATH_BLOCKED = "socket_path_blocked"
    RUN_DIR_UNSAFE = "run_dir_unsafe"
    CONFIG_INVALID = "config_invalid"
    CACHE_UNWRITABLE = "cache_unwritable"
    DISK_FULL = "disk_full"
    DOWNLOAD_FAILED = "download_failed"
    OFFLINE = "offline"
    HASH_MISMATCH = "hash_mismatch"
    PIP_MISSING = "pip_missing"
    UNSUPPORTED_PLATFORM = "unsupported_platform"
    FILE_UNREADABLE = "file_unreadable"
    # What is kept: usage, conversations and presets.
    STORE_DAMAGED = "store_damaged"
    STORE_NEWER = "store_newer"
    STORE_BUSY = "store_busy"
    CONVERSATION_NOT_FOUND = "conversation_not_found"
    PRESET_NOT_FOUND = "preset_not_found"


PERMANENT = frozenset(
    {
        *(Code.AUTH_FAILED, Code.PROVIDER_REFUSED, Code.PROMPT_TOO_LARGE, Code.NO_KEY, Code.NO_CONSENT),
        *(Code.LOCAL_ONLY, Code.UNSUPPORTED, Code.NO_FALLBACK, Code.OVER_BUDGET, Code.SDK_MISSING),
        *(Code.MODEL_NOT_FOUND, Code.MODEL_NOT_HERE, Code.ACCESS_DENIED, Code.NO_CREDIT, Code.LENGTH),
        Code.MACHINE_CHANGED,
    }
)
"""Codes that say nothing about a provider's health: asking again changes nothing, and no breaker trips."""

NEVER_SENT = frozenset(
    {
        *(Code.PROVIDER_UNREACHABLE, Code.CONNECT_TIMEOUT, Code.NO_KEY, Code.NO_CONSENT, Code.LOCAL_ONLY),
        *(Code.SDK_MISSING, Code.KEYRING_MISSING, Code.SPAWN_FAILED, Code.OVERLOADED, Code.BREAKER_OPEN),
        *(Code.EMPTY_PROMPT, Code.MACHINE_CHANGED),
    }
)
"""Codes of attempts whose prompt has not gone anywhere; all others may have."""

UNPAID = NEVER_SENT | {
    *(Code.AUTH_FAILED, Code.RATE_LIMITED, Code.PROVIDER_REFUSED, Code.PROVIDER_ERROR),
    *(Code.PROMPT_TOO_LARGE, Code.MODEL_NOT_FOUND, Code.MODEL_NOT_HERE),
    *(Code.ACCESS_DENIED, Code.NO_CREDIT, Code.UNSUPPORTED),
}
"""Codes of attempts that no provider charges for: it has said no, or was never asked."""

MAY_QUOTE = frozenset(
    {
        *(Code.BAD_REQUEST, Code.UNSUPPORTED, Code.SCHEMA_INVALID, Code.IMAGE_INVALID),
        *(Code.ENGINE_ERROR, Code.PROVIDER_REFUSED),
    }
)
"""Codes whose message may quote what was asked: who asked hears it, logs and others do not."""


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reason why something did not work, as it travels in messages.

    `message` says what happened, `hint` what to do about it, `detail` holds evidence such as the
    last lines of a worker's stderr. `retry_after` is in seconds.
    """

    code: str
    message: str
    hint: str = ""
    retryable: bool = False
    retry_after: float | None = None
    detail: str = ""

    @property
    def public(self) -> str:
        """What logs hear, and others than who asked."""
        return str(self.code) if self.code in MAY_QUOTE else self.message


NOBODY_THERE = frozenset({Code.PROVIDER_UNREACHABLE, Code.CONNECT_TIMEOUT})
"""That somebody who might have helped is not there is seldom what matters most."""

NOT_SET_UP = frozenset({Code.NO_KEY, Code.NO_CONSENT, Code.LOCAL_ONLY, Code.NO_FALLBACK, Code.SDK_MISSING})
"""Nor is it that a provider was never set up, or may not be asked."""


def main_reason(reasons: Sequence[Failure]) -> Failure:
    """The reason to show where there is room for one: the last of somebody who was there to be asked."""
    there = [reason for reason in reasons if reason.code not in NOBODY_THERE]
    asked = [reason for reason in there if reason.code not in NOT_SET_UP]
    return (asked or there or list(reasons))[-1]


def worth_telling(reasons: Sequence[Failure]) -> list[Failure]:
    """Those worth a line, each once: that a provider was never set up is none where there is another. Where
    nobody may have the prompt at all, it is the last reason: that of who would be asked first of all."""
    told = list({(one.code, one.message): one for one in reasons}.values())
    if all(one.code == Code.LOCAL_ONLY for one in told):
        return told[-1:]
    return [one for one in told if one.code not in NOT_SET_UP] or told


FREE_SPACE = "free some space, for example: ai-pal rm MODEL (ai-pal list shows what they take)"

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says of a disk that is full, or of all that this user may have of it."""


def fail_to_write(what: object, error: OSError, hint: str) -> NoReturn:
    """Raise `AiPalError` for what could not be written: `disk_full`, else `file_unreadable` with `hint`."""
    if error.errno in FULL:
        fail(Code.DISK_FULL, f"{what} cannot be written: the disk is full", FREE_SPACE)
    fail(Code.FILE_UNREADABLE, f"{what} cannot be written: {error.strerror}", hint)


def pip_install(what: str) -> str:
    """The command that installs `what` where this program sees it: plain `pip` is often another Python's."""
    return f"{shlex.quote(sys.executable)} -m pip install {shlex.quote(what)}"


EXTRAS = {
    "clouds": ("openai>=3,<4", "anthropic>=2,<3", "cohere>=7,<8", "keyring>=25"),
    "cluster": ("ray>=2.60,<3",),
    "transformers": (
        *("torch>=2.8", "transformers>=5", "accelerate>=1.10", "gguf>=0.17", "peft>=0.19", "pillow>=11"),
        *("protobuf>=5", "sentencepiece>=0.2"),
    ),
}
"""What extras of AI-PAL need, as pyproject.toml has it."""


def install_extra(extra: str) -> str:
    """The command that installs what an extra needs, by packages that an index knows: AI-PAL may be none."""
    first, *more = EXTRAS[extra]
    return " ".join([pip_install(first), *map(shlex.quote, more)])


class AiPalError(Exception):
    """The exception that carries a `Failure` inside one process."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure

    @property
    def code(self) -> str:
        return self.failure.code

    @property
    def retryable(self) -> bool:
        return self.failure.retryable


def fail(
    code: Code,
    message: str,
    hint: str = "",
    *,
    retryable: bool = False,
    retry_after: float | None = None,
    detail: str = "",
) -> NoReturn:
    """Raise `AiPalError` with a `Failure` of these parts."""
    raise AiPalError(Failure(code, message, hint, retryable, retry_after, detail))
