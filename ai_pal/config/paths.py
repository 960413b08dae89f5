"""Where everything lies. `AI_PAL_HOME` moves all of it but the config file."""

import contextlib
import os
import stat
import zlib
from collections.abc import Mapping
from pathlib import Path

from ai_pal.errors import AiPalError, Code, fail

Environ = Mapping[str, str]

SOCKET_PATH_LIMIT = 90
"""Bytes; the kernel's own limit is 107."""

_FOLDERS = (
    *("HOME", "AI_PAL_HOME", "AI_PAL_CONFIG", "AI_PAL_MODEL_CACHE", "AI_PAL_MODEL_CACHE_DIR", "TMPDIR"),
    *("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN_PATH", "XDG_CACHE_HOME", "NETRC"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
"""Variables that hold a path."""

_LISTS = ("SSL_CERT_DIR",)
"""Those that may hold several."""

_LONGEST_SOCKET = "workers.sock"
_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "gpfs", "gluster", "fuse.sshfs", "beegfs")


def user_home(environ: Environ = os.environ) -> Path:
    """The user's home folder: `HOME`, the entry in passwd, else `AI_PAL_HOME`. Raises `AiPalError`
    (`config_invalid`) where there is none of these."""
    if chosen := environ.get("HOME") or _home_in_passwd():
        return Path(chosen).absolute()
    if not environ.get("AI_PAL_HOME"):
        what = f"there is no home folder: HOME is not set, and user {os.getuid()} has no entry in passwd"
        fail(Code.CONFIG_INVALID, what, "set AI_PAL_HOME to a folder of yours")
    return home(environ)


def home(environ: Environ = os.environ) -> Path:
    """`~/.ai-pal`, or `AI_PAL_HOME`. Raises `AiPalError` (`config_invalid`) where its name is not
    UTF-8, as sockets and messages are, and where no home is to be had."""
    chosen = environ.get("AI_PAL_HOME")
    if chosen and _is_tilde(chosen) and not (environ.get("HOME") or _home_in_passwd()):
        hint = "set it to an absolute path"
        fail(Code.CONFIG_INVALID, f"AI_PAL_HOME is {chosen}, and there is no home folder", hint)
    found = Path(expanded(chosen, environ)).absolute() if chosen else user_home(environ) / ".ai-pal"
    if not _is_utf8(found):
        name = os.fsencode(found).decode(errors="replace")
        fail(Code.CONFIG_INVALID, f"the name of the folder {name} is not UTF-8", "set AI_PAL_HOME to another")
    return found


def check_home(environ: Environ = os.environ) -> None:
    """Raises `AiPalError` (`config_invalid`) where `AI_PAL_HOME` is a file."""
    if (chosen := environ.get("AI_PAL_HOME")) and home(environ).is_file():
        fail(Code.CONFIG_INVALID, f"AI_PAL_HOME is {chosen}, which is a file", "set it to a folder")


def expanded(path: str, environ: Environ = os.environ) -> str:
    """`path` with `~` as the user's home; the home of somebody else where there is such a user. Raises
    `AiPalError`."""
    if _is_tilde(path):
        return f"{user_home(environ)}{path[1:]}"
    return os.path.expanduser(path)


def settled(environ: Environ = os.environ) -> dict[str, str]:
    """The variables that a process in another folder would not understand, as it would: relative paths are
    made absolute, and `HOME` is set for libraries, some of which end without it."""
    found = {}
    for name in _FOLDERS:
        said = environ.get(name, "")
        parts = said.split(os.pathsep) if name in _LISTS else [said]
        absolute = [os.path.abspath(one) if one and one[0] not in "/~" else one for one in parts]
        if absolute != parts:
            found[name] = os.pathsep.join(absolute)
    if not environ.get("HOME"):
        with contextlib.suppress(AiPalError):
            found["HOME"] = str(user_home(environ))
    return found


def config_file(environ: Environ = os.environ) -> Path:
    """`AI_PAL_CONFIG`, else `ai-pal/config.toml` in `$XDG_CONFIG_HOME` or `~/.config`."""
    if chosen := environ.get("AI_PAL_CONFIG"):
        return Path(expanded(chosen, environ)).absolute()
    base = environ.get("XDG_CONFIG_HOME", "")
    # The XDG specification says that relative values are to be ignored.
    folder = Path(base) if base.startswith("/") else user_home(environ) / ".config"
    return folder / "ai-pal" / "config.toml"


def model_cache_dir(environ: Environ = os.environ) -> Path:
    """The default of the setting `model_cache_dir`."""
    return home(environ) / "models"


def hub_cache(environ: Environ = os.environ) -> Path:
    """Hugging Face's own cache, by its own rules: `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`."""
    if chosen := environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(expanded(chosen, environ)).absolute()
    if chosen := environ.get("HF_HOME"):
        return Path(expanded(chosen, environ)).absolute() / "hub"
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else user_home(environ) / ".cache") / "huggingface" / "hub"


