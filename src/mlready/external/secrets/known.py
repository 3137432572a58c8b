"""Credentials of known formats, and passwords in connection strings, in one text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlready.external.secrets.fakes import entropy, is_fake
from mlready.external.secrets.formats import FORMATS, Format, is_web_token, marks_of, spans

MAX_HITS = 50
"""Findings a text: a dump of keys needs no longer list."""
_MAX_WINDOWS = 2_000
_BEFORE = 120
_AFTER = 420
_TOKEN_CHAR = re.compile(r"[A-Za-z0-9_]")
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/]{40}")
_PREFIXES = ("AKIA", "ASIA", "ABIA", "ACCA")


@dataclass(frozen=True, slots=True)
class Hit:
    """A credential at text[start:end]; the text of it goes no further than this package."""

    code: str
    title: str
    start: int
    end: int
    shown: str
    """At most four characters."""
    certain: bool


Marks = tuple[tuple[Format, str], ...]


def marks_in(text: str) -> Marks:
    """The formats that a text can hold at all: asked once for a file, before its parts are looked at."""
    present = marks_of(text)
    return tuple((form, mark) for form in FORMATS for mark in form.marks if mark in present) if present else ()


def find_known(text: str, marks: Marks) -> list[Hit]:
    """Credentials of providers' formats and connection strings with passwords, without duplicates, in text order."""
    hits: dict[tuple[int, int], Hit] = {}
    for form, mark in marks:
        for hit in _of_format(text, form, mark):
            hits.setdefault((hit.start, hit.end), hit)
    for hit in _connection_strings(text):
        hits.setdefault((hit.start, hit.end), hit)
    return sorted(hits.values(), key=lambda hit: hit.start)[:MAX_HITS]


def _of_format(text: str, form: Format, mark: str) -> Iterator[Hit]:
    for begin, end in _windows(text, mark):
        for start, stop in spans(form, text, begin, end):
            if _is_credible(text, form, start, stop):
                shown = text[start : min(start + form.shown, start + 4, stop)]
                yield Hit(form.code, form.title, start, stop, shown, form.certain)


def _windows(text: str, mark: str) -> Iterator[tuple[int, int]]:
    """Stretches around each mark, those that overlap as one; a bounded number."""
    at, done, begin, end = text.find(mark), 0, -1, -1
    while at >= 0 and done < _MAX_WINDOWS:
        if end < 0 or at - _BEFORE > end or end - begin > 50_000:
            if end > 0:
                yield begin, end
            begin = max(0, at - _BEFORE)
        end = min(len(text), at + len(mark) + _AFTER)
        done += 1
        at = text.find(mark, at + len(mark))
    if end > 0:
        yield begin, end


def _is_credible(text: str, form: Format, start: int, end: int) -> bool:
    value = text[start:end]
    if form.code == "private-key":
        return _has_key_material(text, end)
    if form.code == "aws-access-key" and not value.startswith(_PREFIXES):
        return False  # the plugin's second pattern: judged by our own "aws-secret-key"
    if form.code == "slack-token" and value.startswith("http"):
        return False
    if form.code == "azure-sas-token" and _EXPIRED.search(text, max(0, start - 400), end + 200):
        return False
    if form.code == "jwt":
        return value.count(".") == 2 and len(value) > 60 and is_web_token(value)
    if form.code == "aws-secret-key" and re.fullmatch(r"[0-9a-f]{40}", value):
        return False
    cut = bool(start and _TOKEN_CHAR.match(text[start - 1])) or bool(_TOKEN_CHAR.match(text[end : end + 1]))
    in_base64 = bool(start) and text[start - 1] in "/+" and text[start - 2 : start - 1].isalnum() and form.shown == 4
    return not cut and not in_base64 and not is_fake(_random_part(value)) and entropy(value[-24:]) > 2.8


_EXPIRED = re.compile(r"[?&]se=20(?:1\d|2[0-4])-")
"""An address that was signed for a time long past opens nothing."""


def _random_part(value: str) -> str:
    """What follows the provider's prefix: `sk-proj-…` must not be judged by its own fixed words."""
    return re.sub(
        r"^(?:sk-ant-\w+-|[a-z]{2,6}[-_](?:(?:proj|svcacct|admin|pat|live|v1|pt|dev|prod|org)[-_])?)", "", value
    )


def _has_key_material(text: str, end: int) -> bool:
    """A header alone is a constant of some parser; an encrypted key is no open secret."""
    following = text[end : end + 700].replace("\\n", " ")
    found = _BASE64_RUN.search(following)
    if found is None or "ENCRYPTED" in following[: found.start()] or "ENCRYPTED" in text[max(0, end - 40) : end]:
        return False
    return "-----END" not in following[: found.start()] and not is_fake(found.group())


_CONNECTION = re.compile(
    r"\b(?P<scheme>[a-z][a-z0-9+]{1,20})://(?P<user>[^\s:/@\"'`<>{}$]{1,80}):(?P<password>[^\s/@\"'`<>{}]{1,120})@"
    r"(?P<host>[A-Za-z0-9_.-]{1,200})",
)
_SCHEME = 21
_LOGIN = len("://") + 80 + len(":") + 120 + len("@")
_HOST = 200
"""Characters that the parts of a connection string have at most."""
_LOCAL = re.compile(
    r"^(?:localhost|127\.|0\.0\.0\.0|::1|10\.|192\.168\.|host\.docker\.internal)|^[^.]*$|\.(?:local|test|invalid)$"
)
_RESERVED = re.compile(r"(?:^|\.)example\.(?:com|org|net)$|^(?:host|hostname|server|ip|domain)\b", re.IGNORECASE)
_WEAK = re.compile(
    r"^(?:pass(?:word|wd)?|pwd|secret|admin|root|user(?:name)?|guest|postgres|mysql|mongo|redis|airflow|mlflow|minio|test|changeme|pw|token|"
    r"key|p|pass\d{0,4}|password\d{0,4}|\*+|x+|\.+)$",
    re.IGNORECASE,
)


def _connections(text: str) -> Iterator[re.Match[str]]:
    """All matches of _CONNECTION, tried only where "@" follows "://" soon: most addresses hold no password."""
    at, done = text.find("://"), 0
    while at >= 0:
        if text.find("@", at, at + _LOGIN) >= 0:
            match = _CONNECTION.search(text, max(done, at - _SCHEME), at + _LOGIN + _HOST)
            if match is not None and match.end("scheme") == at:
                yield match
                done = match.end()
        at = text.find("://", max(at + 1, done))


def _connection_strings(text: str) -> Iterator[Hit]:
    for match in _connections(text):
        user, password, host = match["user"], match["password"], match["host"]
        same = password.lower() == user.lower()
        if same or _WEAK.match(password) or is_fake(password) or _RESERVED.search(host) or "$" in password:
            continue
        if text[text.rfind("\n", 0, match.start()) + 1 : match.start()].lstrip().startswith(("#", "//", ";")):
            continue  # How it would be written, told in a comment.
        start, end = match.span("password")
        certain = not _LOCAL.search(host) and len(password) >= 8 and not re.fullmatch(r"[A-Za-z]+", password)
        yield Hit("connection-string", f"{match['scheme']} connection string with a password", start, end, "", certain)
