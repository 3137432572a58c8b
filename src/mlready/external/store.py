"""Findings remembered between runs by content, in a database of their own beside the facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec

from mlready.compiled import cache_dir
from mlready.external.finding import ExternalFinding
from mlready.facts.cache import FactsCache

Findings = tuple[ExternalFinding, ...]

MAX_BYTES = 256_000_000
_decoder = msgspec.msgpack.Decoder(tuple[ExternalFinding, ...])
_encoder = msgspec.msgpack.Encoder()


def key_of(data: bytes, *, salt: str) -> bytes:
    """What findings depend on: the content, and in `salt` the tools, their versions and settings, and the path."""
    key = blake2b(salt.encode("utf-8", "replace"), digest_size=32).digest()
    return blake2b(data, digest_size=20, key=key).digest()


class FindingsCache:
    """Findings by key; to be used in the thread that made it. Never trusted: what does not fit the rows is dropped."""

    def __init__(self, folder: Path | None = None) -> None:
        self._rows = FactsCache((folder or cache_dir()) / "external", max_bytes=MAX_BYTES)

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, Findings]:
        """The findings that are stored under some of the keys."""
        found: dict[bytes, Findings] = {}
        for key, value in self._rows.get_raw(keys).items():
            try:
                found[key] = _decoder.decode(value)
            except (msgspec.MsgspecError, RecursionError, ValueError):
                continue
        return found

    def put_many(self, entries: Mapping[bytes, Findings]) -> None:
        """Remember findings."""
        self._rows.put_many({key: _encoder.encode(findings) for key, findings in entries.items()})

    def close(self) -> None:
        """Let go of the database."""
        self._rows.close()
