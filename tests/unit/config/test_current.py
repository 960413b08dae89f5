"""What a supervisor takes out of a changed config file while it runs."""

from pathlib import Path

from ai_pal.config.current import CurrentSettings
from ai_pal.config.fingerprint import FILE, HERE


def test_what_is_live_is_taken_and_the_rest_stays_as_it_began(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("queue_size = 5\n")
    environ = {"HOME": str(tmp_path), "AI_PAL_CONFIG": str(file), "AI_PAL_THREADS": "2"}
    current = CurrentSettings({"log_level": "debug"}, environ)
    began = current.fingerprint
    assert not current.renewed()
    file.write_text('queue_size = 7\nthreads = 4\nkeep_alive = "1h"\n[models.small]\nmodel = "smollm2"\n')
    assert current.renewed()
    now = current.settings
    assert (now.queue_size, now.threads, now.keep_alive) == (5, 2, 3600)
    assert (now.models["small"].model, now.log_level) == ("smollm2", "debug")
    assert current.fingerprint["queue_size"] == began["queue_size"]
    assert current.fingerprint["threads"].startswith(HERE)
    assert current.fingerprint["models.small.model"].startswith(FILE)
    file.write_text("queue_size = 5\n")
    assert current.renewed()
    assert current.fingerprint == began


def test_a_file_that_is_wrong_changes_nothing_and_one_that_is_mended_is_taken(tmp_path: Path) -> None:
    file = tmp_path / ".config/ai-pal/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("threads = 2\n")
    current = CurrentSettings({}, {"HOME": str(tmp_path)})
    file.write_text("threads = ")
    assert not current.renewed()
    assert current.settings.threads == 2
    file.unlink()
    assert current.renewed()
    assert current.settings.threads == 0
    file.write_text("queue_size = 9\n")
    assert not current.renewed()
