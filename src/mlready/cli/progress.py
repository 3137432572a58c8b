"""A progress bar on stderr, only on a terminal and only when reading takes long."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PATIENCE = 0.7


@contextmanager
def reading(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Gives a callback (done, all) to report to; None when nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = _Bar(label)
    try:
        yield bar.show
    finally:
        bar.clear()


class _Bar:
    def __init__(self, label: str) -> None:
        self._label = label
        self._started = time.monotonic()
        self._drawn = False
        self._last = 0.0

    def show(self, done: int, everything: int) -> None:
        now = time.monotonic()
        if now - self._started < _PATIENCE or now - self._last < 0.1:
            return
        self._last, self._drawn = now, True
        filled = int(24 * done / everything) if everything else 0
        bar = "█" * filled + "░" * (24 - filled)
        sys.stderr.write(f"\r\x1b[Kreading {self._label} {bar} {done}/{everything}")
        sys.stderr.flush()

    def clear(self) -> None:
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
