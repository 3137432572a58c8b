"""What is taken for a credential, and the many things that only look like one.

Every credential here is made at random while the test runs: none is written down, none is real.
"""

from __future__ import annotations

import base64
import json
import random
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlready.external.env_files import env_finding
from mlready.external.finding import ExternalFinding
from mlready.external.secrets.formats import FORMATS, marks_of
from mlready.external.secrets.known import _CONNECTION, _connections
from mlready.external.secrets.scan import scan

_RANDOM = random.Random(20)
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
URLSAFE = ALNUM + "_-"


def rand(size: int, alphabet: str = ALNUM) -> str:
    return "".join(_RANDOM.choice(alphabet) for _ in range(size))


def found(text: str, path: str = "src/a.py", role: str = "source") -> list[ExternalFinding]:
    return list(scan(path, text.encode(), role=role))


def jwt() -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": rand(12), "iat": 1516239022})
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join([*encoded, rand(43, URLSAFE)])


def pem(kind: str = "RSA ") -> str:
    body = "\n".join(rand(64, ALNUM + "+/") for _ in range(6))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----\n"


KNOWN = {
    "aws-access-key": lambda: "AKIA" + rand(16, string.ascii_uppercase + string.digits),
    "github-token": lambda: "ghp_" + rand(36),
    "gitlab-token": lambda: "glpat-" + rand(20),
    "slack-token": lambda: f"xoxb-{rand(12, string.digits)}-{rand(12, string.digits)}-{rand(24)}",
    "slack-webhook": lambda: f"https://hooks.slack.com/services/T{rand(8)}/B{rand(8)}/{rand(24)}",
    "stripe-key": lambda: "sk_live_" + rand(24),
    "sendgrid-key": lambda: f"SG.{rand(22)}.{rand(43)}",
    "openai-key": lambda: f"sk-{rand(20)}T3BlbkFJ{rand(20)}",
    "anthropic-key": lambda: f"sk-ant-api03-{rand(93)}AA",
    "google-api-key": lambda: "AIza" + rand(35),
    "google-oauth-secret": lambda: "GOCSPX-" + rand(28),
    "huggingface-token": lambda: "hf_" + rand(34, string.ascii_letters),
    "npm-token": lambda: "npm_" + rand(36),
    "pypi-token": lambda: "pypi-AgEIcHlwaS5vcmc" + rand(100),
    "azure-storage-key": lambda: f"DefaultEndpointsProtocol=https;AccountName=prod;AccountKey={rand(86)}==",
    "databricks-token": lambda: "dapi" + rand(32, HEX),
    "replicate-token": lambda: "r8_" + rand(37),
    "langsmith-key": lambda: f"lsv2_pt_{rand(32, HEX)}_{rand(10, HEX)}",
    "telegram-token": lambda: f"{rand(9, '123456789')}:AA{rand(33)}",
}


@pytest.mark.parametrize("code", KNOWN)
def test_formats_of_providers_are_certain(code: str) -> None:
    for _ in range(10):
        value = KNOWN[code]()
        (finding,) = found(f'import os\nCLIENT = connect("{value}")\n')
        assert (finding.code, finding.line, finding.certain) == (code, 2, True)
        assert value not in finding.message
        assert value[:5] not in finding.message


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("openai-key", lambda: f'"sk-proj-{rand(74, URLSAFE)}T3BlbkFJ{rand(74, URLSAFE)}"'),
        ("github-token", lambda: f'"github_pat_{rand(22)}_{rand(59)}"'),
        ("aws-secret-key", lambda: f'aws_secret_access_key = "{rand(40, ALNUM + "/+")}"'),
        ("aws-secret-key", lambda: f"AWS_SECRET_ACCESS_KEY: {rand(40, ALNUM + '/+')}"),
        ("wandb-key", lambda: f'wandb.login(key="{rand(40, HEX)}")'),
        ("kaggle-key", lambda: f'{{"username":"someone","key":"{rand(32, HEX)}"}}'),
        ("private-key", pem),
        ("private-key", lambda: json.dumps({"private_key": pem("")})),
        ("connection-string", lambda: f'"postgresql://app:{rand(14)}7@db.prod-host.net:5432/x"'),
        ("connection-string", lambda: f'"mongodb+srv://app:{rand(14)}7@cluster0.abcde.mongodb.net"'),
    ],
)
def test_credentials_that_their_surroundings_tell(code: str, line: Any) -> None:
    findings = found(f"x = 1\n{line()}\n", "config/settings.txt", "config")
    assert [(finding.code, finding.line, finding.certain) for finding in findings] == [(code, 2, True)]


