"""The conversation between the supervisor and the egress process, the only one that goes out."""

import msgspec

from ai_pal.errors import Failure


class PackageFile(msgspec.Struct, frozen=True, tag="package"):
    """A member of a wheel on the package index."""

    requirement: str
    member: str

    def __str__(self) -> str:
        return f"package {self.requirement}"


class LocalFile(msgspec.Struct, frozen=True, tag="file"):
    """A file on this machine."""

    path: str

    def __str__(self) -> str:
        return f"file {self.path}"


class Artifact(msgspec.Struct, frozen=True, tag="artifact"):
    """One file that is known to the last bit: `file` is its place in the cache, `size` in bytes."""

    file: str
    size: int
    sha256: str
    source: PackageFile | LocalFile


class HubFiles(msgspec.Struct, frozen=True, tag="hub"):
    """Files of a model repository on the hub. `revision` is a branch, tag or commit, empty for the
    default one. `gguf` names a GGUF file or a quantization such as `Q4_K_M`; empty means the
    safetensors weights with their configuration and tokenizer."""

    repo: str
    revision: str = ""
    gguf: str = ""

    def __str__(self) -> str:
        at = f"@{self.revision}" if self.revision else ""
        return f"hub {self.repo}{at}{f':{self.gguf}' if self.gguf else ''}"


Wanted = Artifact | HubFiles


class ToEgress(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of what the supervisor sends."""


class Fetch(ToEgress, tag="fetch", frozen=True):
    """Bring `wanted` into the folder `cache`. `key` is the supervisor's number for the download,
    `name` what the user calls the model; more than `limit` bytes are not downloaded (0: no limit)."""

    key: int
    name: str
    cache: str
    wanted: Wanted
    limit: int = 0


class CancelFetch(ToEgress, tag="cancel_fetch", frozen=True):
    """Stop this download; what has come is kept for the next try. There is no answer."""

    key: int


AnyToEgress = Fetch | CancelFetch


class FromEgress(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of what the egress process sends."""


class EgressHello(FromEgress, tag="egress_hello", frozen=True):
    """The process runs and takes work."""

    pid: int
    version: str = ""


class EgressBeat(FromEgress, tag="egress_beat", frozen=True):
    """Sent from the process's own loop every second."""


class FetchProgress(FromEgress, tag="fetch_progress", frozen=True):
    """Bytes here and bytes in all (0 until that is known). `steps` rises with whatever moves, also
    with bytes that are checked: while it stands still, so does the download."""

    key: int
    done: int
    total: int
    steps: int


class Fetched(FromEgress, tag="fetched", frozen=True):
    """All is here, checked and in its place. `path` is what a worker loads, `size` in bytes."""

    key: int
    path: str
    size: int
    commit: str = ""


class FetchFailed(FromEgress, tag="fetch_failed", frozen=True):
    """The download ended without the model."""

    key: int
    failure: Failure


AnyFromEgress = EgressHello | EgressBeat | FetchProgress | Fetched | FetchFailed

encode = msgspec.msgpack.Encoder().encode
decode_to_egress = msgspec.msgpack.Decoder(AnyToEgress).decode
decode_from_egress = msgspec.msgpack.Decoder(AnyFromEgress).decode
