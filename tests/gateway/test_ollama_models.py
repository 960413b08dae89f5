"""Ollama's routes about models, by its own SDK: a gateway with an empty cache, and a hub on the loopback."""

import stat
from collections.abc import Iterator
from pathlib import Path

import ollama
import pytest
from openai import OpenAI

from ai_pal.config.presets import Preset, load_preset, save_fields
from tests import lora, tiny_gguf
from tests.gateway import plain_http
from tests.gateway.conftest import MODELS, Served, starter
from tests.hub import repositories as repos
from tests.hub.loopback import Hub


@pytest.fixture(scope="module")
def client(own: Served) -> Iterator[ollama.Client]:
    with ollama.Client(own.url, timeout=120) as client:
        yield client


def names(client: ollama.Client) -> list[str | None]:
    return [model.model for model in client.list().models]


def test_a_model_is_described(client: ollama.Client) -> None:
    shown = client.show("small:latest")
    assert shown.details is not None
    assert (shown.details.format, shown.details.family) == ("gguf", "llama")
    assert shown.details.parameter_size == "134.52M"
    assert shown.details.quantization_level == "Q4_1"
    assert shown.capabilities == ["completion"]
    assert "im_start" in (shown.template or "")
    assert shown.modelinfo is not None
    assert shown.modelinfo["general.architecture"] == "llama"
    assert shown.modelinfo["general.basename"]
    assert shown.modelinfo["llama.context_length"] == 512
    [listed] = [model for model in client.list().models if model.model == "small:latest"]
    assert listed.details == shown.details


def test_the_window_is_the_same_everywhere(client: ollama.Client, own: Served) -> None:
    with OpenAI(base_url=f"{own.url}/v1", api_key="none") as openai:
        [model] = [one for one in openai.models.list() if one.id == "small"]
    assert model.model_extra == {"context_length": 512, "max_model_len": 512}
    client.generate("small")
    [loaded] = [one for one in client.ps().models if one.model == "small:latest"]
    assert loaded.context_length == 512
    assert loaded.details is not None
    assert loaded.details.quantization_level == "Q4_1"
    client.generate("small", keep_alive=0)


def test_what_editors_ask_before_they_list_a_model(own: Served) -> None:
    """VS Code wants at least 0.6.4 and asks for each model of the list; Open WebUI reads integers."""
    version = plain_http.get(f"{own.url}/api/version").json()["version"]
    assert tuple(map(int, version.split("."))) >= (0, 13, 4)
    for model in plain_http.get(f"{own.url}/api/tags").json()["models"]:
        shown = plain_http.post(f"{own.url}/api/show", json={"model": model["name"]}).json()
        assert "completion" in shown["capabilities"]
        assert shown["model_info"]["general.basename"]
        assert shown["model_info"]["general.architecture"]


def test_a_model_is_pulled_and_deleted(client: ollama.Client, hub: Hub) -> None:
    hub.repos["them/tiny"] = repos.llama()
    *pieces, last = client.pull("them/tiny", stream=True)
    assert pieces[0].status == "pulling manifest"
    assert pieces[-1].total == pieces[-1].completed
    assert len({piece.digest for piece in pieces[1:]}) == 1
    assert last.status == "success"
    assert client.pull("them/tiny").status == "success"
    assert "them/tiny:latest" in names(client)
    assert client.show("them/tiny:latest").details == client.show("them/tiny").details
    assert client.delete("them/tiny:latest").status == "success"
    assert "them/tiny:latest" not in names(client)


def test_what_cannot_be_pulled_says_why(client: ollama.Client, own: Served) -> None:
    with pytest.raises(ollama.ResponseError, match="nobody/nothing"):
        list(client.pull("nobody/nothing", stream=True))
    body = {"model": "them/tiny"}
    answer = plain_http.post(f"{own.url}/api/pull", json=body, headers={"x-ai-pal-local-only": "1"})
    assert answer.status_code == 403


