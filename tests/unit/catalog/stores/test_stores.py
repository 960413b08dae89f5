"""Models that other programs keep: found under the names that people know, and left as they are."""

import hashlib
import json
from pathlib import Path

import pytest
from msgspec import structs

from ai_pal.catalog import Capacity, Found, find
from ai_pal.catalog.inventory.listed import inventory
from ai_pal.catalog.inventory.removing import remove
from ai_pal.catalog.stores import PROGRAMS, named, stored
from ai_pal.catalog.stores.places import places
from ai_pal.config import Settings
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.options import GenerationOptions
from tests.gguf_files import gguf

GGUF = b"GGUF\x03\0\0\0"
MANIFEST = b'{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "%s"}]}'
CAPACITY = Capacity(8_000_000_000, frozenset({"llamacpp", "transformers"}))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without any program's models."""
    for name in ("OLLAMA_MODELS", "LLAMA_CACHE", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    return tmp_path


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(model_cache_dir=str(home / "models"))


def lay(path: Path, content: bytes = GGUF) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def ollama(home: Path, name: str, **layers: bytes) -> Path:
    """A model in Ollama's store; gives the blob with its weights."""
    root, blobs = home / ".ollama/models", {}
    listed = []
    for kind, content in ({"model": GGUF} | layers).items():
        digest = hashlib.sha256(content + name.encode()).hexdigest()
        blobs[kind] = lay(root / "blobs" / f"sha256-{digest}", content)
        media = f"application/vnd.ollama.image.{kind}"
        listed.append({"mediaType": media, "digest": f"sha256:{digest}", "size": len(content)})
    manifest = json.dumps({"schemaVersion": 2, "config": {}, "layers": listed}).encode()
    lay(root / "manifests" / name.replace(":", "/"), manifest)
    return blobs["model"]


def found(name: str, settings: Settings) -> Found:
    return find(name, settings, CAPACITY)


@pytest.mark.parametrize("name", ["mine", "mine:latest", "MINE"])
def test_a_model_of_ollamas_is_found_as_it_calls_it(name: str, home: Path, settings: Settings) -> None:
    blob = ollama(home, "registry.ollama.ai/library/mine:latest")
    there = found(name, settings)
    assert (there.path, there.store, there.engine) == (str(blob), "Ollama", "llamacpp")


def test_what_another_program_calls_so_is_meant_before_what_we_call_nearly_so(
    home: Path, settings: Settings
) -> None:
    blob = ollama(home, "registry.ollama.ai/library/smollm2:latest")
    assert found("smollm2:latest", settings).path == found("SMOLLM2:latest", settings).path == str(blob)
    assert found("smollm2", settings).store == ""
    assert found("tinyllama:latest", settings).name == "tinyllama"


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("registry.ollama.ai/somebody/mine:7b", "somebody/mine:7b"),
        ("hf.co/org/name:Q8_0", "hf.co/org/name:Q8_0"),
        ("hf.co/org/name:Q8_0", "org/name:Q8_0"),
    ],
)
def test_a_model_of_somebodys_at_ollama(place: str, name: str, home: Path, settings: Settings) -> None:
    blob = ollama(home, place)
    assert found(name, settings).path == str(blob)


def test_a_known_model_that_ollama_has_is_not_fetched_again(home: Path, settings: Settings) -> None:
    blob = ollama(home, "registry.ollama.ai/library/qwen3.5:2b")
    assert found("qwen3.5:2b", settings).path == str(blob)
    assert found("qwen3.5", settings).path == str(blob)
    assert not found("qwen3.5:4b", settings).is_here
    assert not found("qwen3.5:2b:q8_0", settings).is_here  # a quantization that nobody knows it has


def test_another_size_than_ours_is_told_apart(home: Path, settings: Settings) -> None:
    blob = ollama(home, "registry.ollama.ai/library/smollm2:1.7b")
    assert found("smollm2:1.7b", settings).path == str(blob)
    assert found("smollm2", settings).path != str(blob)


def test_its_projector_and_its_sampling_come_along(home: Path, settings: Settings) -> None:
    parameters = {"temperature": 0.3, "stop": ["<end>"], "num_predict": 99, "num_ctx": 4096, "mirostat": 1}
    ollama(
        home,
        "registry.ollama.ai/library/sees:latest",
        projector=GGUF + b"projector",
        params=json.dumps(parameters).encode(),
    )
    there = found("sees", settings)
    assert Path(there.options["mmproj"]).read_bytes() == GGUF + b"projector"
    assert there.sampling == GenerationOptions(temperature=0.3, stop=["<end>"], max_tokens=99)


@pytest.mark.parametrize(
    "manifest",
    [
        b"{",
        b"[]",
        b'{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../x"}]}',
        b'{"layers": []}',
    ],
)
def test_a_broken_manifest_hides_no_other_model(manifest: bytes, home: Path, settings: Settings) -> None:
    lay(home / ".ollama/models/manifests/registry.ollama.ai/library/broken/latest", manifest)
    ollama(home, "registry.ollama.ai/library/mine:latest")
    assert [one.name for one in stored(settings)] == ["mine:latest"]


def test_every_program_is_named() -> None:
    assert {"Ollama", *(place.store for place in places({"HOME": "/home/me"}))} == PROGRAMS


