"""What tells this AI-PAL from others: a random number, kept once another machine has asked for it."""

import os
import secrets
from pathlib import Path

from ai_pal.errors import fail_to_write


def own_identity(file: Path) -> str:
    """The identity kept in `file`, made if there is none. Raises `AiPalError` where it cannot be kept."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{os.getpid()}")
        new.write_text(f"{secrets.token_hex(16)}\n", encoding="ascii")
        new.chmod(0o600)
        try:
            os.link(new, file)  # of two that do this at once one wins, and both read it
        except FileExistsError:
            pass
        finally:
            new.unlink()
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error if isinstance(error, OSError) else OSError(0, "it is no text")
        fail_to_write(file, reason, "check its folder, or remove it")
