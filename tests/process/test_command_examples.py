"""Every example of the help texts and of the pages runs as it stands there, page by page, in a shell."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ai_pal.conversations.records import Message
from ai_pal.conversations.store import Conversations
from tests.pictures import png
from tests.process.examples import of_help, of_page
from tests.process.homes import Environ, environment, stop_supervisor
from tests.spoken_models import Script
from tests.unit.attachments.pdfs import pdf

SECONDS = 120
BIN = Path(sys.executable).parent
PAGES = {
    **of_help(),
    **{page: of_page(page) for page in ("README.md", "docs/commands.md", "docs/routing.md")},
}

ELSEWHERE = {
    "ai-pal pull ": "the internet",
    "ai-pal search ": "the internet (tests/hub/test_search)",
    "ai-pal chat --model org/name:Q4_K_M": "the internet",
    "ai-pal run ollama:llama3": "an Ollama",
    "ai-pal chat --model openai:gpt-4.1": "a cloud",
    "ai-pal chat -m phi-3 --lora": "a model and its adapter (test_lora)",
    "ai-pal chat -m ./llama --lora": "a model and its adapters (test_lora)",
    ".venv/bin/pip install": "the package index",
    "export OPENAI_API_KEY": "a key",
    "ai-pal keys set": "a keyring (test_provider_commands)",
    "ai-pal keys rm": "a keyring (test_provider_commands)",
    "pass show": "a keyring (test_provider_commands)",
    "ai-pal supervise": "an end: it runs until Ctrl-C (test_supervisord)",
    "AI_PAL_LOG_FORMAT=json ai-pal supervise": "an end",
    "mkdir -p ~/.ai-pal && supervisord": "an end (test_supervisord)",
    "ai-pal stop --wait && ai-pal supervise": "an end",
    "ai-pal logs -f": "an end",
    "ai-pal serve": "an end (tests/gateway)",
    "ai-pal launch": "an agent (tests/gateway/test_launch)",
    "curl http": "a gateway that runs (tests/gateway)",
    "ai-pal ps --watch": "an end",
    "ai-pal add /data/models/": "a folder at the root of the disk",
    "ai-pal rm org/name:Q4_K_M": "a model of the hub",
    "ai-pal update": "the internet, where a model of the hub is here (tests/hub)",
    "ai-pal cluster up": "a Ray cluster (scripts/cluster_demo)",
    "ai-pal cluster drain": "a cluster (scripts/cluster_demo)",
    "ai-pal rm phi-2:q4_k_m": "a model that was fetched",
    **{
        f"ai-pal {line}": "another machine (test_machines)"
        for line in (
            *("list --on", "ps --on", "load qwen3 --on", "unload qwen3 --on", "chat -m box:"),
            *("machines add", "machines check", "machines remove"),
        )
    },
}
"""What an example needs that a test has not, by how it begins."""

LIVE = ("ai-pal top", "ai-pal bench")
"""What needs a terminal, or measures a real model for long (test_top, test_bench_command)."""

ASKS = ("ai-pal history delete 12 13",)
"""Without a terminal they say that `--yes` is wanted."""

STAND_INS = {
    "-m sentence-transformers/all-MiniLM-L6-v2": "-m echo",
    "-m BAAI/bge-reranker-v2-m3": "-m echo",
    "ai-pal bench smollm2": "ai-pal bench echo",
    "ai-pal embed -f": "ai-pal embed -m echo -f",
    'ai-pal embed "': 'ai-pal embed -m echo "',
    "ai-pal embed --npy": "ai-pal embed -m echo --npy",
    'ai-pal rerank "': 'ai-pal rerank -m echo "',
    "ai-pal rerank --json": "ai-pal rerank -m echo --json",
    "--grammar yesno.gbnf": "--grammar yesno.gbnf -m ~/models/coder.gguf",
}
"""For models of the hub that are not here, and what the echo engine cannot."""

BEFORE = {
    "help chat": "ai-pal preset set reviewer -s brief",
    "help logs": "ai-pal load echo",
    "help rm": "ai-pal add ~/models/coder.gguf --name coder",
}
"""What was done before."""

CONFIG = "".join(f'[models.{name}]\nmodel = "echo"\n' for name in ("phi-2", "phi-3", "qwen-coder"))
PERSON = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
TOOLS = [{"name": "weather", "parameters": {"type": "object"}}]
TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:\n"


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says two letters: the starter takes many seconds to write what a help text asks for."""
    file = tmp_path_factory.mktemp("brief") / "brief.gguf"
    return Script(("H", "i"), after="\n").save_gguf(file, TEMPLATE)


