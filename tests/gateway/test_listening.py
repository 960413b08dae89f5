"""Listening beyond this machine: with a key or not at all; with TLS, or with a word that there is none."""

import base64
import contextlib
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from ai_pal.config.client_keys import ClientKey, create
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.provider import Machine, Provider
from tests.egress_driver import egress_process
from tests.gateway import plain_http
from tests.gateway.test_serving import END_SECONDS, serving
from tests.process.homes import Environ, environment, stop_supervisor
from tests.servers.certificates import Authority

EVERYWHERE = "0.0.0.0"
RIGHTS = ClientKey(sha256="", created=0.0)


@pytest.fixture
def environ(ai_pal_home: Path) -> Environ:
    return environment(ai_pal_home)


def refused(environ: Environ, *flags: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", "ai_pal", "serve", *flags]
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=END_SECONDS, check=False, cwd="/"
    )


@pytest.mark.parametrize("flags", [["--listen", f"{EVERYWHERE}:0"], ["--host", "::", "--port", "0"]])
def test_without_a_key_it_does_not_begin(environ: Environ, flags: list[str]) -> None:
    done = refused(environ, *flags)
    assert done.returncode == 1
    assert "ai-pal keys create" in done.stderr


def test_a_certificate_that_is_none_is_said_before_anything_is_begun(
    environ: Environ, ai_pal_home: Path
) -> None:
    (ai_pal_home / "a.pem").write_text("no certificate")
    files = {name: str(ai_pal_home / "a.pem") for name in ("AI_PAL_HTTP_CERTIFICATE", "AI_PAL_HTTP_KEY")}
    done = refused(environ | files, "--port", "0")
    assert (done.returncode, "http.certificate" in done.stderr) == (7, True)
    done = refused(environ | {"AI_PAL_HTTP_KEY": files["AI_PAL_HTTP_KEY"]}, "--port", "0")
    assert (done.returncode, "TLS takes both" in done.stderr) == (7, True)


def test_beyond_this_machine_a_key_is_needed_and_tls_can_be_had(
    environ: Environ, ai_pal_home: Path, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    authority.server("127.0.0.1", "models.example")
    key = create("ann", RIGHTS, environ)
    settings = f"""[http]
certificate = "{tmp_path}/127.0.0.1.pem"
key = "{tmp_path}/127.0.0.1.key"
hosts = ["models.example"]
max_connections = 8
head_timeout = "2s"
"""
    config = ai_pal_home / "test.toml"
    config.write_text(settings)
    with serving(environ | {"AI_PAL_CONFIG": str(config)}, "--listen", f"{EVERYWHERE}:0") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert f"https://{EVERYWHERE}:" in first
        port = int(first.split(":")[-1].split("/")[0])
        url = f"https://127.0.0.1:{port}"
        trusted = ssl.create_default_context(cafile=str(authority.root))
        with httpx2.Client(verify=trusted, timeout=END_SECONDS) as client:
            assert client.get(f"{url}/health").status_code == 200
            assert client.get(f"{url}/api/version").status_code == 401
            bearer = {"authorization": f"Bearer {key}"}
            assert client.get(f"{url}/api/version", headers=bearer, timeout=END_SECONDS).status_code == 200
            for host, status in (("models.example", 200), ("other.example", 403), (f"{EVERYWHERE}", 200)):
                assert client.get(f"{url}/health", headers={"host": host}).status_code == status
        as_machine(url, key, tmp_path / "127.0.0.1.pem")
        (ai_pal_home / "client-keys.json").unlink()
        with httpx2.Client(verify=trusted, timeout=END_SECONDS) as client:
            assert client.get(f"{url}/api/version", headers=bearer).status_code == 401, "never without one"
        with contextlib.ExitStack() as many:
            silent = [many.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(100)]
            with httpx2.Client(verify=trusted, timeout=END_SECONDS) as client:
                assert client.get(f"{url}/health").status_code == 200, "no handshake is no word either"
            silent[-1].settimeout(END_SECONDS)
            assert silent[-1].recv(1) == b""
        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert b"HTTP/1.1 200" not in plain.recv(1000), "what is not TLS is not answered"
        process.terminate()
        assert process.wait(END_SECONDS) == 0
        assert process.stderr is not None
        assert "readable" not in process.stderr.read()
    stop_supervisor(environ)


def as_machine(url: str, key: str, certificate: Path) -> None:
    """Another AI-PAL asks it as a machine of its user's: with the key, past that certificate alone."""
    der = base64.b64encode(ssl.PEM_cert_to_DER_cert(certificate.read_text())).decode()
    provider = Provider("box", "openai", f"{url}/v1", Machine("", certificate=der))
    asked = out.Complete(0, provider, "echo", [Message("user", "one two")], connect=30.0, mine=True)
    with egress_process({"AI_PAL_KEY_BOX": key}) as egress:
        assert egress.ask(asked).text.split() == ["one", "two"]
        listed = egress.ask(out.ListModels(0, provider, 30.0)).end
    assert isinstance(listed, out.ProviderModels)
    assert listed.names == ["auto"], "echo is in no list"


def test_without_tls_it_says_that_all_can_be_read(environ: Environ) -> None:
    create("ann", RIGHTS, environ)
    with serving(environ, "--listen", f"{EVERYWHERE}:0") as process:
        assert process.stderr is not None
        assert "travels readable" in process.stderr.readline()
        assert process.stdout is not None
        first = process.stdout.readline()
        assert "a key of yours" in first
        port = int(first.split(":")[-1].split("/")[0])
        assert plain_http.get(f"http://127.0.0.1:{port}/ready", timeout=END_SECONDS).status_code == 401
        process.terminate()
        assert process.wait(END_SECONDS) == 0
    stop_supervisor(environ)


def test_a_socket_of_ones_own_wants_a_key_too_once_there_is_one(environ: Environ, ai_pal_home: Path) -> None:
    place = ai_pal_home / "http.sock"
    with serving(environ, "--listen", str(place)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"listening on {place}\n"
        with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(place)), timeout=END_SECONDS) as client:
            assert client.get("http://anything/api/version").status_code == 200
            key = create("ann", RIGHTS, environ)
            assert client.get("http://anything/api/version").status_code == 401
            answer = client.get("http://anything/api/version", headers={"x-api-key": key})
            assert json.loads(answer.content)["version"]
        process.terminate()
        assert process.wait(END_SECONDS) == 0
    stop_supervisor(environ)