def test_a_copy_is_another_name_and_goes_alone(client: ollama.Client) -> None:
    assert client.copy("echo", "parrot").status == "success"
    assert client.chat("parrot", [{"role": "user", "content": "hello"}]).message.content == "hello "
    assert "parrot:latest" in names(client)
    assert client.delete("parrot").status == "success"
    assert "parrot:latest" not in names(client)
    with pytest.raises(ollama.ResponseError, match="no-such-model"):
        client.copy("no-such-model", "parrot")
    with pytest.raises(ollama.ResponseError, match="no-such-model"):
        client.copy("no-such-model", "No-Such-Model:latest")
    assert client.copy("echo", "ECHO").status == "success"  # nothing changes, as with Ollama
    assert client.chat("echo", [{"role": "user", "content": "hello"}]).message.content == "hello "


def test_a_name_can_have_a_window_of_its_own(client: ollama.Client) -> None:
    assert client.create("short", from_="small", parameters={"num_ctx": 256}).status == "success"
    shown = client.show("short")
    assert shown.modelinfo is not None
    assert shown.modelinfo["llama.context_length"] == 256
    client.delete("short")


def test_a_name_can_have_a_system_prompt_and_parameters(client: ollama.Client, own: Served) -> None:
    parameters = {"temperature": 0.1, "stop": ["two"], "num_ctx": 300, "num_predict": 8}
    made = client.create("brief", from_="echo", system="Be brief.", parameters=parameters)
    assert made.status == "success"
    shown = client.show("brief:latest")
    assert shown.modelinfo is not None
    assert shown.modelinfo["echo.context_length"] == 300
    assert 'SYSTEM """Be brief."""' in (shown.modelfile or "")
    assert {"temperature", "stop", "num_ctx", "num_predict"} <= set((shown.parameters or "").split())
    said: list[dict[str, str]] = [{"role": "user", "content": "one two three"}]
    answer = client.chat("brief", said)
    assert (answer.message.content, answer.done_reason) == ("one ", "stop")
    alone = client.chat("echo", said)
    assert (answer.prompt_eval_count or 0) > (alone.prompt_eval_count or 0)
    over = client.chat("brief", [{"role": "system", "content": "x"}, *said], options={"stop": ["three"]})
    assert over.message.content == "one two "
    with OpenAI(base_url=f"{own.url}/v1", api_key="none") as openai:
        ask = openai.chat.completions.create
        assert ask(model="brief", messages=said).choices[0].message.content == "one "
        assert "brief" in [model.id for model in openai.models.list()]
        assert openai.models.retrieve("brief").id == "brief"
        assert openai.embeddings.create(model="brief", input="one").data
    assert client.generate("brief", "one two", raw=True).response == "one "
    assert client.generate("brief").done_reason == "load"
    assert client.embed("brief", "one").embeddings == client.embed("echo", "one").embeddings
    assert client.copy("brief", "shorter").status == "success"
    licences = ["Apache-2.0", "and more"]
    assert client.create("brief", from_="shorter", system="Be kind.", license=licences).status == "success"
    assert client.show("brief").license == "Apache-2.0\nand more"
    assert 'LICENSE """Apache-2.0' in (client.show("brief").modelfile or "")
    assert "Be kind." in (client.show("brief").modelfile or "")
    assert client.chat("brief", said).message.content == "one "
    for name in ("brief", "shorter"):
        assert client.delete(name).status == "success"
        assert f"{name}:latest" not in names(client)