@pytest.fixture
def desk(ai_pal_home: Path, tmp_path: Path, brief: Path) -> Iterator[Environ]:
    """A user with the files, models and conversations that the examples name, in a repository."""
    home = ai_pal_home
    for place in ("models/coder.gguf", "models/qwen.gguf", "Downloads/qwen2.5-coder-q4.gguf"):
        (home / place).parent.mkdir(exist_ok=True)
        (home / place).symlink_to(brief)
    for folder in (".local/share/bash-completion/completions", ".zfunc", ".config/fish/completions"):
        (home / folder).mkdir(parents=True)
    texts = {
        "notes.txt": "Leonardo painted it.\nleo was here\n",
        "sentences.txt": "The sky is blue.\nGrass is green.\n",
        "beginning.txt": "Once upon a time",
        "person.json": json.dumps(PERSON),
        "tools.json": json.dumps(TOOLS),
        "yesno.gbnf": 'root ::= "yes" | "no"',
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "report.pdf").write_bytes(pdf("A report."))
    (tmp_path / "chart.png").write_bytes(png())
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "notes.txt"], cwd=tmp_path, check=True)
    (tmp_path / "notes.txt").write_text(texts["notes.txt"] + "changed\n")
    (home / "config.toml").write_text(CONFIG)
    with closing(Conversations(home / "ai-pal.db")) as store:
        for at in range(13):
            words = Message(role="user", content="the train to Lyon, and books", at=float(at))
            store.begin("A journey", [words], now=float(at))
    environ = environment(home) | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "AI_PAL_CONFIG": str(home / "config.toml"),
        "EDITOR": "true",
        "AI_PAL_MODEL_CACHE": os.environ["AI_PAL_MODEL_CACHE"],
    }
    yield environ
    stop_supervisor(environ)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("starter_model")
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page: str, desk: Environ, tmp_path: Path) -> None:
    assert PAGES[page]
    if page in BEFORE:
        assert ran(BEFORE[page], desk, tmp_path).returncode == 0
    for example in PAGES[page]:
        if example in LIVE or example.startswith(tuple(ELSEWHERE)):
            continue
        done = ran(example, desk, tmp_path)
        if example in ASKS:
            assert (done.returncode, "say --yes" in done.stderr) == (2, True), example
        else:
            assert done.returncode == 0, f"{page}: {example}\n{done.stdout}\n{done.stderr}"


def ran(example: str, environ: Environ, folder: Path) -> "subprocess.CompletedProcess[str]":
    """One line, in a shell in which every part of a pipe counts; a conversation gets its question at once."""
    for named, here in STAND_INS.items():
        example = example.replace(named, here)
    command = ["bash", "-c", f"set -o pipefail; {example}"]
    asked = "hello\n" if is_conversation(example) else ""
    return subprocess.run(
        command, env=environ, cwd=folder, input=asked, capture_output=True, text=True, timeout=SECONDS
    )


def is_conversation(example: str) -> bool:
    """Whether it says nothing itself: without a terminal it asks what comes on standard input."""
    return '"' not in example and example.startswith(("ai-pal chat", "ai-pal run"))


def test_nothing_is_said_of_examples_that_are_gone() -> None:
    every = [example for examples in PAGES.values() for example in examples]
    assert [one for one in (*ELSEWHERE, *ASKS) if not any(each.startswith(one) for each in every)] == []
