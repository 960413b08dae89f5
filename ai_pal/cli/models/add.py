"""`ai-pal add FILE|FOLDER`: give a name to a model that lies somewhere on this disk."""

import argparse
import os
import re
from pathlib import Path

from ai_pal.catalog import resolve
from ai_pal.catalog.known.names import is_known, is_own
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import Settings, load_settings, paths
from ai_pal.config.clouds import provider_names
from ai_pal.errors import Code, fail
from ai_pal.formats.gguf import check_whole

EXAMPLES = """examples:
  ai-pal add ~/Downloads/qwen2.5-coder-q4.gguf --name coder
  ai-pal add /data/models/Phi-3-mini        a folder with safetensors
  ai-pal chat -m coder "Write a bubble sort"
  ai-pal rm coder                           forgets the name, leaves the file

The file or folder is checked as a load would, and stays where it is: nothing is copied, ever, and nothing
deleted. The name is the table [models.NAME] of the config file. Where no model is named, the largest that is
here and fits answers, such a one too.

"""

_PART = re.compile(r"-\d{5}-of-\d{5}$")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    path = parser.add_argument(
        "path", type=Path, metavar="FILE|FOLDER", help="a GGUF file, or a folder of safetensors"
    )
    completes(path, "file")
    parser.add_argument(
        "--name", default="", metavar="NAME", help="what to call it; else as the file is called"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from ai_pal.config.model_names import checked_name, give_name
    from ai_pal.memory.estimates import window_of

    settings = load_settings().settings
    path = Path(os.path.abspath(paths.expanded(str(args.path))))
    load = resolve(str(path), settings)
    window = window_of(load)  # reads the header: what is damaged there is told now
    if load.engine == "llamacpp":
        check_whole(Path(load.path))
    name = checked_name(args.name or _name_of(Path(load.path)), provider_names(settings))
    _check_free(name, load.path, settings)
    give_name(name, "path", load.path)
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json({"name": name, "path": load.path, "engine": load.engine, "window": window})
    else:
        print(neutral_line(f"{name} is {load.path} ({load.engine})"))
        print(neutral_line(f"ask it: ai-pal chat -m {name}"))
    return failures.OK


def _name_of(path: Path) -> str:
    """A name out of that of the file or folder, as far as it can be one."""
    stem = path.name if path.is_dir() else _PART.sub("", path.stem)
    return re.sub(r"[^\w.-]+", "-", stem)[:80].strip("-.") or "model"


def _check_free(name: str, path: str, settings: Settings) -> None:
    own = settings.models.get(name)
    taken = f"a model that AI-PAL knows: ai-pal show {name}" if is_known(name) else ""
    if own is not None and is_own(name, settings) and own.path != path:
        taken = f"{own.path or own.model} already"
    if taken:
        fail(Code.BAD_REQUEST, f"{name} is {taken}", "choose another name: --name NAME")
