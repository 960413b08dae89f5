"""A model hub on the loopback that speaks enough of the hub's HTTP API for the real client: model
information, redirects to a storage server, ranges, ETags, gated and missing repositories; on request it
is slow, cuts connections, lies."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, get_args
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from huggingface_hub.hf_api import ExpandModelProperty_T

TIMEOUT = 120
TOKEN = "hf_a_token_of_the_tests"
STRANGER = "hf_a_token_that_no_gate_opens_for"
SORTS = ("createdAt", "downloads", "lastModified", "likes", "trendingScore")
LARGE = 100_000
"""Files from this size on are kept by the storage server, as Git LFS does."""

_CHUNK = 64 * 1024


class Repo(msgspec.Struct):
    """One repository; `commit` is made up from its content."""

    files: dict[str, bytes]
    gated: bool = False
    facts: dict[str, object] = {}
    """What the hub counts and reads of it: `downloads`, `tags`, `gguf`, ..., as its API calls them."""
    moved_to: str = ""
    lies: dict[str, bytes] = {}
    """File contents that are sent in place of those that are announced."""

    @property
    def commit(self) -> str:
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(name.encode())
            digest.update(content)
        return digest.hexdigest()[:40]

    def description(self, name: str) -> dict[str, object]:
        siblings = [_sibling(path, content) for path, content in self.files.items()]
        own = {"id": name, "modelId": name, "sha": self.commit, "siblings": siblings, "private": False}
        return own | {"gated": "manual" if self.gated else False} | self.facts

    def listed(self, name: str, expand: list[str]) -> dict[str, object]:
        """As one of a list: files by their names only, and of the rest what was asked for."""
        whole = self.description(name) | {"siblings": [{"rfilename": path} for path in self.files]}
        return {"_id": "0" * 24, "id": name} | {field: whole[field] for field in expand if field in whole}


class Seen(NamedTuple):
    """One request as it came in."""

    server: str
    method: str
    path: str
    range: str
    token: str


class Hub:
    """A running hub. `cut_after` bytes of a file's content the connection ends, `cuts` times; while
    `gate` is cleared, downloads stop after `hold_after` bytes, which sets `held`."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: list[Seen] = []
        self.cut_after, self.cuts = 0, 0
        self.hold_after = 0
        self.status = 0
        self.answer = b""
        self.gate, self.held = threading.Event(), threading.Event()
        self.gate.set()
        self.port = self.storage_port = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        patient = dict.fromkeys(("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT"), str(TIMEOUT))
        return {"HF_ENDPOINT": self.endpoint, "HF_HUB_OFFLINE": "", "NO_PROXY": "127.0.0.1"} | patient

    def downloads(self, name: str) -> list[Seen]:
        """Requests for the content of one file."""
        return [seen for seen in self.requests if seen.method == "GET" and seen.path.endswith(f"/{name}")]


@contextmanager
def loopback_hub() -> Iterator[Hub]:
    """A hub and its storage server until the end of the block."""
    hub = Hub()
    servers = [_Server(("127.0.0.1", 0), _handler(hub, kind)) for kind in ("hub", "storage")]
    hub.port, hub.storage_port = (server.server_port for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in servers]
    for server, thread in zip(servers, threads, strict=True):
        server.daemon_threads = True
        thread.start()
    try:
        yield hub
    finally:
        hub.gate.set()
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join(TIMEOUT)