def test_names_have_owners_and_tags(client: ollama.Client, own: Served) -> None:
    said: list[dict[str, str]] = [{"role": "user", "content": "one two three"}]
    client.copy("echo", "me/parrot:v2")
    client.create("me/brief", from_="me/parrot:v2", parameters={"stop": ["two"]})
    client.create("smollm2:v1", from_="ME/Brief:latest", system="Be brief.")
    answers = {
        "me/parrot:v2": "one two three ",
        "ME/Parrot:V2": "one two three ",
        **dict.fromkeys(("me/brief", "Me/Brief:LATEST", "registry.ollama.ai/me/brief:latest"), "one "),
        "smollm2:v1": "one ",
    }
    with OpenAI(base_url=f"{own.url}/v1", api_key="none") as openai:
        for name, answer in answers.items():
            assert client.chat(name, said).message.content == answer
            assert client.show(name).capabilities
            asked = openai.chat.completions.create(model=name, messages=said)
            assert asked.choices[0].message.content == answer
        listed = {model.id for model in openai.models.list()}
        assert openai.models.retrieve("me/brief:latest").id == "me/brief"
    assert {"me/parrot:v2", "me/brief", "smollm2:v1"} <= listed
    assert {"me/parrot:v2", "me/brief:latest", "smollm2:v1"} <= set(names(client))
    assert client.generate("me/parrot:v2", keep_alive=0).done_reason == "unload"
    client.create("ME/BRIEF", from_="echo", parameters={"stop": ["three"]})  # that one, in its own spelling
    client.copy("me/brief", "Me/Brief:latest")  # itself
    assert client.chat("me/brief", said).message.content == "one two "
    with pytest.raises(ollama.ResponseError):
        client.delete("me/parrot")
    for name in ("me/PARROT:v2", "me/brief:latest", "smollm2:v1"):
        client.delete(name)
    assert not {one for one in names(client) if one and ("me/" in one or one == "smollm2:v1")}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"quantize": "q4_0"}, 501),
        ({"modelfile": "FROM echo"}, 501),
        ({"license": {"name": "x"}}, 400),
        ({"template": "x"}, 400),  # echo has none
        ({"template": "{{ range .Messages }}{{ end }}", "from": "small"}, 400),
        ({"from": "", "files": {"a.gguf": "sha256:0"}}, 400),
        ({"files": {"a.gguf": "sha256:" + "0" * 64}}, 400),
        ({"from": "", "files": {"a.gguf": "sha256:" + "0" * 64}}, 400),
        ({"system": "x", "messages": [{"role": "system", "content": "y"}]}, 400),
        ({"messages": [{"role": "tool", "content": "y"}]}, 400),
        ({"parameters": {"bogus": 1}}, 400),
        ({"parameters": {"temperature": -1}}, 400),
        ({"parameters": {"stop": 3}}, 400),
        ({"system": "x", "model": "smollm2"}, 400),
        ({"system": "x", "model": "a/b/c"}, 400),
        ({"system": "x", "model": "openai:v1"}, 400),
        ({"system": "x", "model": "smollm2:q4_1"}, 400),
        ({"system": "x", "from": "no-such-model"}, 404),
    ],
    ids=str,
)
def test_what_no_name_holds_is_said(own: Served, more: dict[str, object], status: int) -> None:
    refused = plain_http.post(f"{own.url}/api/create", json={"model": "brief", "from": "echo", **more})
    assert refused.status_code == status, refused.text
    assert set(refused.json()) == {"error"}


def test_what_is_not_ours_is_not_removed(client: ollama.Client) -> None:
    for model, status in (("echo", 404), ("no-such-model", 404), (str(starter()), 400)):
        with pytest.raises(ollama.ResponseError) as refused:
            client.delete(model)
        assert refused.value.status_code == status
    client.delete("small")
    assert starter().exists()
    assert str(starter()).startswith(str(MODELS))
    assert "small:latest" not in names(client)


def test_what_is_not_done_here_is_501(own: Served) -> None:
    push = plain_http.post(f"{own.url}/api/push", json={"model": "echo"})
    assert (push.status_code, push.json()["error"]) == (501, "nothing is sent to a registry from here")


def test_what_a_person_has_made_is_not_replaced(client: ollama.Client, own: Served) -> None:
    by_hand = Preset(system="Mine.")
    environ = {"AI_PAL_HOME": own.environ["AI_PAL_HOME"]}
    save_fields("byhand", by_hand, (), environ)
    for path, body in (
        ("create", {"model": "byhand", "from": "echo", "system": "Theirs."}),
        ("create", {"model": "byhand", "from": "echo"}),
        ("copy", {"source": "echo", "destination": "byhand"}),
    ):
        refused = plain_http.post(f"{own.url}/api/{path}", json=body)
        assert (refused.status_code, "made by hand" in refused.json()["error"]) == (400, True), refused.text
    assert load_preset("byhand", environ) == by_hand
    client.delete("byhand")


