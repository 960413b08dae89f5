"""What one check found."""

from typing import Literal

import msgspec

from ai_pal.errors import Failure

State = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True):
    """`text` says what is, `mend` what to do about it."""

    check: str
    state: State
    text: str
    mend: str = ""


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", text)


def warn(check: str, text: str, mend: str = "") -> Finding:
    """It works, but worse than it could."""
    return Finding(check, "warn", text, mend)


def failed(check: str, text: str, mend: str) -> Finding:
    """Something will not work."""
    return Finding(check, "fail", text, mend)


def of_failure(check: str, failure: Failure) -> Finding:
    """An error of ours as a finding."""
    return failed(check, failure.message, failure.hint)
