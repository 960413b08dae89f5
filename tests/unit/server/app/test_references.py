"""Which model a job means that names none, and what a model over several nodes is not told."""

from pathlib import Path

import msgspec
import pytest

from ai_pal.config import ModelSettings, Settings
from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.server.app.references import load_of, model_of
from tests.gguf_files import gguf

EMBED, RERANK = wire.Embed(1, ["a"]), wire.Rerank(1, "q", ["a"])
MADE_FOR: dict[str, dict[str, object]] = {
    "embed": {"general.architecture": "bert"},
    "rerank": {"general.architecture": "bert", "bert.pooling_type": 4},
    "chat": {"general.architecture": "llama"},
}


class Kept:
    """Models of the user's own, each made for something."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._models: dict[str, ModelSettings] = {}

    def add(self, name: str, purpose: str) -> None:
        file = self._folder / f"{name}.gguf"
        file.write_bytes(gguf(MADE_FOR[purpose], []))
        self._models[name] = ModelSettings(path=str(file))

    def settings(self, model: str = "") -> Settings:
        cache = str(self._folder / "cache")
        return Settings(model=model, models=self._models, model_cache_dir=cache, other_stores=False)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    found = Kept(tmp_path)
    found.add("talks", "chat")
    return found


def test_the_only_one_of_its_kind_is_meant(kept: Kept) -> None:
    kept.add("vectors", "embed")
    kept.add("ranks", "rerank")
    assert model_of(EMBED, kept.settings()) == "vectors"
    assert model_of(RERANK, kept.settings()) == "ranks"
    assert model_of(EMBED, kept.settings("talks")) == "vectors"


@pytest.mark.parametrize("request_", [EMBED, RERANK])
def test_none_of_its_kind_is_said(kept: Kept, request_: wire.Embed | wire.Rerank) -> None:
    with pytest.raises(AiPalError) as caught:
        model_of(request_, kept.settings("talks"))
    assert caught.value.code == Code.MODEL_NOT_FOUND
    name = "nomic-embed-text" if request_ is EMBED else "bge-reranker-v2-m3"
    assert caught.value.failure.hint.endswith(f"ai-pal pull {name}")


def test_of_several_one_has_to_be_named(kept: Kept) -> None:
    kept.add("vectors", "embed")
    kept.add("others", "embed")
    with pytest.raises(AiPalError) as caught:
        model_of(EMBED, kept.settings("talks"))
    assert caught.value.code == Code.MODEL_NOT_FOUND
    assert "others, vectors" in caught.value.failure.message


def test_the_setting_is_honoured_where_it_was_made_for_that(kept: Kept) -> None:
    kept.add("vectors", "embed")
    kept.add("others", "embed")
    assert model_of(EMBED, kept.settings("others")) == "others"
    with pytest.raises(AiPalError):
        model_of(RERANK, kept.settings("others"))


def test_what_the_client_says_usually_goes_before_the_file(kept: Kept) -> None:
    kept.add("vectors", "embed")
    kept.add("others", "embed")
    asked = wire.Embed(1, ["a"], usual_model="vectors")
    assert model_of(asked, kept.settings("others")) == "vectors"
    for no_embedder in ("talks", "openai:gpt-4.1", "nonsense"):
        asked = wire.Embed(1, ["a"], usual_model=no_embedder)
        assert model_of(asked, kept.settings("others")) == "others"


def test_texts_are_gone_on_with_by_the_default(kept: Kept) -> None:
    assert model_of(wire.Complete(1, "Once"), kept.settings("talks")) == "talks"


@pytest.mark.parametrize(
    ("own", "fault"),
    [
        (ModelSettings(nodes=2, threads=3), "threads"),
        (ModelSettings(nodes=2, device="cuda:0"), "device"),
        (ModelSettings(nodes=2, replicas=2), "replicas"),
    ],
    ids=["threads", "device", "replicas"],
)
def test_what_is_said_of_a_model_over_nodes_in_vain_is_refused(
    tmp_path: Path, own: ModelSettings, fault: str
) -> None:
    folder = tmp_path / "big"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    header = b'{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    cluster = ClusterSettings(engine="ray", address="10.0.0.1:6379", listen="10.0.0.1:7700")
    plain = ModelSettings(path=str(folder), nodes=2)
    assert load_of("big", Settings(models={"big": plain}, cluster=cluster)).load.engine == "vllm"
    said = msgspec.structs.replace(own, path=str(folder))
    with pytest.raises(AiPalError) as refused:
        load_of("big", Settings(models={"big": said}, cluster=cluster))
    assert refused.value.failure.code is Code.CONFIG_INVALID
    assert fault in refused.value.failure.message
