"""Where a supervisor in the foreground logs."""

from pathlib import Path

import pytest

from ai_pal.cli.service.log_places import placed

SUPERVISORD = {"SUPERVISOR_ENABLED": "1", "SUPERVISOR_PROCESS_NAME": "pal"}


@pytest.mark.parametrize(
    ("target", "environ", "of_parent", "file", "about"),
    [
        ("/var/log/pal.log", {}, [], "/var/log/pal.log", "to /var/log/pal.log"),
        (
            "pipe:[1]",
            SUPERVISORD,
            ["/l/supervisord.log", "/l/pal.log"],
            "/l/pal.log",
            "supervisord to /l/pal.log",
        ),
        ("pipe:[1]", SUPERVISORD, ["/l/a.log", "/l/b.log"], None, "supervisorctl tail -f pal"),
        ("pipe:[1]", SUPERVISORD, [], None, "supervisorctl tail -f pal"),
        ("socket:[1]", {"JOURNAL_STREAM": "8:1"}, [], None, "journalctl"),
        ("/dev/shm/pal.log", {}, [], "/dev/shm/pal.log", "to /dev/shm/pal.log"),
        ("/dev/pts/3", {}, [], None, "terminal, /dev/pts/3"),
        ("/dev/null", {}, [], None, "nowhere"),
        ("pipe:[1]", {}, ["/l/x.log"], None, "a pipe"),
    ],
)
def test_it_is_told_by_what_can_be_seen_of_the_process(
    target: str, environ: dict[str, str], of_parent: list[str], file: str | None, about: str
) -> None:
    place = placed(target, environ, of_parent)
    assert place.file == (Path(file) if file else None)
    assert about in place.about
