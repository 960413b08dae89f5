"""The shipped table: small, whole, and what the training script makes of its inputs."""

import json
import random
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from ai_pal.server.router.complexity import table
from ai_pal.server.router.complexity.features import names
from scripts.complexity.exams import FILES
from scripts.complexity.train import everyday_digest

MB = 1_000_000
ROOT = Path(__file__).parents[5]


def test_it_has_a_row_for_each_feature_in_order() -> None:
    assert tuple(table.load().features) == names()


def test_it_was_made_from_these_everyday_prompts_with_these_features() -> None:
    assert table.load().everyday == everyday_digest(), "run scripts/train_complexity"


def test_the_data_are_small() -> None:
    data = [
        path for path in files("ai_pal.server.router.complexity").iterdir() if not path.name.endswith(".py")
    ]
    assert sum(len(path.read_bytes()) for path in data if path.is_file()) < MB


def test_it_costs_little_memory_and_imports_no_numbers_library() -> None:
    code = (
        "import sys, psutil; from ai_pal.protocol.content import Message; me = psutil.Process();"
        "before = me.memory_info().rss; from ai_pal.server.router.complexity import score;"
        "score('hi ' * 9999);"
        "print(me.memory_info().rss - before, 'numpy' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True, cwd=ROOT
    )
    added, numpy, torch = done.stdout.split()
    assert int(added) < 20 * MB
    assert (numpy, torch) == ("False", "False")


@pytest.fixture
def exam_folder(tmp_path: Path) -> Path:
    """Small exam sets in the form of the real ones, with made-up questions."""
    draw = random.Random(7)
    words = ["field", "force", "energy", "number", "cell", "market", "law", "sum", "price", "proof"]
    for name, file in FILES.items():
        rows = []
        for number in range(60):
            question = " ".join(draw.choices(words, k=draw.randint(5, 60))) + f" {draw.randint(1, 99)}?"
            question = f"What is {draw.randint(1, 99)} and {question}" if name == "math_l5" else question
            options = "" if name == "math_l5" else "\nA. one\nB. two words\nC. 3\nD. none of these"
            row: dict[str, object] = {
                "dataset": name,
                "group": f"g{number % 5}",
                "prompt": question + options,
            }
            row |= {"weak": float(draw.random() < 0.5), "strong": float(draw.random() < 0.8)}
            if name != "mmlu":
                row["scores"] = {f"m{model}": float(draw.random() < 0.6) for model in range(5)}
            rows.append(json.dumps(row))
        (tmp_path / file).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_training_gives_the_same_bytes_with_one_thread_and_with_two(exam_folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from scripts.complexity import train, exams;"
        "folder = Path(sys.argv[1]);"
        "sys.stdout.write(train.as_table(train.train(folder), exams.digest(folder)).decode())"
    )
    built = [
        subprocess.run(
            [sys.executable, "-c", code, str(exam_folder)],
            env={"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            cwd=ROOT,
        ).stdout
        for threads in ("1", "2")
    ]
    assert built[0] == built[1]
    assert json.loads(built[0])["features"].keys() == set(names())
