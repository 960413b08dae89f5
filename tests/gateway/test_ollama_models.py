"""Ollama's routes about models, by its own SDK: a gateway with an empty cache, and a hub on the loopback."""

import httpx2
import ollama
import pytest
from openai import OpenAI

from tests.gateway.conftest import MODELS, Served, starter
from tests.hub import repositories as repos
from tests.hub.loopback import Hub


@pytest.fixture(scope="module")
def client(own: Served) -> ollama.Client:
    return ollama.Client(own.url, timeout=120)


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
    [model] = [
        one for one in OpenAI(base_url=f"{own.url}/v1", api_key="none").models.list() if one.id == "small"
    ]
    assert model.model_extra == {"context_length": 512, "max_model_len": 512}
    client.generate("small")
    [loaded] = [one for one in client.ps().models if one.model == "small:latest"]
    assert loaded.context_length == 512
    assert loaded.details is not None
    assert loaded.details.quantization_level == "Q4_1"
    client.generate("small", keep_alive=0)


def test_what_editors_ask_before_they_list_a_model(own: Served) -> None:
    """VS Code wants at least 0.6.4 and asks for each model of the list; Open WebUI reads integers."""
    version = httpx2.get(f"{own.url}/api/version").json()["version"]
    assert tuple(map(int, version.split("."))) >= (0, 13, 4)
    for model in httpx2.get(f"{own.url}/api/tags").json()["models"]:
        shown = httpx2.post(f"{own.url}/api/show", json={"model": model["name"]}).json()
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
    answer = httpx2.post(f"{own.url}/api/pull", json=body, headers={"x-ai-pal-local-only": "1"})
    assert answer.status_code == 403


def test_a_copy_is_another_name_and_goes_alone(client: ollama.Client) -> None:
    assert client.copy("echo", "parrot").status == "success"
    assert client.chat("parrot", [{"role": "user", "content": "hello"}]).message.content == "hello "
    assert "parrot:latest" in names(client)
    assert client.delete("parrot").status == "success"
    assert "parrot:latest" not in names(client)
    with pytest.raises(ollama.ResponseError, match="no-such-model"):
        client.copy("no-such-model", "parrot")
    with pytest.raises(ollama.ResponseError, match="itself"):
        client.copy("echo", "echo")


def test_a_name_can_have_a_window_of_its_own(client: ollama.Client) -> None:
    assert client.create("short", from_="small", parameters={"num_ctx": 256}).status == "success"
    shown = client.show("short")
    assert shown.modelinfo is not None
    assert shown.modelinfo["llama.context_length"] == 256
    client.delete("short")


@pytest.mark.parametrize(
    "more", [{"system": "Be brief."}, {"parameters": {"temperature": 1}}, {"quantize": "q4_0"}], ids=str
)
def test_what_no_name_holds_is_said(client: ollama.Client, more: dict[str, object]) -> None:
    with pytest.raises(ollama.ResponseError) as refused:
        client.create("brief", from_="echo", **more)  # type: ignore[call-overload]
    assert refused.value.status_code == 501
    assert next(iter(more)) in refused.value.error


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
    push = httpx2.post(f"{own.url}/api/push", json={"model": "echo"})
    assert (push.status_code, push.json()["error"]) == (501, "nothing is sent to a registry from here")
    assert httpx2.head(f"{own.url}/api/blobs/sha256:0").status_code == 501
