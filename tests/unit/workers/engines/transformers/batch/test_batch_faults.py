"""No request is lost by an exception, whatever line of the batch it comes from: each has one planted."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.doubt import Probe
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from ai_pal.protocol.worker import CompleteText, Generate
from tests import tiny_models
from tests.process.eventually import eventually
from tests.unit.workers.engines.transformers.recorder import Answer, Loaded, Recorder
from workers.engines.transformers.batch import batch

ELSEWHERE = {"__init__", "open", "forget", "submit", "cancel", "close", "rows", "run"}
"""What runs on other threads, and the loop that all is to come back to."""
CONTEXT = 192
BRIEF: dict[str, Any] = {"max_tokens": 2, "temperature": 0.0, "extra": {"ignore_eos": True}}
KINDS = (
    GenerationOptions(**BRIEF, logprobs=1),
    GenerationOptions(**(BRIEF | {"temperature": 1.0, "seed": 3})),
    GenerationOptions(max_tokens=2, response_format=JsonSchema({"enum": [1, 2]})),
)
LONG = GenerationOptions(temperature=0.0, extra={"ignore_eos": True})


class PlantedError(TypeError):
    """What nothing in the batch expects."""


class Faults:
    """Before each line of the engine's own thread `planted` is called with its number. The `armed` ones
    raise, each once."""

    def __init__(self) -> None:
        self.lines: dict[int, str] = {}
        self.armed: set[int] = set()
        self.struck: set[int] = set()

    def planted(self, line: int) -> None:
        if line in self.armed:
            self.armed.remove(line)
            self.struck.add(line)
            raise PlantedError(f"at line {line}")

    def whole(self) -> type[batch.Batch]:
        """The batch with all of them."""
        tree = ast.parse(Path(batch.__file__).read_text())
        found = next(one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == "Batch")
        for method in found.body:
            if isinstance(method, ast.FunctionDef) and method.name not in ELSEWHERE:
                self._sow(method, method.name)
        names = vars(batch) | {"_planted": self.planted}
        module = ast.fix_missing_locations(ast.Module([found], []))
        exec(compile(module, batch.__file__, "exec"), names)  # noqa: S102 - our own source
        return names["Batch"]  # type: ignore[no-any-return]

    def _sow(self, node: ast.AST, method: str) -> None:
        for field in ("body", "orelse", "handlers"):
            inner = getattr(node, field, None)
            if not isinstance(inner, list):
                continue
            sown: list[ast.AST] = []
            for one in inner:
                if isinstance(one, ast.stmt) and not _is_text(one) and not isinstance(one, ast.Try):
                    self.lines[one.lineno] = method
                    sown.append(ast.parse(f"_planted({one.lineno})").body[0])
                sown.append(one)
                self._sow(one, method)
            inner[:] = sown


class Forgiving(Recorder):
    """As the worker's outbox: of what was told as ended nothing more is heard."""

    def _end(self, key: int, **values: Any) -> None:
        if not self.of(key).ended:
            super()._end(key, **values)


@pytest.fixture(scope="module")
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="module")
def engine(faults: Faults, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    folder = tiny_models.save(tmp_path_factory.mktemp("models") / "llama", "llama")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "Batch", faults.whole())
        patch.setattr("tests.unit.workers.engines.transformers.recorder.Recorder", Forgiving)
        loaded = Loaded(folder, CONTEXT, dtype="float32")
    yield loaded
    loaded.engine.close()


def answered(engine: Loaded) -> list[Answer]:
    """Requests of every kind at once: some wait for room, one is cancelled while it waits and one while it is
    computed."""
    begun = [engine.begin("Where do ships sail?", LONG)]
    begun += [engine.begin("Where do ships sail?", options) for options in KINDS]
    other = 10_000 + 10 * max(begun)
    said = [Message("user", "ships sail " * 12)]
    jobs: list[Generate | CompleteText] = [
        Generate(other, said, KINDS[0], watch=True, probe=Probe(":")),
        CompleteText(other + 1, "the sea the sea", options=KINDS[0], prompt_logprobs=True),
    ]
    for job in jobs:
        engine.engine.start(job, ())
    left = engine.begin("ships " * 20, LONG)
    engine.engine.cancel(left)
    engine.engine.cancel(begun[0])
    every = [engine.sink.of(key) for key in (*begun, *(job.key for job in jobs), left)]
    with suppress(AssertionError):
        eventually(lambda: all(one.ended for one in every), within=20.0)
    return every


def test_no_request_is_lost_by_an_exception_at_any_line(engine: Loaded, faults: Faults) -> None:
    def go_on_after(*armed: int) -> None:
        faults.armed = set(armed)
        lost = [number for number, one in enumerate(answered(engine)) if not one.ended]
        struck, faults.armed = set(armed) - faults.armed, set()
        assert not lost, f"of requests {lost} no end was told after exceptions at {struck}"
        assert engine.ask("ships", KINDS[0]).finish_reason == "length", struck

    assert all(one.failure is None for one in answered(engine))
    for line in faults.lines:
        go_on_after(line)
    usual = faults.struck.copy()
    ends = [
        max(line for line in usual if faults.lines[line] == name) for name in ("_finish", "_try_to_begin")
    ]
    for line in faults.lines:
        if line not in usual:  # only a failure leads there
            go_on_after(line, *ends)
    assert all(one.failure is None for one in answered(engine))
    never = {line: name for line, name in faults.lines.items() if line not in faults.struck}
    assert len(never) < len(faults.lines) / 4, never


def _is_text(one: ast.stmt) -> bool:
    return isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
