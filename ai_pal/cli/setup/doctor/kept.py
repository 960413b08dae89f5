"""What is kept: the database of history and usage, and keys in the config file."""

import stat
from collections.abc import Iterator
from pathlib import Path

from ai_pal.cli.setup.doctor.finding import Finding, of_failure, ok, warn
from ai_pal.config import Settings, paths
from ai_pal.errors import AiPalError


def check_kept(settings: Settings) -> Iterator[Finding]:
    """All checks of this file."""
    yield _database(paths.store_file())
    if any(provider.api_key for provider in settings.providers.values()):
        yield _config_with_keys(paths.config_file())


def _database(file: Path) -> Finding:
    from ai_pal.store.database import look_at

    if not file.exists():
        return ok("history", f"{file} will be created")
    try:
        look_at(file)
    except AiPalError as error:
        return of_failure("history", error.failure)
    return ok("history", f"{file}, {file.stat().st_size / 1e6:.1f} MB")


def _config_with_keys(file: Path) -> Finding:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        return warn("keys", f"{file} holds a key and can be read by others", f"chmod 600 {file}")
    return ok("keys", f"{file} holds a key, readable by you only")
