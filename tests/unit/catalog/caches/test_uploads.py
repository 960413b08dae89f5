"""Files that programs have sent: whole or not at all, for their owner only, while something names them."""

import hashlib
import os
import stat
from pathlib import Path

import pytest

from ai_pal.catalog.caches import uploads
from ai_pal.config import ModelSettings, Settings
from ai_pal.config.presets import Preset, save_fields
from ai_pal.errors import AiPalError, Code

DATA = b"GGUF and so on"
SHA256 = hashlib.sha256(DATA).hexdigest()
DAY = uploads.UNUSED_SECONDS


@pytest.fixture
def settings(ai_pal_home: Path) -> Settings:
    return Settings(model_cache_dir=str(ai_pal_home / "models"))


def sent(settings: Settings, data: bytes = DATA) -> Path:
    sha256 = hashlib.sha256(data).hexdigest()
    place = uploads.place(sha256, settings)
    with uploads.upload(settings) as coming:
        coming.write(data[:3])
        coming.write(data[3:])
        coming.install(sha256, place)
    return place


def test_what_came_whole_is_its_owners(settings: Settings) -> None:
    place = sent(settings)
    assert place.read_bytes() == DATA
    assert [stat.S_IMODE(one.stat().st_mode) for one in (place.parent, place)] == [0o700, 0o600]
    assert uploads.is_upload(str(place), settings)
    assert uploads.is_upload(f"{place}?chat_template={place.parent}/x.jinja", settings)
    assert not uploads.is_upload(str(place.parent.parent / "x.gguf"), settings)
    assert not uploads.is_upload(f"{place.parent}/../x.gguf", settings)
    assert not uploads.is_upload(f"/x.gguf?lora={place}", settings)


def test_what_is_another_file_or_breaks_off_leaves_nothing(settings: Settings) -> None:
    with uploads.upload(settings) as coming:
        coming.write(DATA + b"!")
        with pytest.raises(AiPalError, match="digest mismatch") as refused:
            coming.install(SHA256, uploads.place(SHA256, settings))
    assert refused.value.code == Code.BAD_REQUEST
    with uploads.upload(settings) as coming:
        coming.write(DATA)  # and its client leaves
    assert list(uploads.folder(settings).iterdir()) == []


def test_more_than_the_disk_holds_is_refused_before_it_comes(settings: Settings) -> None:
    with uploads.upload(settings) as coming, pytest.raises(AiPalError) as refused:
        coming.check_space(1 << 62)
    assert refused.value.code == Code.DISK_FULL


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "sha256:" + "0" * 63, "md5:" + "0" * 64, "sha256:" + "g" * 64]
)
def test_a_digest_that_is_none_is_refused(digest: str) -> None:
    with pytest.raises(AiPalError, match="invalid digest"):
        uploads.sha256_in(digest)
    assert uploads.sha256_in(f"sha256-{SHA256}") == uploads.sha256_in(f"sha256:{SHA256}") == SHA256


def test_what_nothing_names_goes_after_a_day_or_with_its_name(settings: Settings) -> None:
    one, other, third = sent(settings), sent(settings, b"GGUF2"), uploads.keep_text("{{ x }}", settings)
    now = one.stat().st_mtime
    named = Settings(
        model_cache_dir=settings.model_cache_dir, models={"mine": ModelSettings(model=f"{one}?context=9")}
    )
    save_fields("theirs", Preset(model=f"echo?chat_template={third}"), ())
    uploads.sweep(named, now + 2)
    assert other.exists(), "it may still be named"
    os.utime(other, (now, now))
    uploads.sweep(named, now + 2 * DAY)
    assert not other.exists()
    assert one.exists()
    assert third.exists()
    uploads.sweep(named, now, gone=str(one))
    assert one.exists(), "another name stands for it"
    uploads.sweep(settings, now, gone=f"{one}?context=9")
    assert not one.exists()
