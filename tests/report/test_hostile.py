"""Names, code and outputs of an audited project are text in a report, never markup, commands or control sequences."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from gates.samples import TRAIN, notebook
from mlready.cli.audit import FORMATS

from .conftest import Audit, shown

NAMES = [
    "<img src=x onerror=alert(1)>.py",
    '"><script>alert(1)<∕script>.py',
    "'onmouseover='alert(1).py",
    "](javascript:alert(1)).py",
    "`@everyone` <b>.py",
    "::error file=x::pwned.py",
    "%0A::set-output name=x::y.py",
    "a|b|c.py",
    "]]>.py",
    "${{ secrets.GITHUB_TOKEN }}.py",
    "$(touch pwned);&#x3C;.py",
    "--><!--.py",
]
CODE = "open('/home/ann/a.csv'); evil = '/home/b/</script><script>alert(1)</script>]]>-->\\x1b[31m'\n"


def project() -> dict[str, str]:
    book = json.loads(notebook(CODE, "x = 1", ids=('"><svg onload=alert(1)>', "b")))
    book["cells"][1]["outputs"] = [
        {"output_type": "error", "ename": "<script>alert(1)</script>", "evalue": "<b>", "traceback": []}
    ]
    reason = "# mlready: ignore[DES007] <script>alert(2)</script> `::error::`"
    return {
        "train.py": TRAIN,
        "notebooks/<i>a.ipynb": json.dumps(book, indent=1),
        "kept.py": f"{CODE.rstrip()}  {reason}\n",
        "broken <script>.py": "def (:\n",
        "mlready.toml": '[[suppress]]\npath = "<script>alert(3)</script>"\nrules = ["REP004"]\nreason = "<b>"\n',
        **dict.fromkeys(NAMES, CODE),
    }


@pytest.mark.parametrize("format_", FORMATS)
def test_no_control_characters(audit: Audit, format_: str) -> None:
    text = shown(format_, audit(project()))
    assert [char for char in text if not char.isprintable() and char != "\n"] == []


class _Page(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_html_holds_our_tags_only(audit: Audit) -> None:
    text = shown("html", audit(project()))
    page = _Page()
    page.feed(text)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"img", "svg", "iframe", "object", "embed", "base", "link", "i2"}
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert {name for _, attrs in page.tags for name in attrs if name.startswith("on")} == set()
    assert {a["href"] for tag, a in page.tags if tag == "a" and not str(a["href"]).startswith("#p0-")} == set()
    assert not re.search(r"(?:src|href)=.?(?:https?:)?//|url\(", text), "nothing is fetched"
    words = "".join(page.words)
    for name in NAMES:
        assert name in words, "the name is shown as it is"


def test_markdown_has_no_live_markup(audit: Audit) -> None:
    from markdown_it import MarkdownIt

    judged = audit(project(), fail_on="warning")
    text = shown("markdown", judged)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    allowed = {"<!-- mlready-audit -->", "</details>"}
    blocks = [line for t in tokens if t.type == "html_block" for line in t.content.strip().splitlines()]
    assert all(b in allowed or re.fullmatch(r"<details><summary>[\w ,]+</summary>", b) for b in blocks), blocks
    assert {child.type for child in inline} <= {"text", "code_inline", "strong_open", "strong_close", "softbreak"}
    outside = " ".join(child.content for child in inline if child.type == "text")
    assert "@everyone" not in outside
    assert "alert(" not in outside


def test_github_lines_are_ours(audit: Audit) -> None:
    for line in shown("github", audit(project())).splitlines():
        assert re.match(r"::(error|warning|notice) file=[^:]*,line=\d+,title=[A-Z]{3}\d{3} [a-z-]+::|mlready: ", line)


def test_xml_and_json_stay_well_formed(audit: Audit) -> None:
    judged = audit(project())
    ET.fromstring(shown("junit", judged))
    for format_ in ("json", "sarif", "gitlab", "shield"):
        json.loads(shown(format_, judged))
