"""Which files of a load nodes need, by which hashes they are known, and how a node could pull them."""

import os
import re
from pathlib import Path

import msgspec

from ai_pal.catalog.caches.hub_cache import FileFacts, HubManifest
from ai_pal.catalog.caches.hub_cache import manifest_path as hub_manifest_path
from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.weights.files import Manifest, manifest_path
from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.protocol.cluster import ModelFile
from ai_pal.protocol.wanted import HubFiles
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.app.files_for_nodes import files_for_nodes

COMMIT = "a" * 40
SNAPSHOT = f"models--org--m/snapshots/{COMMIT}"
PULLS = ClusterSettings(pull=True)


def load(path: Path | str, **options: object) -> LoadModel:
    return LoadModel("m", "llamacpp", str(path), options=options)


def save(cache: Path, *places: str) -> None:
    for place in places:
        (cache / place).parent.mkdir(parents=True, exist_ok=True)
        (cache / place).write_bytes(b"1234567")


def test_a_repository_is_what_a_load_needs_of_it_with_the_hashes_that_were_noted(tmp_path: Path) -> None:
    names = ("config.json", "model.safetensors", "README.md", ".receiving/half")
    save(tmp_path, *(f"{SNAPSHOT}/{name}" for name in names))
    facts = {"model.safetensors": FileFacts(7, "f" * 64), "config.json": FileFacts(7)}
    note = hub_manifest_path(tmp_path / "models--org--m", COMMIT)
    note.parent.mkdir()
    note.write_bytes(msgspec.json.encode(HubManifest("org/m", COMMIT, "", facts, "")))
    found = files_for_nodes(tmp_path, PULLS, load(tmp_path / SNAPSHOT))
    assert found is not None
    assert found.places == {str(tmp_path / SNAPSHOT): SNAPSHOT}
    assert found.files == (
        ModelFile(f"{SNAPSHOT}/config.json", 7),
        ModelFile(f"{SNAPSHOT}/model.safetensors", 7, "f" * 64),
    )
    assert found.pulled == HubFiles("org/m", COMMIT)
    assert found.origin == str(tmp_path)


def test_a_gguf_goes_with_all_its_parts_and_what_it_sees_with(tmp_path: Path) -> None:
    parts = [f"m-0000{number}-of-00002.gguf" for number in (1, 2)]
    save(tmp_path, *(f"{SNAPSHOT}/{name}" for name in (*parts, "mmproj-F16.gguf", "other.gguf")))
    (tmp_path / SNAPSHOT / parts[0]).write_bytes(b"split.count")
    found = files_for_nodes(tmp_path, PULLS, load(tmp_path / SNAPSHOT / parts[0]))
    assert found is not None
    assert found.files[-1].name == "mmproj-F16.gguf"
    assert found.files[0].name == parts[0]
    assert found.pulled == HubFiles("org/m", COMMIT, parts[0])


def test_a_known_file_is_pulled_as_it_is_published_and_only_where_that_is_wanted(tmp_path: Path) -> None:
    artifact = next(one.artifact for one in CATALOG.values() if one.artifact is not None)
    save(tmp_path, artifact.file)
    path = tmp_path / artifact.file
    manifest_path(path).write_bytes(msgspec.json.encode(Manifest("it", "e" * 64, 7, "")))
    found = files_for_nodes(tmp_path, PULLS, load(path))
    assert found is not None
    assert found.files == (ModelFile(artifact.file, 7, "e" * 64),)
    assert found.pulled == artifact
    sent = files_for_nodes(tmp_path, ClusterSettings(shared="/mnt"), load(path))
    assert sent is not None
    assert (sent.pulled, sent.shared) == (None, "/mnt")


def test_a_file_outside_the_cache_is_known_by_path_and_size_and_when_it_was_changed(
    tmp_path: Path,
) -> None:
    save(tmp_path, "own/m.gguf", "cache/x")
    for path in (tmp_path / "own" / "m.gguf", f"{tmp_path}/cache/../own/m.gguf"):
        found = files_for_nodes(tmp_path / "cache", PULLS, load(path))
        assert found is not None
        (file,) = found.files
        assert re.fullmatch(r"outside/[0-9a-f]{16}/m.gguf", file.place)
        assert found.places == {str(path): file.place}
        assert (file.origin, file.size, file.changed) == (str(path), 7, Path(path).stat().st_mtime_ns)
        assert found.pulled is None
    assert files_for_nodes(tmp_path / "cache", PULLS, load("")) is None
    assert files_for_nodes(tmp_path, PULLS, load(tmp_path / "gone" / "m.gguf")) is None


def test_a_link_that_leads_out_of_a_model_takes_nothing_along(tmp_path: Path) -> None:
    save(tmp_path, "secret", "own/config.json", "own/real.safetensors", f"{SNAPSHOT}/config.json")
    save(tmp_path, "models--org--m/blobs/abc", "elsewhere/m.gguf")
    own, repository = tmp_path / "own", tmp_path / SNAPSHOT
    (own / "model.safetensors").symlink_to("real.safetensors")
    (repository / "model.safetensors").symlink_to("../../blobs/abc")
    for folder in (own, repository):
        found = files_for_nodes(tmp_path, PULLS, load(folder))
        assert found is not None
        assert {"config.json", "model.safetensors"} <= {one.name for one in found.files}
        (folder / "tokenizer.json").symlink_to(tmp_path / "secret")
        assert files_for_nodes(tmp_path, PULLS, load(folder)) is None
    named = tmp_path / "named.gguf"
    named.symlink_to("elsewhere/m.gguf")
    assert files_for_nodes(tmp_path, PULLS, load(named)) is not None, "it was named itself"


def test_what_options_name_goes_along_and_anew_when_it_was_changed(tmp_path: Path) -> None:
    adapter, folder = tmp_path / "own" / "a.gguf", tmp_path / "own" / "peft"
    draft, loose = tmp_path / SNAPSHOT / "draft.gguf", tmp_path / "loose.jinja"
    save(tmp_path, f"{SNAPSHOT}/m.gguf", f"{SNAPSHOT}/draft.gguf", "own/a.gguf", "loose.jinja")
    names = ("adapter_config.json", "adapter_model.safetensors", "x")
    save(tmp_path, *(f"own/peft/{name}" for name in names))
    asked = load(
        tmp_path / SNAPSHOT / "m.gguf",
        lora=[f"{adapter}=0.5", str(folder)], speculate=str(draft), chat_template=str(loose), mmproj="off",
    )  # fmt: skip
    found = files_for_nodes(tmp_path, PULLS, asked)
    assert found is not None
    assert found.places[str(draft)] == f"{SNAPSHOT}/draft.gguf"
    assert {one.name for one in found.files if one.origin} == {
        "a.gguf", "adapter_config.json", "adapter_model.safetensors", "loose.jinja",
    }  # fmt: skip
    peft = [one.place for one in found.files if "peft" in one.origin]
    assert all(place.startswith(f"{found.places[str(folder)]}/") for place in peft)
    os.utime(adapter, ns=(0, adapter.stat().st_mtime_ns + 1))
    again = files_for_nodes(tmp_path, PULLS, asked)
    assert again is not None
    changed = {path for path in found.places if found.places[path] != again.places[path]}
    assert changed == {str(adapter)}
    adapter.unlink()
    assert files_for_nodes(tmp_path, PULLS, asked) is None, "its load says it best"
