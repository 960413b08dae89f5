"""Work that a plain call begins: awaited it gives the result, not awaited it is done all the same."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)


class Begun(Coroutine[Any, Any, T]):
    """A coroutine for whoever awaits it, runs it or makes a task of it; a failure that nobody looks at is
    logged."""

    def __init__(self, future: Future[T]) -> None:
        self._future = future
        self._waiting: Coroutine[Any, Any, T] | None = None

    def __await__(self) -> Generator[Any, Any, T]:
        return self._started().__await__()

    def send(self, value: Any) -> Any:
        return self._started().send(value)

    def throw(self, *error: Any) -> Any:
        return self._started().throw(*error)

    def close(self) -> None:
        if self._waiting is not None:
            self._waiting.close()

    def __del__(self) -> None:
        if self._waiting is None:
            self._future.add_done_callback(_tell)

    def _started(self) -> Coroutine[Any, Any, T]:
        if self._waiting is None:
            self._waiting = _result(self._future)
        return self._waiting


def begin(work: Callable[[], T], name: str) -> Begun[T]:
    """Do blocking work: at once where no event loop runs, and then its error is raised here; else on a thread
    that outlives the loop. `work` keeps its own deadline."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        done: Future[T] = Future()
        done.set_result(work())
        return Begun(done)
    threads = ThreadPoolExecutor(1, name)
    future = threads.submit(work)
    threads.shutdown(wait=False)
    return Begun(future)


async def _result(future: Future[T]) -> T:
    return await asyncio.wrap_future(future)


def _tell(future: Future[Any]) -> None:
    error = None if future.cancelled() else future.exception()
    if error is not None:
        log.warning("%s", error)