def peaks_file(environ: Environ = os.environ) -> Path:
    """The most memory that each model took, for the estimates."""
    return home(environ) / "memory.json"


def doubts_file(environ: Environ = os.environ) -> Path:
    """How models doubted their own answers, in numbers."""
    return home(environ) / "doubts.json"


def ledger_file(environ: Environ = os.environ) -> Path:
    """What the supervisors of this user have promised to loads."""
    return home(environ) / "memory.ledger"


def store_file(environ: Environ = os.environ) -> Path:
    """The database of usage and conversations."""
    return home(environ) / "ai-pal.db"


def responses_file(environ: Environ = os.environ) -> Path:
    """The responses that gateways keep."""
    return home(environ) / "responses.db"


def prefixes_dir(environ: Environ = os.environ) -> Path:
    """What models have read of kept conversations: a folder for each."""
    return home(environ) / "prefixes"


def providers_file(environ: Environ = os.environ) -> Path:
    """Which providers the user agreed to, and for which the system keyring holds a key."""
    return home(environ) / "providers.json"


def client_keys_file(environ: Environ = os.environ) -> Path:
    """Who may ask over HTTP: names, rights and what tells their keys, not the keys."""
    return home(environ) / "client-keys.json"


def offer_file(environ: Environ = os.environ) -> Path:
    """Whether the user wanted the model that was offered at the first conversation."""
    return home(environ) / "offer.json"


def ollama_seen_file(environ: Environ = os.environ) -> Path:
    """Is there, and empty, once an Ollama has answered."""
    return home(environ) / "ollama-seen"


def identity_file(environ: Environ = os.environ) -> Path:
    """What tells this AI-PAL from others, once another machine has asked it."""
    return home(environ) / "identity"


def machine_models_file(environ: Environ = os.environ) -> Path:
    """Which models the user's other machines have told last."""
    return home(environ) / "machines.json"


def presets_dir(environ: Environ = os.environ) -> Path:
    """Presets of system prompt and parameters, a TOML file each."""
    return home(environ) / "presets"


def log_dir(environ: Environ = os.environ) -> Path:
    """Logs of auto-started supervisors."""
    return home(environ) / "logs"


def history_file(environ: Environ = os.environ) -> Path:
    """What was typed into `ai-pal chat`."""
    return home(environ) / "history"


def run_dir(environ: Environ = os.environ) -> Path:
    """Sockets and locks: `~/.ai-pal/run`, the same in a shell, under cron and under supervisord.

    A folder in /tmp where sockets could not work: path too long, or a network file system.
    """
    preferred = home(environ) / "run"
    too_long = len(os.fsencode(preferred / _LONGEST_SOCKET)) > SOCKET_PATH_LIMIT
    if not too_long and not on_network(preferred):
        return preferred
    tag = f"{zlib.crc32(os.fsencode(preferred)):08x}"
    return Path(f"/tmp/ai-pal-{os.getuid()}-{tag}")  # noqa: S108 (owner-checked by make_private)


def make_private(folder: Path) -> Path:
    """Create `folder` for its owner only, or make it so. Raises `AiPalError` (`run_dir_unsafe`)."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        hint = f"check {folder}, or set AI_PAL_HOME to a folder of yours"
        fail(Code.RUN_DIR_UNSAFE, f"{folder} cannot be used: {error.strerror}", hint)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        fail(
            Code.RUN_DIR_UNSAFE,
            f"{folder} is not a folder of yours (owner uid {found.st_uid})",
            "remove it, or set AI_PAL_HOME to a folder of your own",
        )
    if found.st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def _is_tilde(path: str) -> bool:
    return path == "~" or path.startswith("~/")


def _home_in_passwd() -> str:
    import pwd  # only where HOME is not set

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def on_network(path: Path) -> bool:
    """Whether the folder lies on a network file system: on somebody else's disk."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    return file_system(os.path.realpath(path), mounts).startswith(_NETWORK)


def file_system(path: str, mountinfo: str) -> str:
    """The type of the file system that holds `path`, by the text of /proc/self/mountinfo."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        point = left.split()[4].replace("\\040", " ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, right.split()[0]
    return kind