def test_a_model_that_has_lost_its_file_is_listed_as_damaged_with_what_to_do(
    home: Path, settings: Settings
) -> None:
    blob = ollama(home, "registry.ollama.ai/library/lost:latest")
    ollama(home, "registry.ollama.ai/library/tinyllama:latest").write_bytes(b"GG")
    blob.unlink()
    assert {one.name: one.state for one in inventory(settings) if one.source == "Ollama"} == {
        "lost:latest": "damaged",
        "tinyllama:latest": "damaged",
    }
    with pytest.raises(AiPalError) as caught:
        found("lost", settings)
    assert (caught.value.code, caught.value.failure.hint) == (
        Code.MODEL_INVALID,
        "fetch it again: ollama pull lost:latest",
    )
    assert found("tinyllama", settings).store == ""


@pytest.mark.parametrize(
    ("file", "name", "store"),
    [
        (".lmstudio/models/org/name-GGUF/name-Q4_K_M.gguf", "org/name-GGUF:Q4_K_M", "LM Studio"),
        (".local/share/Jan/data/llamacpp/models/Qwen3-4B-Q4_K_M/model.gguf", "Qwen3-4B-Q4_K_M", "Jan"),
        (
            ".local/share/nomic.ai/GPT4All/Llama-3.2-1B-Instruct-Q4_0.gguf",
            "Llama-3.2-1B-Instruct-Q4_0",
            "GPT4All",
        ),
        (".cache/llama.cpp/tiny-q8_0.gguf", "tiny-q8_0", "llama.cpp"),
    ],
)
def test_a_folder_of_another_program(
    file: str, name: str, store: str, home: Path, settings: Settings
) -> None:
    path = lay(home / file)
    there = found(name, settings)
    assert (there.path, there.store) == (str(path), store)
    row = next(model for model in inventory(settings) if model.path == str(path))
    assert (row.name, row.state, row.source) == (name, "here", store)


def test_a_known_model_that_lm_studio_has_is_not_fetched_again(home: Path, settings: Settings) -> None:
    path = lay(home / ".lmstudio/models/unsloth/Qwen3.5-4B-GGUF/Qwen3.5-4B-Q6_K.gguf")
    assert found("qwen3.5:4b", settings).path == str(path)
    assert not found("qwen3.5:4b:q8_0", settings).is_here


def test_llama_cpps_manifests_tell_the_repository(home: Path, settings: Settings) -> None:
    cache = home / ".cache/llama.cpp"
    path = lay(cache / "ggml-org_Sees-GGUF_Sees-Q8_0.gguf")
    sees = lay(cache / "ggml-org_Sees-GGUF_mmproj-Sees-Q8_0.gguf")
    lay(cache / "other_Thing-GGUF_mmproj-Thing.gguf")
    lay(cache / "manifest=ggml-org=Sees-GGUF=latest.json", b"{}")
    there = found("ggml-org/Sees-GGUF:Q8_0", settings)
    assert (there.path, there.options["mmproj"]) == (str(path), str(sees))


def test_parts_are_one_model_and_only_when_all_are_there(home: Path, settings: Settings) -> None:
    folder = home / ".lmstudio/models/org/big"
    part = gguf({"general.architecture": "llama", "split.count": 2}, [], data=1024)
    lay(folder / "big-Q8_0-00001-of-00002.gguf", part)
    assert list(stored(settings)) == []
    lay(folder / "big-Q8_0-00002-of-00002.gguf", part)
    [one] = stored(settings)
    assert (one.name, one.size) == ("org/big:Q8_0", 2 * len(part))


def test_they_are_not_ours_to_remove(home: Path, settings: Settings) -> None:
    blob = ollama(home, "registry.ollama.ai/library/qwen3.5:2b")
    with pytest.raises(AiPalError) as caught:
        remove(found("qwen3.5:2b", settings), settings)
    assert caught.value.code == Code.MODEL_INVALID
    assert caught.value.failure.hint == "remove it there: ollama rm qwen3.5:2b"
    assert blob.read_bytes() == GGUF


def test_a_setting_leaves_them_alone(home: Path, settings: Settings) -> None:
    ollama(home, "registry.ollama.ai/library/mine:latest")
    assert named("mine", settings) is not None
    assert named("mine", structs.replace(settings, other_stores=False)) is None


@pytest.mark.parametrize(
    ("file", "listed", "asked"),
    [
        ("org/two/plain.gguf", "org/two", "org/two"),
        ("org/name-Q4_K_M/name-Q4_K_M.gguf", "org/name-Q4_K_M", "org/name-Q4_K_M"),
        ("org/one/one-Q4_1.gguf", "org/one:Q4_1", "org/one"),
        ("pub lisher/My  Model/m-Q8_0.gguf", "pub-lisher/My-Model:Q8_0", "pub-lisher/My-Model:Q8_0"),
        ("org/ud/m-UD-Q4_K_XL.gguf", "org/ud:Q4_K_XL", "org/ud:UD-Q4_K_XL"),
    ],
)
def test_what_is_listed_is_found_by_that_name(
    file: str, listed: str, asked: str, home: Path, settings: Settings
) -> None:
    path = lay(home / ".lmstudio/models" / file)
    assert [one.name for one in stored(settings)] == [listed]
    there = found(asked, settings)
    assert (there.path, there.engine, there.store) == (str(path), "llamacpp", "LM Studio")


def test_two_files_of_one_quantization_have_names_of_their_own(home: Path, settings: Settings) -> None:
    folder = home / ".lmstudio/models/org/name"
    both = {str(lay(folder / name)) for name in ("a-Q8_0.gguf", "b-Q8_0.gguf")}
    names = [one.name for one in stored(settings)]
    assert names == ["org/name:Q8_0", "org/name:b-Q8_0.gguf"]
    assert {found(name, settings).path for name in names} == both
