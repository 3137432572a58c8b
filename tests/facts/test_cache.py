"""The facts cache: right when it answers, silent when it cannot."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mlready.facts.cache import FactsCache, decode, encode, key_of
from mlready.facts.python import read_python
from mlready.facts.rows import FileFacts, Setting
from mlready.vocabulary import load

FACTS = FileFacts(settings=(Setting("a.b", 1, 2), Setting("c", None), Setting("d", 1.5), Setting("e", "é")))


def key(text: str) -> bytes:
    return key_of(text.encode(), reader="python", vocabulary="v")


def test_what_is_put_is_got_back_by_another_run(tmp_path: Path) -> None:
    first = FactsCache(tmp_path)
    first.put_many({key("a"): encode(FACTS)})
    first.close()
    assert FactsCache(tmp_path).get_many([key("a"), key("b")]) == {key("a"): FACTS}


def test_real_facts_survive_unchanged() -> None:
    facts = read_python("m.py", Path(__file__).read_bytes(), load())
    assert decode(encode(facts)) == facts


@pytest.mark.parametrize(
    "other",
    [
        key_of(b"b", reader="python", vocabulary="v"),
        key_of(b"a", reader="notebook", vocabulary="v"),
        key_of(b"a", reader="python", vocabulary="w"),
    ],
)
def test_content_reader_and_vocabulary_make_the_key(other: bytes) -> None:
    assert other != key("a")


def test_facts_of_another_version_are_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key("a")
    monkeypatch.setattr("mlready.facts.cache._versions", lambda: "another")
    assert key("a") != before


@pytest.mark.parametrize(
    "junk", [b"", b"\xc0", b"\x93\x01\x02\x03", b"\xdd\xff\xff\xff\xff", b"\x91" * 10_000, os.urandom(200)]
)
def test_an_entry_that_is_no_facts_counts_as_missing(tmp_path: Path, junk: bytes) -> None:
    cache = FactsCache(tmp_path)
    cache.put_many({key("a"): junk})
    assert cache.get_many([key("a")]) == {}


def test_a_row_with_a_wrong_type_counts_as_missing() -> None:
    assert decode(encode(FACTS).replace(b"a.b", b"\xa1x\x01")) is None


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_database_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "facts.sqlite").write_bytes(content)
    cache = FactsCache(tmp_path)
    cache.put_many({key("a"): encode(FACTS)})
    assert FactsCache(tmp_path).get_many([key("a")]) == {key("a"): FACTS}


def test_a_database_damaged_in_the_middle_is_harmless(tmp_path: Path) -> None:
    cache = FactsCache(tmp_path)
    cache.put_many({key(str(i)): encode(FACTS) * 30 for i in range(500)})
    cache.close()
    path = tmp_path / "facts.sqlite"
    data = bytearray(path.read_bytes())
    data[4096 : len(data) // 2] = os.urandom(len(data) // 2 - 4096)
    path.write_bytes(data)
    damaged = FactsCache(tmp_path)
    damaged.get_many([key(str(i)) for i in range(500)])
    damaged.put_many({key("a"): encode(FACTS)})
    fresh = FactsCache(tmp_path)
    fresh.put_many({key("a"): encode(FACTS)})
    assert FactsCache(tmp_path).get_many([key("a")]) == {key("a"): FACTS}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE facts (key, other)",
        "CREATE VIEW facts AS SELECT x'00' AS key, 1 AS size, 1 AS used, x'00' AS value",
        "CREATE TABLE facts (key BLOB PRIMARY KEY, size INTEGER, used INTEGER, value BLOB); CREATE TABLE t (x);"
        "CREATE TRIGGER evil AFTER INSERT ON facts BEGIN INSERT INTO t VALUES (1); END",
    ],
)
def test_a_foreign_database_is_replaced(tmp_path: Path, statement: str) -> None:
    with sqlite3.connect(tmp_path / "facts.sqlite") as connection:
        connection.executescript(statement)
    connection.close()
    cache = FactsCache(tmp_path)
    cache.put_many({key("a"): encode(FACTS)})
    assert cache.get_many([key("a")]) == {key("a"): FACTS}


def test_a_folder_that_cannot_be_used_only_means_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    cache = FactsCache(tmp_path / "file")
    cache.put_many({key("a"): encode(FACTS)})
    assert cache.get_many([key("a")]) == {}


def test_size_is_bounded(tmp_path: Path) -> None:
    cache = FactsCache(tmp_path, max_bytes=100_000)
    for start in range(0, 1000, 100):
        cache.put_many({key(str(i)): b"\x00" * 1_000 for i in range(start, start + 100)})
    cache.close()
    assert (tmp_path / "facts.sqlite").stat().st_size < 400_000
    with sqlite3.connect(tmp_path / "facts.sqlite") as connection:
        assert connection.execute("SELECT SUM(size) FROM facts").fetchone()[0] <= 100_000


def test_runs_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from mlready.facts.cache import *; from mlready.facts.rows import FileFacts\n"
        "for i in range(60):\n"
        "    cache = FactsCache(Path(sys.argv[1]))\n"
        "    key = key_of(str(i).encode(), reader='x', vocabulary='v')\n"
        "    cache.put_many({key: encode(FileFacts(problem=str(i)))})\n"
        "    found = cache.get_many([key])\n"
        "    assert found in ({}, {key: FileFacts(problem=str(i))}), found\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    for run in runs:
        _, errors = run.communicate(timeout=60)
        assert (run.returncode, errors) == (0, b"")
    keys = [key_of(str(i).encode(), reader="x", vocabulary="v") for i in range(60)]
    assert len(FactsCache(tmp_path).get_many(keys)) == 60


def test_the_cache_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    FactsCache(tmp_path / "new").put_many({key("a"): encode(FACTS)})
    assert (tmp_path / "new" / "facts.sqlite").stat().st_mode & 0o077 == 0
