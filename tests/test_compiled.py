"""The compiled cache saves parsing, follows the files, and is never trusted."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Struct

from mlready.compiled import Sources, compiled


class Words(Struct):
    words: dict[str, str]


BUILT: list[int] = []


def build(sources: Sources) -> Words:
    BUILT.append(1)
    return Words({name: data.decode() for name, data in sources.items()})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLREADY_CACHE_DIR", str(tmp_path / "cache"))
    BUILT.clear()
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.toml").write_text("one")
    return rules


def entries(folder: Path) -> list[Path]:
    return list((folder.parent / "cache" / "compiled").iterdir())


def test_it_is_built_once(folder: Path) -> None:
    first, second = compiled(folder, build, Words), compiled(folder, build, Words)
    assert first == second
    assert first.value.words == {"a.toml": "one"}
    assert len(BUILT) == 1


def test_an_edit_builds_again_and_changes_the_digest(folder: Path) -> None:
    before = compiled(folder, build, Words)
    (folder / "a.toml").write_text("two")
    after = compiled(folder, build, Words)
    assert after.value.words == {"a.toml": "two"}
    assert after.digest != before.digest


@pytest.mark.parametrize("content", [b"", b"junk", b"0" * 32 + b'{"words": {"a.toml": "evil"}}', b"\x80\x04." * 50])
def test_a_damaged_or_hostile_entry_is_built_again(folder: Path, content: bytes) -> None:
    compiled(folder, build, Words)
    (entry,) = entries(folder)
    entry.write_bytes(content)
    assert compiled(folder, build, Words).value.words == {"a.toml": "one"}
    assert len(BUILT) == 2
    assert compiled(folder, build, Words).value.words == {"a.toml": "one"}
    assert len(BUILT) == 2


def test_a_link_in_the_cache_is_not_followed(folder: Path, tmp_path: Path) -> None:
    compiled(folder, build, Words)
    (entry,) = entries(folder)
    elsewhere = tmp_path / "elsewhere"
    entry.rename(elsewhere)
    entry.symlink_to(elsewhere)
    compiled(folder, build, Words)
    assert len(BUILT) == 2
    assert not entry.is_symlink()


def test_a_cache_that_cannot_be_written_is_done_without(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = folder.parent / "file"
    blocked.write_text("")
    monkeypatch.setenv("MLREADY_CACHE_DIR", str(blocked / "cache"))
    assert compiled(folder, build, Words).value.words == {"a.toml": "one"}


def test_old_entries_are_pruned(folder: Path) -> None:
    for edit in range(20):
        (folder / "a.toml").write_text(str(edit))
        compiled(folder, build, Words)
    assert len(entries(folder)) <= 8
