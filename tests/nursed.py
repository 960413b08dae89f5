"""The programs that a nursery forks: each is imported with all that it will want."""

import ast
import atexit
import contextlib
import importlib
import os
import pkgutil
import sys
import threading
import time
import traceback
from collections.abc import Callable

from tests import forked_popen, nursery

Main = Callable[[list[str]], int]

FACES = ("cli", "client", "config", "conversations", "store", "catalog", "models", "attachments", "gateway")
"""The packages that commands import from."""


def main_of(kind: str, arguments: list[str]) -> Main:
    """What a child of this kind of nursery runs."""
    match kind:
        case nursery.EGRESS:
            return _egress()
        case nursery.SUPERVISORS:
            return _supervisor()
        case nursery.COMMANDS:
            return _command()
        case nursery.TESTS:
            return _tests(arguments)
        case engine:
            return _worker(engine)


def _worker(engine: str) -> Main:
    """The program, with everything imported that it will want."""
    import workers.loop  # noqa: F401
    from workers import engines
    from workers.__main__ import main

    engines.prepare(engine)
    return _of_parent(main)


def _egress() -> Main:
    import ai_pal.egress.loop  # noqa: F401
    from ai_pal.egress.__main__ import main
    from ai_pal.egress.providers import CLASSES

    for api in CLASSES:
        importlib.import_module(f"ai_pal.egress.providers.{api}.adapter")
    return _of_parent(main)


def _of_parent(main: Main) -> Main:
    """A program that ends with the one that is named as its parent."""
    return lambda arguments: main([*arguments, "--parent", str(os.getppid())])


def _supervisor() -> Main:
    import ai_pal.cli.service.supervise
    import ai_pal.logs
    import ai_pal.server.app  # noqa: F401
    from ai_pal.__main__ import main

    forked_popen.install()
    return main


def _command() -> Main:
    """`ai-pal` with all that its commands import when they run; in the end all that Python does there."""
    import ai_pal
    from ai_pal.__main__ import main

    for name in FACES:
        for module in pkgutil.walk_packages([f"{ai_pal.__path__[0]}/{name}"], f"ai_pal.{name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    forked_popen.install()
    return lambda arguments: _as_python_does(main, arguments)


def _as_python_does(main: Main, arguments: list[str]) -> int:
    """Run it as the main program of a process."""
    time.tzset()
    sys.argv = ["ai-pal", *arguments]
    code: object = 1
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001  (whatever it is, it ends in words)
        traceback.print_exc()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    assert isinstance(code, int)
    return code


def _tests(arguments: list[str]) -> Main:
    """A program of execnet's, which is how xdist starts test processes. Collecting finds all modules of tests
    imported."""
    import pytest

    class OnlyModules:
        """Nothing in them is looked for."""

        @pytest.hookimpl(tryfirst=True)
        def pytest_pycollect_makeitem(self) -> list[pytest.Item]:
            return []

    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what is wrong with a module, the test processes find and say again
    pytest.main(["--collect-only", "-n0", "-pno:cacheprovider", *arguments], plugins=[OnlyModules()])
    from hypothesis.internal.conjecture import providers  # pytest wants to be the one who imports it

    providers._get_local_constants()  # else each test process would read all sources for them

    def main(_: list[str]) -> int:
        sys.argv = ["-c"]
        exec(ast.literal_eval(sys.stdin.readline()), {"__name__": "execnet_process"})  # noqa: S102
        return 0

    return main
