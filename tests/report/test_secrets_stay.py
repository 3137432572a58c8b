"""No format, baseline, cache or log ever holds a credential: every byte that a run writes is searched."""

from __future__ import annotations

import json
import os
import random
import string
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gates.samples import TRAIN, notebook
from mlready.cli.audit import FORMATS

ALNUM = string.ascii_letters + string.digits
_RANDOM = random.Random(11)


def rand(size: int, letters: str = ALNUM) -> str:
    return "".join(_RANDOM.choices(letters, k=size))


SECRETS = {
    "aws": "AKIA" + rand(16, string.ascii_uppercase + string.digits),
    "github": "ghp_" + rand(36),
    "openai": f"sk-{rand(20)}T3BlbkFJ{rand(20)}",
    "hugging face": "hf_" + rand(34, string.ascii_letters),
    "slack": f"xoxb-{rand(12, string.digits)}-{rand(12, string.digits)}-{rand(24)}",
    "stripe": "sk_live_" + rand(24),
    "google": "AIza" + rand(35),
    "password": rand(18),
    "generic": rand(40),
    "in an output": "ghp_" + rand(36),
    "in a test": "glpat-" + rand(20),
    "suppressed": "ghp_" + rand(36),
}
KEY = [rand(64, ALNUM + "+/") for _ in range(6)]


def project() -> dict[str, str]:
    book = json.loads(notebook("x = 1", f"client = Client(token='{SECRETS['hugging face']}')\nopen('/home/ann/a')"))
    book["cells"][0]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": [f"token is {SECRETS['in an output']}\n"]}
    ]
    return {
        "train.py": TRAIN.replace(
            "    model = ", f"    key = '{SECRETS['aws']}'  # mlready: ignore[REP] no\n    model = "
        ),
        "a.py": f"import openai\nopen('/home/ann/a.csv')\nopenai.api_key = '{SECRETS['openai']}'\nopen('/home/ann/b.csv')\n",
        "b.py": f"URL = 'postgresql://ann:{SECRETS['password']}@db.acme-data.io/x'\npd = open('/home/ann/c.csv')\n",
        "c.py": f"API_SECRET = '{SECRETS['generic']}'\nopen('/home/ann/{SECRETS['github']}/d.csv')\n",
        "keys.py": 'KEY = """-----BEGIN RSA PRIVATE KEY-----\n' + "\n".join(KEY) + '\n-----END RSA PRIVATE KEY-----"""\nopen("/home/ann/x")\n',
        "kept.py": f"T = '{SECRETS['suppressed']}'  # mlready: ignore[DES008] revoked\nopen('/home/ann/e.csv')\n",
        ".env": f"STRIPE_KEY={SECRETS['stripe']}\n",
        ".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
        f"      - run: curl -H 'Authorization: Bearer {SECRETS['slack']}' https://example.com\n",
        "config.yaml": f"google:\n  api_key: {SECRETS['google']}\n",
        "tests/test_a.py": f"TOKEN = '{SECRETS['in a test']}'\n\ndef test_a():\n    assert open('/home/ann/x')\n",
        "notebooks/a.ipynb": json.dumps(book, indent=1),
    }  # fmt: skip


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Everything that runs in all formats print and write, by what it is."""
    folder = tmp_path_factory.mktemp("secrets")
    root, cache = folder / "project", folder / "cache"
    for name, content in project().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], cwd=root, check=True)
    found: dict[str, bytes] = {}
    base = folder / "baseline.json"
    runs = {format_: ["--format", format_, "-v"] for format_ in FORMATS}
    runs["baseline"] = ["--write-baseline", str(base)]
    runs["ratchet"] = ["--baseline", str(base), "--fail-on", "warning", "--format", "json"]
    for name, words in runs.items():
        done = subprocess.run(
            [sys.executable, "-m", "mlready", "audit", *words],
            cwd=root, capture_output=True, env={**os.environ, "MLREADY_CACHE_DIR": str(cache)}, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr.decode()
        found[f"{name} stdout"], found[f"{name} stderr"] = done.stdout, done.stderr
    found["baseline file"] = base.read_bytes()
    found |= {f"cache {path.name}": path.read_bytes() for path in cache.rglob("*") if path.is_file()}
    return found


def shapes(value: str) -> Iterator[bytes]:
    """A value as it stands, and each stretch of it that would be enough."""
    size = min(len(value), 12)
    for start in range(0, len(value) - size + 1, 4):
        yield value[start : start + size].encode()


@pytest.mark.parametrize("name", SECRETS)
def test_no_trace_of_a_credential(traces: dict[str, bytes], name: str) -> None:
    leaks = {where for where, data in traces.items() for shape in shapes(SECRETS[name]) if shape in data}
    assert leaks == set()


def test_no_trace_of_a_private_key(traces: dict[str, bytes]) -> None:
    assert {where for where, data in traces.items() for line in KEY if line[:20].encode() in data} == set()


def test_the_credentials_were_found(traces: dict[str, bytes]) -> None:
    """The search would be worthless if the audit had not seen them."""
    report = json.loads(traces["json stdout"])
    sites = [s for f in report["factors"] for r in f["rules"] if r["id"] == "DES008" for s in r["sites"]]
    assert {"a.py", "b.py", "keys.py", "kept.py", "train.py", "notebooks/a.ipynb"} <= {s["path"] for s in sites}
    assert len(traces["html stdout"]) > 10_000
    assert b"/home/ann/b.csv" in traces["html stdout"]
    assert len([name for name in traces if name.startswith("cache ")]) >= 2