@pytest.mark.parametrize(
    "text",
    [
        "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOt"
        "r/KBHBeksoGMGw==",
        "AWS_ACCESS_KEY_ID=AKIA" + "IOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
        "token = 'ghp_" + "x" * 36 + "'",
        "token = 'ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz" + "'",
        "token = 'hf_" + "your_token_here_your_token_here_ab" + "'",
        "key = 'sk-ant-api03-" + "." * 20 + "'",
        "OPENAI_API_KEY=sk-...",
        'password = "{{ password }}"',
        'password = "${DB_PASSWORD}"',
        "url = 'postgresql://user:password@localhost:5432/db'",
        "url = 'postgresql://postgres:postgres@db.internal.net/db'",
        "url = f'postgresql://{user}:{password}@{host}/db'",
        "url = 'postgresql://user:$PASSWORD@prod.net/db'",
        "url = 'https://user:Sup3rS3cret@example.com/x'",
        "if text.startswith('-----BEGIN RSA PRIVATE KEY-----'): pass",
        "pem = '-----BEGIN PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----'",
        "pad_token = '<|endoftext|>12345'",
        "tokenizer.pad_token = 'abc12345def67890'",
        "token = os.environ['HF_TOKEN_2024_main1']",
        'SECRET_NAME = "projects/1234/secrets/x9"',
        'api_key = "OPENAI_API_KEY_V2"',
        'secret_name = "prod-db-password-2024"',
        'password_hash = "9f86d081884c7d659a2feaa0c55ad015"',
        'commit = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"',
        "md5: 9f86d081884c7d659a2feaa0c55ad015",
        'run_id = "9f86d081884c7d659a2feaa0c55ad015"',
        'token = "123e4567-e89b-12d3-a456-426614174000"',
        'next_token = "the-quick-brown"',
        "# password = 'Sw0rdf1sh!x'",
        "password = getpass('Password for user1: ')",
        'parser.add_argument("--api-key", default="")',
        "SG.configure_the_graph.with_many_words_in_it",
        f"![](https://pictures.blob.core.net/a.png?se=2016-09-30&sr=b&sig={'aB3x' * 11}%3D)",
        "SECRET_KEY = 'change-me-to-a-64-char-random-string'",
        "checksum/token-secret: '24dcfa3c12c1f925fd9fd3fe84d7e3c7'",
        "# Example: backend = db+postgresql://tracker:fl1ghtd3ck@store.internal.net/runs",
    ],
)
def test_what_only_looks_like_one(text: str) -> None:
    assert found(text + "\n") == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('db_password = "Sw0rdf1sh!x"', "src/a.py"),
        ('config = {"api_key": "%KEY%"}', "src/a.py"),
        ("password: Sw0rdf1sh!x", "config/db.yaml"),
        ("MY_API_KEY=%KEY%", ".env"),
        ("ENV ADMIN_PASSWORD=Sw0rdf1sh!x", "Dockerfile"),
    ],
)
def test_assignments_only_warn(text: str, path: str) -> None:
    findings = found(text.replace("%KEY%", rand(24)) + "\n", path, "config")
    assert [(finding.code, finding.certain) for finding in findings] == [("generic-secret", False)]


def test_assignments_are_no_finding_in_tests_documents_and_lock_files() -> None:
    text = 'password = "Sw0rdf1sh!x"\n'
    for path, role in (
        ("tests/a.py", "test"),
        ("README.md", "docs"),
        ("poetry.lock", "config"),
        ("ex/a.py", "example"),
    ):
        assert found(text, path, role) == []


def test_an_environment_file_that_only_passes_variables_on_is_no_finding() -> None:
    assert env_finding("drift/.env.docker", b"MODE=dev\nDB_PASSWORD=${DB_PASSWORD}\nREDIS_PASSWORD=$REDIS\n") is None
    assert env_finding("drift/.env.docker", b"DB_PASSWORD=${DB}\nREDIS_PASSWORD=h7Gq2Lw9\n") is not None


def test_a_web_token_is_never_certain() -> None:
    (finding,) = found(f'token = "{jwt()}"\n')
    assert (finding.code, finding.certain) == ("jwt", False)


