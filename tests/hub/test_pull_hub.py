"""Pulling from the loopback hub with the real client: what is fetched, kept, resumed and refused."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ai_pal import catalog
from ai_pal.catalog import resolve
from ai_pal.catalog.caches.hub_cache import find
from ai_pal.catalog.inventory.removing import remove
from ai_pal.config import Settings
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.wanted import HubFiles
from ai_pal.sources.hub import Pulled, pull_hub
from tests.hub import repositories as repos
from tests.hub.loopback import STRANGER, TOKEN, Hub, Repo, loopback_hub
from tests.process.eventually import files_below


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    from huggingface_hub import close_session, constants

    with loopback_hub() as found:
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
        # The library reads its environment once, when it is imported.
        monkeypatch.setattr(constants, "ENDPOINT", found.endpoint)
        template = found.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        monkeypatch.setattr("ai_pal.sources.hub_info._RETRY_SECONDS", 0.05)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield found
        close_session()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def pull(cache: Path, wanted: HubFiles) -> Pulled:
    return pull_hub(wanted, cache, lambda done, total: None)


def refusal(cache: Path, wanted: HubFiles) -> AiPalError:
    with pytest.raises(AiPalError) as caught:
        pull(cache, wanted)
    return caught.value


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in files_below(folder)}


def test_a_model_comes_with_its_texts_and_without_pickles_or_code(hub: Hub, cache: Path) -> None:
    hub.repos["org/tiny"] = repo = repos.llama()
    pulled = pull(cache, HubFiles("org/tiny"))
    assert pulled.commit == repo.commit
    assert names(pulled.path) == {
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors",
    }
    assert (pulled.path / "model.safetensors").read_bytes() == repo.files["model.safetensors"]
    assert not [seen for seen in hub.requests if seen.path.endswith((".py", ".bin"))]


def test_it_is_found_again_without_a_request_and_its_commit_is_recorded(hub: Hub, cache: Path) -> None:
    hub.repos["org/tiny"] = repo = repos.llama()
    pull(cache, HubFiles("org/tiny"))
    asked = len(hub.requests)
    settings = Settings(model_cache_dir=str(cache))
    load = resolve("org/tiny", settings)
    assert (load.engine, load.model) == ("transformers", "org/tiny")
    snapshot = find(HubFiles("org/tiny", repo.commit), settings)
    assert snapshot is not None
    assert snapshot.manifest is not None
    assert snapshot.manifest.files["model.safetensors"].size == len(repo.files["model.safetensors"])
    assert len(hub.requests) == asked


def test_shards_come_as_the_index_names_them(hub: Hub, cache: Path) -> None:
    hub.repos["org/two"] = repos.sharded()
    pulled = pull(cache, HubFiles("org/two"))
    assert len(list(pulled.path.glob("*.safetensors"))) == 2
    assert resolve("org/two", Settings(model_cache_dir=str(cache))).path == str(pulled.path)


def test_a_gguf_is_chosen_by_its_quantization(hub: Hub, cache: Path) -> None:
    hub.repos["org/quants"] = repos.ggufs()
    pulled = pull(cache, HubFiles("org/quants", gguf="q4_k_m"))
    assert pulled.path.name == "tiny.Q4_K_M.gguf"
    assert pulled.path.read_bytes() == repos.GGUF
    load = resolve("org/quants:Q4_K_M", Settings(model_cache_dir=str(cache)))
    assert (load.engine, load.path) == ("llamacpp", str(pulled.path))


def test_a_gguf_that_was_cut_off_later_is_not_here_and_comes_again(hub: Hub, cache: Path) -> None:
    hub.repos["org/quants"] = repos.ggufs()
    wanted, settings = HubFiles("org/quants", gguf="q4_k_m"), Settings(model_cache_dir=str(cache))
    path = pull(cache, wanted).path
    path.write_bytes(repos.GGUF[:-1])
    assert find(wanted, settings) is None
    assert pull(cache, wanted).path.read_bytes() == repos.GGUF
    assert find(wanted, settings) is not None


def test_all_parts_of_a_gguf_come_and_go_together(hub: Hub, cache: Path) -> None:
    hub.repos["org/parts"] = repos.in_parts()
    pulled = pull(cache, HubFiles("org/parts", gguf="Q8_0"))
    assert pulled.path.name == "big.Q8_0-00001-of-00002.gguf"
    assert pulled.size == 3_000_000
    settings = Settings(model_cache_dir=str(cache))
    found = catalog.find("org/parts:q8_0", settings)
    assert (found.path, found.size, found.verified) == (str(pulled.path), 3_000_000, True)
    assert remove(found, settings) == 3_000_000
    assert not list(cache.rglob("*.gguf"))


def test_a_second_quantization_of_the_same_commit_joins_the_first(hub: Hub, cache: Path) -> None:
    hub.repos["org/quants"] = repos.ggufs()
    first, second = (pull(cache, HubFiles("org/quants", gguf=quant)) for quant in ("Q4_K_M", "Q8_0"))
    assert first.path.parent == second.path.parent
    snapshot = find(HubFiles("org/quants", gguf="Q8_0"), Settings(model_cache_dir=str(cache)))
    assert snapshot is not None
    assert snapshot.manifest is not None
    assert len(snapshot.manifest.files) == 2


def test_a_cut_connection_is_taken_up_where_it_broke(hub: Hub, cache: Path) -> None:
    hub.repos["org/tiny"] = repos.llama()
    hub.cut_after, hub.cuts = 1_000_000, 2
    pull(cache, HubFiles("org/tiny"))
    ranges = [seen.range for seen in hub.downloads("model.safetensors") if seen.server == "storage"]
    assert len(ranges) == 3
    assert ranges[0] == ""
    assert all(text.startswith("bytes=") for text in ranges[1:])


def test_a_pull_that_was_stopped_goes_on_where_it_stopped(hub: Hub, cache: Path) -> None:
    hub.repos["org/tiny"] = repo = repos.llama()

    def stop(done: int, total: int) -> None:
        if done > 1_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_hub(HubFiles("org/tiny"), cache, stop)
    partial = max(path.stat().st_size for path in files_below(cache / ".pulls"))
    assert 0 < partial < len(repo.files["model.safetensors"])
    assert find(HubFiles("org/tiny"), Settings(model_cache_dir=str(cache))) is None
    pull(cache, HubFiles("org/tiny"))
    ranges = [seen.range for seen in hub.downloads("model.safetensors") if seen.server == "storage"]
    assert ranges == ["", f"bytes={partial}-"]


def test_a_file_with_another_content_than_announced_is_thrown_away(hub: Hub, cache: Path) -> None:
    hub.repos["org/tiny"] = repo = repos.llama()
    honest = repo.files["model.safetensors"]
    repo.lies = {"model.safetensors": honest[:-1] + bytes([honest[-1] ^ 1])}
    error = refusal(cache, HubFiles("org/tiny"))
    assert error.code == Code.HASH_MISMATCH
    assert "model.safetensors" not in {Path(name).name for name in names(cache)}


def test_the_token_goes_to_the_hub_and_not_to_its_storage(
    hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["org/gated"] = gated(repos.llama())
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    pull(cache, HubFiles("org/gated"))
    assert {seen.token for seen in hub.requests if seen.server == "hub"} == {TOKEN}
    assert {seen.token for seen in hub.requests if seen.server == "storage"} == {""}


def gated(repo: Repo) -> Repo:
    repo.gated = True
    return repo


def test_a_gated_repository_tells_where_to_accept_its_terms(hub: Hub, cache: Path) -> None:
    hub.repos["org/gated"] = gated(repos.llama())
    error = refusal(cache, HubFiles("org/gated"))
    assert error.code == Code.MODEL_GATED
    assert f"{hub.endpoint}/org/gated" in error.failure.hint
    assert "HF_TOKEN" in error.failure.hint


def test_a_token_without_consent_is_told_of_the_terms_and_not_that_the_repository_is_missing(
    hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["org/gated"] = gated(repos.llama())
    monkeypatch.setenv("HF_TOKEN", STRANGER)
    error = refusal(cache, HubFiles("org/gated"))
    assert error.code == Code.MODEL_GATED
    assert f"accept its terms on {hub.endpoint}/org/gated" in error.failure.hint
    assert STRANGER not in str(error.failure)


def test_a_wrong_token_is_named(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos["org/tiny"] = repos.llama()
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    error = refusal(cache, HubFiles("org/tiny"))
    assert error.code == Code.MODEL_GATED
    assert "HF_TOKEN" in error.failure.message
    assert "hf_wrong" not in str(error.failure)


def test_a_missing_repository_is_not_found(hub: Hub, cache: Path) -> None:
    error = refusal(cache, HubFiles("org/nothing"))
    assert error.code == Code.MODEL_NOT_FOUND
    assert "org/nothing" in error.failure.message


def test_a_missing_revision_is_not_found(hub: Hub, cache: Path) -> None:
    hub.repos["org/tiny"] = repos.llama()
    error = refusal(cache, HubFiles("org/tiny", "v9"))
    assert error.code == Code.MODEL_NOT_FOUND
    assert "v9" in error.failure.message


def test_a_renamed_repository_names_the_command_with_its_new_name(hub: Hub, cache: Path) -> None:
    hub.repos["org/old"] = Repo({}, moved_to="org/new")
    hub.repos["org/new"] = repos.llama()
    error = refusal(cache, HubFiles("org/old"))
    assert error.failure.hint == "run: ai-pal pull org/new"


def test_without_a_hub_the_next_step_is_named(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    error = refusal(cache, HubFiles("org/tiny"))
    assert error.code == Code.OFFLINE
    assert error.retryable


def test_offline_mode_makes_no_request(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    error = refusal(cache, HubFiles("org/tiny"))
    assert error.code == Code.OFFLINE
    assert "HF_HUB_OFFLINE" in error.failure.message
    assert hub.requests == []


@pytest.mark.parametrize("answer", [b"<html>a login page</html>", b"[]", b"{}", b'{"id": 1, "siblings": 2}'])
def test_something_that_is_no_hub_is_refused(hub: Hub, cache: Path, answer: bytes) -> None:
    hub.answer = answer
    assert refusal(cache, HubFiles("org/tiny")).code == Code.DOWNLOAD_FAILED


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_hub_in_trouble_can_be_asked_again(hub: Hub, cache: Path, status: int) -> None:
    hub.status = status
    error = refusal(cache, HubFiles("org/tiny"))
    assert error.code == Code.DOWNLOAD_FAILED
    assert error.retryable


@pytest.mark.parametrize(
    ("repo", "words"),
    [
        (repos.with_code("never-heard-of"), "code"),
        (repos.pickle_only(), "pickle"),
        (repos.adapter(), "adapter"),
        (repos.no_model(), "config.json"),
        (repos.ggufs(), "GGUF"),
        (repos.missing_shard(), "lacks"),
        (Repo(repos.texts() | {"config.json": b"{", "model.safetensors": b"x"}), "config.json"),
        (Repo(repos.llama().files | {"../../evil.json": b"{}"}), "evil"),
    ],
    ids=["code", "pickle", "adapter", "no model", "gguf", "shard", "config", "path"],
)
def test_a_repository_that_is_no_safe_model_is_refused(hub: Hub, cache: Path, repo: Repo, words: str) -> None:
    hub.repos["org/bad"] = repo
    error = refusal(cache, HubFiles("org/bad"))
    assert error.code == Code.MODEL_INVALID
    assert words in f"{error.failure.message} {error.failure.hint}"
    assert find(HubFiles("org/bad"), Settings(model_cache_dir=str(cache))) is None
    assert not [seen for seen in hub.requests if seen.path.endswith((".py", ".bin"))]


def test_code_beside_a_class_that_transformers_has_itself_is_left_there(hub: Hub, cache: Path) -> None:
    hub.repos["org/phi"] = repos.with_code("phi3")
    assert "modeling_x.py" not in names(pull(cache, HubFiles("org/phi")).path)


def test_a_full_disk_is_noticed_before_the_download(
    hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["org/tiny"] = repos.llama()
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    error = refusal(cache, HubFiles("org/tiny"))
    assert error.code == Code.DISK_FULL
    assert hub.downloads("model.safetensors") == []


def test_an_unknown_quantization_lists_what_there_is(hub: Hub, cache: Path) -> None:
    hub.repos["org/quants"] = repos.ggufs()
    error = refusal(cache, HubFiles("org/quants", gguf="Q2_K"))
    assert error.code == Code.MODEL_INVALID
    assert "Q4_K_M, Q8_0" in error.failure.hint


def test_a_hub_that_falls_silent_is_given_up_and_no_half_file_lies_where_models_are(
    hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.5)
    hub.repos["org/tiny"] = repos.llama()
    hub.hold_after = 500_000
    hub.gate.clear()
    error = refusal(cache, HubFiles("org/tiny"))
    assert error.code == Code.DOWNLOAD_FAILED
    assert error.retryable
    assert max(path.stat().st_size for path in files_below(cache / ".pulls")) >= 250_000
    assert "model.safetensors" not in {Path(name).name for name in names(cache)}


def test_what_a_model_sees_with_comes_along(hub: Hub, cache: Path) -> None:
    seeing = {"mmproj-F32.gguf": repos.GGUF + b"32", "mmproj-F16.gguf": repos.GGUF + b"16"}
    hub.repos["org/sees"] = Repo(repos.ggufs().files | seeing)
    pulled = pull(cache, HubFiles("org/sees", gguf="Q4_K_M"))
    assert pulled.path.name == "tiny.Q4_K_M.gguf"
    assert names(pulled.path.parent) == {"tiny.Q4_K_M.gguf", "mmproj-F16.gguf"}


def test_a_known_model_comes_in_the_nearest_quantization_and_is_found_again(hub: Hub, cache: Path) -> None:
    hub.repos["org/tiny"] = repos.ggufs()
    wanted = HubFiles("org/tiny", gguf="Q5_K_M", nearest=True)
    pulled = pull(cache, wanted)
    assert pulled.path.name == "tiny.Q8_0.gguf"
    here = find(wanted, Settings(model_cache_dir=str(cache)))
    assert here is not None
    assert here.path == pulled.path


@pytest.mark.parametrize(
    ("status", "answer", "token", "words", "hint"),
    [
        (401, b"", "", "answers nobody without a token", "set HF_TOKEN"),
        (401, b"", STRANGER, "does not know the token in HF_TOKEN", "correct or unset HF_TOKEN"),
        (500, b"oops", "", "an error (500)", "try again"),
        (418, b"", "", "an error (418)", "check HF_ENDPOINT"),
        (0, b"<html>Welcome</html>", "", "it is no JSON", "check HF_ENDPOINT"),
        (0, b'{"id": 5, "siblings": "x"}', "", "it lacks what a hub tells", "check HF_ENDPOINT"),
    ],
)
def test_a_hub_that_is_broken_or_closed_is_told_in_our_words(
    status: int,
    answer: bytes,
    token: str,
    words: str,
    hint: str,
    hub: Hub,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.status, hub.answer = status, answer
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    failure = refusal(cache, HubFiles("org/name", gguf="Q4_K_M")).failure
    assert words in failure.message
    assert failure.hint.startswith(hint)
