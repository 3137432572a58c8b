"""Facts remembered between runs, by content: a file that did not change is never parsed again.

One SQLite database in the user's cache directory. It is a convenience and never trusted: entries are decoded into typed
rows and dropped when they don't fit, a damaged database is thrown away, and any trouble only means that facts are read
anew. Several runs may use it at once.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path

import msgspec

from mlready import __version__
from mlready.compiled import cache_dir
from mlready.facts.rows import FACTS_VERSION, FileFacts

MAX_BYTES = 512_000_000
_KEPT_SHARE = 0.7
"""Share of MAX_BYTES that is left after an eviction, so that evictions are rare."""
_DAY = 86_400
_BATCH = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (key BLOB PRIMARY KEY, size INTEGER NOT NULL, used INTEGER NOT NULL, value BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS facts_by_use ON facts (used, size);
"""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(FileFacts)


def encode(facts: FileFacts) -> bytes:
    """Facts as they are stored."""
    return _encoder.encode(facts)


def decode(data: bytes) -> FileFacts | None:
    """Stored facts; None for anything that is not exactly that."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None


def key_of(data: bytes, *, reader: str, vocabulary: str) -> bytes:
    """What facts depend on: content, reader (with the path where it looks at that), vocabulary, versions."""
    salt = blake2b(f"{reader}\0{vocabulary}\0{_versions()}".encode("utf-8", "replace"), digest_size=32).digest()
    return blake2b(data, digest_size=20, key=salt).digest()


@cache
def _versions() -> str:
    """Versions of mlready, rows and Python; and when the readers' code last changed, for those who work on it."""
    facts = Path(__file__).parent
    folders = (facts, facts.parent / "flow")
    changed = max((path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*.py")), default=0)
    return f"{__version__} {FACTS_VERSION} {changed} {sys.version_info[:2]}"


class FactsCache:
    """Facts by key. Every method may be called on a cache that cannot be used: it is then empty and forgets."""

    def __init__(self, folder: Path | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self._path = (folder or cache_dir()) / "facts.sqlite"
        self._max_bytes = max_bytes
        self._connection = self._open()

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, FileFacts]:
        """The facts that are stored under some of the keys."""
        decoded = {key: decode(value) for key, value in self.get_raw(keys).items()}
        return {key: facts for key, facts in decoded.items() if facts is not None}

    def get_raw(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """What is stored under some of the keys, not decoded."""
        found: dict[bytes, bytes] = {}
        stale: list[bytes] = []
        today = int(time.time()) // _DAY
        for key, used, value in self._rows(keys):
            if isinstance(value, bytes):
                found[key] = value
                if used != today:
                    stale.append(key)
        if stale:
            self._run("UPDATE facts SET used = ? WHERE key = ?", [(today, key) for key in stale])
        return found

    def put_many(self, entries: Mapping[bytes, bytes]) -> None:
        """Store encoded facts, then drop the least recently used ones if there are too many."""
        today = int(time.time()) // _DAY
        rows = [(key, len(value), today, value) for key, value in entries.items()]
        self._run("INSERT OR REPLACE INTO facts (key, size, used, value) VALUES (?, ?, ?, ?)", rows)
        self._evict()

    def close(self) -> None:
        """Let go of the database."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection | None:
        for _ in range(2):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                return _connect(self._path)
            except sqlite3.OperationalError:
                return None  # locked, read-only, no space: not ours to mend
            except sqlite3.DatabaseError:
                self._discard()
            except OSError:
                return None
        return None

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink()

    def _rows(self, keys: Sequence[bytes]) -> Iterable[tuple[bytes, int, object]]:
        if self._connection is None:
            return
        for start in range(0, len(keys), _BATCH):
            batch = keys[start : start + _BATCH]
            marks = ",".join("?" * len(batch))
            try:
                yield from self._connection.execute(f"SELECT key, used, value FROM facts WHERE key IN ({marks})", batch)
            except sqlite3.DatabaseError as error:
                self._fail(error)
                return

    def _run(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if self._connection is None:
            return
        try:
            with self._connection:
                self._connection.executemany(statement, rows)
        except sqlite3.DatabaseError as error:
            self._fail(error)

    def _fail(self, error: sqlite3.DatabaseError) -> None:
        """Go on without; a damaged database is removed, one that is only busy or full is left."""
        self.close()
        if not isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError):
            self._discard()

    def _evict(self) -> None:
        if self._connection is None:
            return
        try:
            total = self._connection.execute("SELECT TOTAL(size) FROM facts").fetchone()[0]
            if total <= self._max_bytes:
                return
            excess = total - self._max_bytes * _KEPT_SHARE
            with self._connection:
                for key, size in self._connection.execute(
                    "SELECT key, size FROM facts ORDER BY used, rowid"
                ).fetchall():
                    self._connection.execute("DELETE FROM facts WHERE key = ?", (key,))
                    excess -= size
                    if excess <= 0:
                        break
            self._connection.execute("PRAGMA incremental_vacuum")
        except (sqlite3.DatabaseError, TypeError) as error:
            self._fail(error if isinstance(error, sqlite3.DatabaseError) else sqlite3.DatabaseError())


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=2.0, cached_statements=16)
    try:
        with suppress(OSError):
            path.chmod(0o600)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA mmap_size = 1000000000")
        if not _is_empty(connection):
            _require_plain_table(connection)
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def _require_plain_table(connection: sqlite3.Connection) -> None:
    """A database that somebody else made may hold views and triggers: only our own table is used."""
    names = {tuple(row) for row in connection.execute("SELECT type, name FROM sqlite_master WHERE type <> 'index'")}
    columns = [row[1] for row in connection.execute("PRAGMA table_info(facts)")]
    if not names <= {("table", "facts"), ("table", "sqlite_sequence")} or columns != ["key", "size", "used", "value"]:
        raise sqlite3.DatabaseError("not the facts cache")