def test_a_local_database_password_only_warns() -> None:
    (finding,) = found(f'url = "postgresql://app:{rand(12)}8@localhost/db"\n')
    assert (finding.code, finding.certain) == ("connection-string", False)


def test_base64_and_longer_words_hold_no_key() -> None:
    key = "AKIA" + rand(16, string.ascii_uppercase + string.digits)
    assert found(f'x = "{rand(40)}{key}{rand(40)}"\n') == []
    assert found(f'x = "ab/{key}+cd"\n') == []


def test_a_marker_of_the_audited_project_hides_nothing() -> None:
    value = KNOWN["github-token"]()
    assert found(f'x = "{value}"  # pragma: allowlist secret  # noqa  # nosec\n')


def notebook(*cells: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"cells": list(cells), "nbformat": 4, "nbformat_minor": 5, **more}, indent=1).encode()


def code(*lines: str, outputs: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": [line + "\n" for line in lines], "outputs": outputs or []}


def test_a_notebook_is_located_by_cell_and_raw_line() -> None:
    value = KNOWN["openai-key"]()
    data = notebook({"cell_type": "markdown", "source": "# hi"}, code("import os", f'key = "{value}"'))
    (finding,) = scan("n.ipynb", data, role="notebook")
    assert (finding.cell, finding.line) == (2, 2)
    assert value in data.decode().splitlines()[finding.raw_line - 1]


def test_saved_outputs_are_scanned_pictures_and_widgets_are_not() -> None:
    value, other = KNOWN["huggingface-token"](), KNOWN["github-token"]()
    stream = {"output_type": "stream", "name": "stdout", "text": ["logging in\n", f"using {value}\n"]}
    picture = {"output_type": "display_data", "data": {"image/png": f'"{other}"', "text/plain": "<Figure>"}}
    error = {"output_type": "error", "traceback": [f"\x1b[31mbad {KNOWN['google-api-key']()}\x1b[0m"]}
    data = notebook(code("x", outputs=[stream, picture, error]), metadata={"widgets": {"state": f'"{other}"'}})
    findings = scan("n.ipynb", data, role="notebook")
    assert [(f.code, f.cell, f.line, "saved output" in f.message) for f in findings] == [
        ("huggingface-token", 1, 0, True),
        ("google-api-key", 1, 0, True),
    ]


def test_a_broken_notebook_is_scanned_as_text() -> None:
    value = KNOWN["github-token"]()
    (finding,) = scan("n.ipynb", b'{"cells": [\n"' + value.encode() + b'"', role="notebook")
    assert finding.line == 2


def test_binary_content_is_passed_over() -> None:
    assert scan("a.txt", b"\0\1" + KNOWN["github-token"]().encode(), role="other") == ()


def test_a_long_line_takes_no_long_time() -> None:
    import time

    text = "x = '" + "sk-eyJ SG. password=hf_ ://a:b" * 60_000 + "'"
    begin = time.monotonic()
    found(text)
    assert time.monotonic() - begin < 5


MARKS = sorted({mark for form in FORMATS for mark in form.marks})


@given(st.lists(st.sampled_from(MARKS) | st.text(max_size=8)), st.integers(0, 120_000))
def test_one_pass_finds_the_marks_that_a_search_for_each_finds(parts: list[str], padding: int) -> None:
    text = "é" * padding + "".join(parts)
    assert marks_of(text) == {mark for mark in MARKS if mark in text}


PIECES = [
    "s3",
    "http",
    "postgresql",
    "://",
    "@",
    ":",
    "/",
    " ",
    '"',
    ".",
    "user",
    "p" * 70,
    "w" * 119,
    "db.example",
    "\n",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_connection_strings_are_those_that_a_search_of_the_whole_text_finds(text: str) -> None:
    assert [match.span() for match in _connections(text)] == [match.span() for match in _CONNECTION.finditer(text)]


@given(st.text(max_size=300), st.sampled_from(sorted(KNOWN)))
def test_no_value_is_ever_shown(around: str, code: str) -> None:
    value = KNOWN[code]()
    for finding in found(f"{around}\nkey = '{value}' {around}\n"):
        assert value not in repr(finding)
        assert value[4:12] not in finding.message


@given(st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["cells", "outputs", "source", "data", "text", "worksheets", "cell_type"]), x), max_leaves=20))  # fmt: skip
def test_any_json_is_a_notebook_or_none(document: Any) -> None:
    scan("n.ipynb", json.dumps(document).encode(), role="notebook")
