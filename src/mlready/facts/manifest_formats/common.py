"""What all manifest readers share: one requirement from its text, groups from file names, Python versions."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Literal

from mlready.facts.masking import mask_text
from mlready.facts.reading import clean
from mlready.facts.rows import Requirement

MAX_REQUIREMENTS = 5_000

Source = Literal["index", "url", "vcs", "path", "conda"]

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_LOOSE = re.compile(rf"({_NAME})\s*(?:\[[^\]]*\])?\s*(?:\(?\s*((?:[<>=!~^]=?=?|=)[^;()]*?)\s*\)?)?\s*(?:;(.*))?\Z")
_VCS = re.compile(r"(?:git|hg|svn|bzr)\+|git@|git://")
_EGG = re.compile(rf"[#&]egg=({_NAME})")
_WHEEL = re.compile(rf"({_NAME})-\d[^/]*?\.(?:whl|tar\.gz|zip)(?:[#?].*)?\Z")
_ARCHIVE = re.compile(rf"/({_NAME})/(?:-/)?archive/")
_REPOSITORY = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*?)(?:\.git)?/?(?:@[^/]*)?(?:[#?].*)?\Z")
_PYTHON = re.compile(r"(?:c?python-?|py-?)?v?(\d+(?:\.\d+){0,2}(?:[a-z]+\d+)?)\Z", re.I)

_LIST_LINE = re.compile(r"(?P<space> *)(?P<dash>(?:- )?)(?P<key>[A-Za-z_]\w*):(?P<value>.*)")

_GROUP_WORDS = {
    "dev": "dev", "develop": "dev", "development": "dev", "devel": "dev", "local": "dev",
    "test": "test", "tests": "test", "testing": "test", "unittest": "test", "ci": "test",
    "doc": "docs", "docs": "docs", "documentation": "docs", "lint": "lint", "linting": "lint", "style": "lint",
    "build": "build", "constraints": "constraints", "constraint": "constraints",
}  # fmt: skip
_RUN_TIME_WORDS = frozenset(
    [
        "requirements",
        "requirement",
        "reqs",
        "req",
        "environment",
        "env",
        "conda",
        "pip",
        "base",
        "main",
        "core",
        "common",
        "default",
        "prod",
        "production",
        "run",
        "runtime",
        "all",
        "lock",
        "locked",
        "freeze",
        "frozen",
        "full",
        "min",
        "minimal",
        "minimum",
        "latest",
        "pinned",
        "txt",
        "in",
        "environments",
        "py",
        "install",
        "compiled",
        "hashed",
        "linux",
        "osx",
        "macos",
        "mac",
        "win",
        "windows",
        "arm64",
        "x86",
        "aarch64",
        "64",
        "noarch",
        "file",
        "spec",
        "python",
    ]
)


def requirement(text: str, *, group: str, line: int = 0, hashed: bool = False) -> Requirement | None:
    """One requirement as pip takes it (PEP 508, URL, path, VCS), or None where no name can be told."""
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    text = text.strip()
    if not text or len(text) > 2_000:
        return None
    try:
        parsed = Parsed(text)
    except InvalidRequirement:
        return _loose(text, group=group, line=line, hashed=hashed)
    return Requirement(
        name=normalize(parsed.name),
        spec=location(parsed.url) if parsed.url else str(parsed.specifier),
        group=group,
        line=line,
        marker=clean(str(parsed.marker or "")),
        hashed=hashed or "#sha256=" in (parsed.url or ""),
        source=source_of(parsed.url) if parsed.url else "index",
    )


def _loose(text: str, *, group: str, line: int, hashed: bool) -> Requirement | None:
    """What pip or its users write beside PEP 508: bare URLs and paths, `name=1.0`, `name>=1.*`."""
    kind = source_of(text)
    if kind != "index":
        name = _name_in_location(text, kind)
        return Requirement(name=name, spec=location(text), group=group, line=line, source=kind) if name else None
    found = _LOOSE.match(text)
    if not found:
        return None
    spec = re.sub(r"\s+", "", found[2] or "")
    marker = clean((found[3] or "").strip())
    return Requirement(name=normalize(found[1]), spec=spec, group=group, line=line, marker=marker, hashed=hashed)


def source_of(text: str) -> Source:
    """Where a requirement given by location comes from; "index" for one that is a plain name."""
    if _VCS.match(text):
        return "vcs"
    if text.startswith(("file:", ".", "/", "~")) or text.endswith((".whl", ".tar.gz")):
        return "url" if "://" in text and not text.startswith("file:") else "path"
    return "url" if re.match(r"[a-z+]{2,10}://", text) else "index"


def location(text: str) -> str:
    """A URL or path as it may be kept: without credentials."""
    return clean(mask_text(text))


def _name_in_location(text: str, kind: Source) -> str:
    if egg := _EGG.search(text):
        return normalize(egg[1])
    if wheel := _WHEEL.match(text.rpartition("/")[2]):
        return normalize(wheel[1])
    if archive := _ARCHIVE.search(text):
        return normalize(archive[1])
    if kind == "vcs" and (repository := _REPOSITORY.match(text.partition("#")[0].rpartition("/")[2])):
        return normalize(repository[1])
    if kind == "path" and text.startswith(("/", "~")):
        return normalize(text.rstrip("/").rpartition("/")[2])
    return ""


def normalize(name: str) -> str:
    """The name as PEP 503 writes it."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(clean(name.strip(), limit=200))