def test_a_file_that_was_sent_is_a_model(client: ollama.Client, own: Served, tmp_path: Path) -> None:
    file = tiny_gguf.save(tmp_path / "m.gguf", "sentencepiece")
    digest = client.create_blob(file)
    assert client.create_blob(file) == digest
    assert plain_http.head(f"{own.url}/api/blobs/{digest}").status_code == 200
    [kept] = Path(own.environ["AI_PAL_MODEL_CACHE"], "uploads").glob("*.gguf")
    assert kept.read_bytes() == file.read_bytes()
    assert [stat.S_IMODE(one.stat().st_mode) for one in (kept.parent, kept)] == [0o700, 0o600]
    assert client.create("sent", files={"m.gguf": digest}).status == "success"
    template = "{{ if .System }}{{ .System }}. {{ end }}{{ .Prompt }} -> {{ .Response }}"
    said = [{"role": "user", "content": "2+2"}, {"role": "assistant", "content": "4"}]
    made = client.create("framed", from_="sent", template=template, messages=said)
    assert made.status == "success"
    shown = client.show("framed")
    assert "-> " in (shown.template or "")
    assert 'MESSAGE assistant """4"""' in (shown.modelfile or "")
    assert {"sent:latest", "framed:latest"} <= set(names(client))
    client.delete("sent")
    assert kept.exists(), "another name still needs it"
    client.delete("framed")
    assert not list(kept.parent.iterdir())


def test_an_adapter_that_was_sent_changes_the_weights(
    client: ollama.Client, own: Served, tmp_path: Path
) -> None:
    """As much as one that is part of the model's file, on each door."""
    changed = tiny_gguf.save(tmp_path / "c.gguf", "sentencepiece", changes=lora.changes(1.0))
    files = [
        tiny_gguf.save(tmp_path / "m.gguf", "sentencepiece"),
        lora.save_gguf(tmp_path / "a.gguf"),
        changed,
    ]
    plain, adapter, merged = map(client.create_blob, files)
    assert client.create("plain", files={"m.gguf": plain}).status == "success"
    assert client.create("merged", files={"m.gguf": merged}).status == "success"
    assert client.create("adapted", from_="plain", adapters={"a.gguf": adapter}).status == "success"
    for _ in ("made", "made again"):
        whole = client.create("whole", files={"m.gguf": plain}, adapters={"a.gguf": adapter})
        assert whole.status == "success"

    def said(model: str) -> str | None:
        options = {"temperature": 0.0, "num_predict": 8}
        return client.generate(model, "the sea is deep", raw=True, options=options).response

    with OpenAI(base_url=f"{own.url}/v1", api_key="none") as openai:
        ask = openai.completions.create
        completed = ask(model="adapted", prompt="the sea is deep", temperature=0.0, max_tokens=8)
    assert said("adapted") == said("merged") == said("whole") == completed.choices[0].text != said("plain")
    for wrong in (plain, "sha256:" + "0" * 64):
        with pytest.raises(ollama.ResponseError) as refused:
            client.create("broken", from_="plain", adapters={"a.gguf": wrong})
        assert refused.value.status_code == 400
    with pytest.raises(ollama.ResponseError, match="GGUF"):
        client.create("broken", from_="echo", adapters={"a.gguf": adapter})
    for name in ("plain", "merged", "adapted", "whole"):
        client.delete(name)
    assert not list(Path(own.environ["AI_PAL_MODEL_CACHE"], "uploads").iterdir())


def test_what_is_no_model_file_is_not_kept(own: Served) -> None:
    zeros = "0" * 64
    for digest, data, status, words in (
        ("sha256:" + zeros, b"GGUF and more", 400, "digest mismatch"),
        ("sha256:" + zeros, b"#!/bin/sh", 400, "no GGUF"),
        ("sha256:0", b"GGUF", 400, "digest"),
        ("sha256:../../etc/passwd", b"GGUF", 404, "no such path"),
    ):
        answer = plain_http.post(f"{own.url}/api/blobs/{digest}", content=data)
        assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text
    assert plain_http.head(f"{own.url}/api/blobs/sha256:{zeros}").status_code == 404
    assert not list(Path(own.environ["AI_PAL_MODEL_CACHE"]).glob("uploads/*"))
