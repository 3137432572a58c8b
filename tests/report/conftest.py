from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlready.audit import AuditOptions, Judged, audit_path
from mlready.config import load_config
from mlready.report import render

Audit = Callable[..., Judged]


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Audit:
    """Writes files into a project, goes there, and audits it."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("MLREADY_CACHE_DIR", str(tmp_path / "cache"))

    def call(files: Mapping[str, str | bytes], path: str = ".", **options: object) -> Judged:
        for name, content in files.items():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        chosen = AuditOptions(jobs=1, **options)  # type: ignore[arg-type]
        return audit_path(Path(path), config=load_config(Path(path)), options=chosen)

    return call


def shown(format_: str, *judged: Judged, previous: Path | None = None) -> str:
    return render(format_, judged, previous=previous)