def etag(content: bytes) -> str:
    """The SHA-256 of a large file, else its git hash."""
    if len(content) >= LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _sibling(path: str, content: bytes) -> dict[str, object]:
    sibling: dict[str, object] = {"rfilename": path, "size": len(content), "blobId": "0" * 40}
    if len(content) >= LARGE:
        sibling["lfs"] = {"sha256": etag(content), "size": len(content), "pointerSize": 134}
    else:
        sibling["blobId"] = etag(content)
    return sibling


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed reset their connections: nothing to print."""


def _handler(hub: Hub, kind: str) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"hub": hub, "kind": kind})


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    kind: str
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(Seen(self.kind, self.command, path, self.headers.get("Range", ""), token))
        try:
            if self.kind == "storage":
                self._content(*_located(self.hub, path))
            elif self.hub.status or self.hub.answer:
                self._reply(self.hub.status or 200, body=self.hub.answer)
            elif path == "/api/models":
                self._list(parse_qs(urlsplit(self.path).query), token)
            else:
                self._api_or_file(path, token)
        except OSError:
            self.close_connection = True  # the client was killed: that is what some tests do

    def _api_or_file(self, path: str, token: str) -> None:
        api = path.startswith("/api/models/")
        owner, name, *rest = path.removeprefix("/api/models/").strip("/").split("/")
        repo = self.hub.repos.get(f"{owner}/{name}")
        if token not in ("", TOKEN, STRANGER):
            self._reply(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif repo is None:
            self._reply(401 if not token else 404, {"X-Error-Code": "RepoNotFound"})
        elif repo.moved_to:
            self._reply(307, {"Location": path.replace(f"{owner}/{name}", repo.moved_to)})
        elif rest and rest[1] not in ("main", repo.commit):
            self._reply(404, {"X-Error-Code": "RevisionNotFound"})
        elif api:
            body = json.dumps(repo.description(f"{owner}/{name}")).encode()
            self._reply(200, {"Content-Type": "application/json"}, body)
        elif repo.gated and token != TOKEN:
            self._reply(401 if not token else 403, {"X-Error-Code": "GatedRepo"})
        else:
            self._resolve(repo, f"{owner}/{name}", "/".join(rest[2:]))

    def _list(self, asked: dict[str, list[str]], token: str) -> None:
        head = {"Content-Type": "application/json"}
        wrong = _wrong(asked)
        if token not in ("", TOKEN, STRANGER):
            self._reply(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif wrong:
            self._reply(400, head | {"X-Error-Message": wrong}, json.dumps({"error": wrong}).encode())
        else:
            self._reply(200, head, json.dumps(_found(self.hub.repos, asked)).encode())

    def _resolve(self, repo: Repo, name: str, file: str) -> None:
        content = repo.files.get(file)
        if content is None:
            self._reply(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": repo.commit})
            return
        head = {"X-Repo-Commit": repo.commit, "ETag": f'"{etag(content)}"'}
        if len(content) < LARGE:
            self._content(repo.lies.get(file, content), content, head)
            return
        head |= {"X-Linked-Etag": f'"{etag(content)}"', "X-Linked-Size": str(len(content))}
        location = f"http://127.0.0.1:{self.hub.storage_port}/{name}/{file}"
        self._reply(302, head | {"Location": location})

    def _content(self, sent: bytes, announced: bytes, head: dict[str, str] | None = None) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        body = sent[start:]
        head = (head or {}) | {"Content-Length": str(len(body)), "Accept-Ranges": "bytes"}
        if start:
            head["Content-Range"] = f"bytes {start}-{len(sent) - 1}/{len(sent)}"
        self._head(206 if start else 200, head)
        if self.command == "GET":
            self._send(body, start)

    def _send(self, body: bytes, start: int) -> None:
        large = start + len(body) >= LARGE
        for at in range(0, len(body), _CHUNK):
            if large and self.hub.cuts and at >= self.hub.cut_after:
                self.hub.cuts -= 1
                self.close_connection = True
                self.connection.close()
                return
            if large and not self.hub.gate.is_set() and start + at >= self.hub.hold_after:
                self.hub.held.set()
                self.hub.gate.wait(TIMEOUT)
            self.wfile.write(body[at : at + _CHUNK])
            self.wfile.flush()

    def _reply(self, status: int, head: dict[str, str] | None = None, body: bytes = b"") -> None:
        self._head(status, (head or {}) | {"Content-Length": str(len(body))})
        if self.command == "GET":
            self.wfile.write(body)

    def _head(self, status: int, head: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in head.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _wrong(asked: dict[str, list[str]]) -> str:
    """What the real API refuses of a query."""
    if unknown := set(asked) - {"search", "filter", "author", "sort", "limit", "expand", "full", "config"}:
        return f"unknown parameters {sorted(unknown)}"
    if any(field not in get_args(ExpandModelProperty_T) for field in asked.get("expand", [])):
        return f"invalid expand {asked['expand']}"
    if "expand" in asked and ("full" in asked or "config" in asked):
        return "expand cannot be used with full or config"
    if asked.get("sort", ["likes"])[0] not in SORTS:
        return f"invalid sort {asked['sort']}"
    limit = asked.get("limit", ["1"])[0]
    return "" if limit.isdigit() and 1 <= int(limit) <= 1000 else f"invalid limit {limit}"


def _found(repos: dict[str, Repo], asked: dict[str, list[str]]) -> list[dict[str, object]]:
    words = asked.get("search", [""])[0].lower().split()
    wanted = set(asked.get("filter", []))
    sort = asked.get("sort", ["trendingScore"])[0]
    found = [
        (name, repo)
        for name, repo in repos.items()
        if all(word in name.lower() for word in words) and wanted <= set(map(str, _tags(repo)))
    ]
    found.sort(key=lambda one: str(one[1].facts.get(sort, "")).zfill(20), reverse=True)
    limit = int(asked.get("limit", ["1000"])[0])
    return [repo.listed(name, asked.get("expand", [])) for name, repo in found[:limit]]


def _tags(repo: Repo) -> list[object]:
    tags = repo.facts.get("tags", [])
    return tags if isinstance(tags, list) else []


def _located(hub: Hub, path: str) -> tuple[bytes, bytes]:
    owner, name, file = path.strip("/").split("/", 2)
    repo = hub.repos[f"{owner}/{name}"]
    return repo.lies.get(file, repo.files[file]), repo.files[file]
