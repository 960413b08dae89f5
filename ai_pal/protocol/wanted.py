"""What can be fetched: a file that is known to the last bit, or files of a repository on the hub."""

import msgspec


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
    safetensors weights with their configuration and tokenizer. With `nearest` another quantization will do
    where that one is not there: the next larger one, else the next smaller."""

    repo: str
    revision: str = ""
    gguf: str = ""
    nearest: bool = False

    def __str__(self) -> str:
        at = f"@{self.revision}" if self.revision else ""
        return f"hub {self.repo}{at}{f':{self.gguf}' if self.gguf else ''}"


Wanted = Artifact | HubFiles
