"""Real files, damaged at random: no error, no hang, and the same score for the same bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlready.audit import AuditOptions, Judged, audit_path
from mlready.config import Config
from mlready.errors import NothingToJudge

CHURN = Path(__file__).resolve().parents[2] / "examples" / "churn"
REAL = {p.relative_to(CHURN).as_posix(): p.read_bytes() for p in sorted(CHURN.rglob("*")) if p.is_file()} | {
    ".github/workflows/ci.yml": b"on: push\njobs:\n  t:\n    runs-on: x\n    steps:\n      - run: pytest && python train.py\n",
    "pyproject.toml": b'[project]\nname = "churn"\nversion = "1"\ndependencies = ["pandas>=2", "scikit-learn==1.7.2"]\n',
    "docker-compose.yml": b"services:\n  api:\n    build: .\n    ports: ['5000:5000']\n",
    "dvc.yaml": b"stages:\n  train:\n    cmd: python train.py\n    deps: [data/customers.csv]\n    outs: [model.pkl]\n",
    ".gitignore": b"*.pkl\n",
}
SPLINTERS = [
    b"\x00",
    b"\xff\xfe",
    b"\n",
    b"\r",
    b'"',
    b"'''",
    b"{",
    b"[" * 300,
    b")",
    b"\\",
    b"%",
    b"*a",
    b"&a ",
    b"\t",
    b"# %%\n",
]
ALONE = AuditOptions(jobs=1, use_cache=False, external=False)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, bytes]:
    """The example with up to four files cut, spliced, swapped or sprinkled."""
    files = dict(REAL)
    for path in draw(st.lists(st.sampled_from(sorted(REAL)), min_size=1, max_size=4, unique=True)):
        files[path] = draw(_damage(files[path]))
    return files


@st.composite
def _damage(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    match draw(st.sampled_from(["cut", "insert", "drop", "repeat", "swap", "bytes", "other"])):
        case "cut":
            return data[:at]
        case "insert":
            return data[:at] + draw(st.sampled_from(SPLINTERS)) + data[at:]
        case "drop":
            return data[:at] + data[at + draw(st.integers(1, 200)) :]
        case "repeat":
            return data[:at] + data[at : at + 40] * draw(st.integers(2, 50)) + data[at:]
        case "swap":
            return data[at:] + data[:at]
        case "bytes":
            return data[:at] + draw(st.binary(max_size=30)) + data[at:]
    return REAL[draw(st.sampled_from(sorted(REAL)))]


def judge(files: dict[str, bytes], order: list[str]) -> Judged | None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "project"
        for path in order:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(files[path])
        try:
            return audit_path(root, config=Config(), options=ALONE)
        except NothingToJudge:
            return None


@settings(max_examples=60, deadline=20_000, suppress_health_check=[HealthCheck.too_slow])
@given(files=damaged())
def test_damaged_files_never_end_the_audit_and_the_same_bytes_get_the_same_report(files: dict[str, bytes]) -> None:
    first, second = judge(files, sorted(files)), judge(files, sorted(files, reverse=True))
    assert (first and first.report) == (second and second.report)
    for rule in first.report.main.rules if first else ():
        assert "crashed" not in rule.reason, f"{rule.id}: {rule.reason}"
