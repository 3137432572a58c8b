"""Work on all cores that outlives its workers: a process that dies costs the item that killed it, not the run."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 3
"""Chunks a worker that wait for it: it is never idle, and little waits in memory."""


class Pool(Generic[T, R]):
    """Processes that do one kind of work on chunks of items; `lost` makes the result of an item that kills its worker.

    Where they can be forked they are forked at once, so make the pool before anything starts a thread.
    """

    def __init__(self, work: Callable[[list[T]], list[R]], *, workers: int, lost: Callable[[T], R]) -> None:
        self._work = work
        self._lost = lost
        self._workers = workers
        self._executor = self._start()

    def __enter__(self) -> Pool[T, R]:
        return self

    def __exit__(self, *_error: object) -> None:
        self._executor.shutdown(cancel_futures=True)

    def map(self, chunks: Iterable[list[T]]) -> Iterator[R]:
        """The results of all chunks, as they come."""
        running: dict[Future[list[R]], list[T]] = {}
        for chunk in chunks:
            running[self._submit(chunk)] = chunk
            if len(running) >= self._workers * _AHEAD:
                yield from self._finished(running)
        while running:
            yield from self._finished(running)

    def _start(self) -> ProcessPoolExecutor:
        context = _context()
        executor = ProcessPoolExecutor(self._workers, context, _leave_interrupts)
        if context.get_start_method() == "fork":
            executor.submit(int)  # an executor forks all its workers with the first thing to do
        return executor

    def _submit(self, chunk: list[T]) -> Future[list[R]]:
        try:
            return self._executor.submit(self._work, chunk)
        except BrokenProcessPool:
            self._executor = self._start()
            return self._executor.submit(self._work, chunk)

    def _finished(self, running: dict[Future[list[R]], list[T]]) -> Iterator[R]:
        """Wait for some chunks; the results of those that are done."""
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            chunk = running.pop(future)
            try:
                yield from future.result()
            except BrokenProcessPool:  # some chunk killed its worker, and all that ran is lost with it
                yield from self._alone(chunk)

    def _alone(self, chunk: list[T]) -> Iterator[R]:
        """A chunk in a process of its own; when that dies, its halves, until the item that kills is found."""
        try:
            with ProcessPoolExecutor(1, _context(), _leave_interrupts) as executor:
                results = executor.submit(self._work, chunk).result()
        except BrokenProcessPool:
            if len(chunk) == 1:
                yield self._lost(chunk[0])
                return
            middle = len(chunk) // 2
            for half in (chunk[:middle], chunk[middle:]):
                yield from self._alone(half)
        else:
            yield from results


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; only the one that waits for the workers answers to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _context() -> BaseContext:
    """Forked workers start at once, but forking is only safe while there is one thread."""
    alone = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if alone else "spawn")