def python_spec(text: str) -> str:
    """A version of Python as a specifier: "3.11" and "python-3.11" -> "==3.11.*", "3.11.4" -> "==3.11.4"."""
    text = clean(text.strip())
    found = _PYTHON.match(text.lstrip("="))
    if not found:
        return "" if text in ("*", "latest", "system") else text
    version = found[1]
    return f"=={version}" if version.count(".") == 2 else f"=={version}.*"


def pinned_version(spec: str) -> str:
    """The version of an exact pin (`==1.2.3`, no wildcard), else ""."""
    found = re.fullmatch(r"===?\s*([^,*\s]+)", spec)
    return found[1] if found else ""


def group_of_file(path: str) -> str:
    """The group that a file's name tells: requirements-dev.txt -> "dev", requirements.txt -> ""."""
    folder, name = posixpath.split(path.lower())
    stem = re.sub(r"(?:\.(?:txt|in|pip|lock|ya?ml|toml))+\Z", "", name)
    words = [word for word in re.split(r"[^a-z0-9]+", stem) if word and not _is_run_time(word)]
    known = [_GROUP_WORDS[word] for word in words if word in _GROUP_WORDS]
    if known or words:
        return known[0] if known else "-".join(words)
    return {"docs": "docs", "doc": "docs", "tests": "test", "test": "test"}.get(folder.rpartition("/")[2], "")


def _is_run_time(word: str) -> bool:
    return word in _RUN_TIME_WORDS or bool(re.fullmatch(r"(?:py)?\d+", word))


def flat_entries(text: str, key: str) -> Iterator[dict[str, str]]:
    """Items of a top-level YAML list with their scalar keys, nested values as "".

    A scan of lines, since locks of conda reach megabytes and are always written by their tool in block style.
    """
    inside, indent = False, -1
    entry: dict[str, str] = {}
    for line in text.splitlines():
        if line[:1].isalpha():
            inside, indent = line.startswith(f"{key}:"), -1
        elif inside and (found := _LIST_LINE.match(line)):
            starts = found["dash"].startswith("-")
            indent = len(found["space"]) if indent < 0 and starts else indent
            if starts and len(found["space"]) == indent:
                if entry:
                    yield entry
                entry = {}
            if len(found["space"]) + len(found["dash"]) == indent + 2:
                entry[found["key"]] = clean(found["value"].strip("\"' "))
    if entry:
        yield entry


def beside(path: str, reference: str) -> str:
    """The path from the project's root of a file named in `path`, relative to its folder."""
    reference = clean(reference.strip()).replace("\\", "/").removeprefix("file:")
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), reference))
