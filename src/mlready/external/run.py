"""Runs all external tools over a project, beside our own reading: `start` early, `result` late.

Each file is read once. What is remembered for its content is taken from the cache; of the others a copy is laid into an
empty folder for the programs, and credentials are looked for in the bytes at hand.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlready import __version__
from mlready.external.checkers import CHECKERS, MAX_PER_FILE, Checker
from mlready.external.env_files import ENV_FILE, env_finding
from mlready.external.finding import ExternalFinding
from mlready.external.secrets.scan import SCAN_VERSION, TOOL, scan
from mlready.external.store import Findings, FindingsCache, key_of
from mlready.external.tools import PINNED, ToolFailed, version_of

if TYPE_CHECKING:
    from mlready.project.inventory import File, Inventory

Reports = dict[str, "Findings | str"]
"""Tool -> its findings in order of path and line, or the reason why nothing is known."""

_DATA_SUFFIXES = (".json", ".txt", ".yaml", ".yml", ".xml", ".html")
_DATA_LIMIT = 1_000_000
_NOT_SCANNED = frozenset(("vendored", "generated", "model"))
_BINARY = (
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".ico", ".pdf", ".zip", ".gz", ".tar", ".whl", ".so", ".dll", ".exe",
    ".mp4", ".mov", ".ttf", ".woff", ".woff2", ".svg", ".pyc", ".jar", ".bin", ".wasm",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """A file to be looked at."""

    path: str
    role: str
    size: int
    tracked: bool = True


class Pending:
    """Tools at work in a thread of their own."""

    def __init__(self, work: Callable[[], tuple[Reports, dict[str, str]]]) -> None:
        self._outcome: tuple[Reports, dict[str, str]] | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), name="mlready-external", daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], tuple[Reports, dict[str, str]]]) -> None:
        try:
            self._outcome = work()
        except BaseException as error:
            self._error = error

    def result(self) -> tuple[Reports, dict[str, str]]:
        """Wait; then findings (or a reason) by tool, and the versions of the tools that can be used."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._outcome is not None
        return self._outcome


def start(inventory: Inventory, files: Iterable[File], *, use_cache: bool = True) -> Pending:
    """Begin to run every tool over these files of a project."""
    from mlready.project.inventory import read_bytes

    by_path = {file.path: file for file in files}
    # Without a repository nothing says what is tracked: what lies there is taken for a part of the project.
    all_tracked = inventory.git.kind == "none"
    items = [Item(file.path, file.role, file.size, all_tracked or file.tracked) for file in by_path.values()]
    return Pending(
        lambda: run_tools(items, lambda path: read_bytes(inventory.root, by_path[path]), use_cache=use_cache)
    )


def run_tree(files: Mapping[str, bytes]) -> tuple[Reports, dict[str, str]]:
    """Run every tool over a project in memory, as examples of rules are."""
    from mlready.project.roles import package_folders, role_of, vendored_folders

    packages, vendored = package_folders(files), vendored_folders(files)
    items = [
        Item(path, role_of(path, packages=packages, vendored=vendored), len(files[path])) for path in sorted(files)
    ]
    return run_tools(items, lambda path: files[path], use_cache=False)


def run_tools(
    items: Iterable[Item], read: Callable[[str], bytes], *, use_cache: bool
) -> tuple[Reports, dict[str, str]]:
    """Findings (or a reason) by tool, and versions; blocks until all are done."""
    job = _Job(versions={}, broken={})
    for checker in CHECKERS:
        job.probe(checker.name, checker.distribution)
    job.probe(TOOL, "detect-secrets")
    chosen = [(item, tools) for item in items if (tools := _tools_for(item))]
    with (
        tempfile.TemporaryDirectory(prefix="mlready-", ignore_cleanup_errors=True) as name,
        closing(_cache(use_cache)) as cache,
    ):
        _look_at_all(job, chosen, read, Path(name).resolve(), cache)
    reports: Reports = {tool: _ordered(job.found.get(tool, [])) for tool in (*(c.name for c in CHECKERS), TOOL)}
    wanted = {tool for _, tools in chosen for tool in tools}
    reports |= {tool: reason for tool, reason in job.broken.items() if tool in wanted}
    return reports, job.versions


@dataclass
class _Job:
    """What is known so far."""

    versions: dict[str, str]
    broken: dict[str, str]
    found: dict[str, list[ExternalFinding]] = field(default_factory=dict)
    copies: dict[str, dict[str, str]] = field(default_factory=dict)
    fresh: dict[str, tuple[bytes, list[ExternalFinding]]] = field(default_factory=dict)
    """Path of a file that the cache did not know -> its key and what was found in it."""

    def probe(self, tool: str, distribution: str) -> None:
        try:
            self.versions[distribution] = version_of(distribution)
        except ToolFailed as failure:
            self.broken[tool] = str(failure)

    def add(self, finding: ExternalFinding) -> None:
        self.found.setdefault(finding.tool, []).append(finding)
        if finding.path in self.fresh:
            self.fresh[finding.path][1].append(finding)


def _tools_for(item: Item) -> tuple[str, ...]:
    names = [checker.name for checker in CHECKERS if checker.wants(item.path, item.role)]
    return (*names, TOOL) if _is_scanned(item) else tuple(names)


def _is_scanned(item: Item) -> bool:
    """Text of people, not data sets, models or what others wrote."""
    lower = item.path.lower()
    if item.role in _NOT_SCANNED or lower.endswith(_BINARY):
        return False
    return item.role != "data" or (lower.endswith(_DATA_SUFFIXES) and item.size <= _DATA_LIMIT)


def _look_at_all(
    job: _Job,
    chosen: list[tuple[Item, tuple[str, ...]]],
    read: Callable[[str], bytes],
    folder: Path,
    cache: FindingsCache | _NoCache,
) -> None:
    for start_at in range(0, len(chosen), 200):
        batch: dict[bytes, tuple[Item, tuple[str, ...], bytes]] = {}
        for item, tools in chosen[start_at : start_at + 200]:
            with suppress(OSError):  # the reader of facts says why
                data = read(item.path)
                batch[key_of(data, salt=_salt(item, tools))] = (item, tools, data)
        known = cache.get_many(list(batch))
        for key, (item, tools, data) in batch.items():
            if key in known:
                for finding in known[key]:
                    job.add(finding)
            else:
                job.fresh[item.path] = (key, [])
                _look_at(job, item, tools, data, folder)
    _run_checkers(job, folder)
    if not job.broken:
        cache.put_many({key: tuple(findings) for key, findings in job.fresh.values()})


def _salt(item: Item, tools: tuple[str, ...]) -> str:
    settings = [checker.settings for checker in CHECKERS if checker.name in tools]
    return "\0".join(
        (__version__, str(SCAN_VERSION), str(PINNED), *tools, *settings, item.path, item.role, str(item.tracked))
    )


def _look_at(job: _Job, item: Item, tools: tuple[str, ...], data: bytes, folder: Path) -> None:
    for checker in CHECKERS:
        if checker.name in tools and checker.name not in job.broken:
            _copy(job, checker, item.path, data, folder / checker.name)
    if TOOL in tools and TOOL not in job.broken:
        findings = [*scan(item.path, data, role=item.role)]
        if item.tracked and ENV_FILE.search(item.path) and (told := env_finding(item.path, data)) is not None:
            findings.insert(0, told)
        for finding in findings:
            job.add(finding)


def _copy(job: _Job, checker: Checker, path: str, data: bytes, folder: Path) -> None:
    copies = job.copies.setdefault(checker.name, {})
    name = checker.copy_name(len(copies), path, data)
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    copies[name] = path


def _run_checkers(job: _Job, folder: Path) -> None:
    """All programs at once; each reads copies of its own."""
    outcomes: dict[str, list[ExternalFinding] | ToolFailed] = {}

    def work(checker: Checker, copies: Mapping[str, str]) -> None:
        try:
            outcomes[checker.name] = list(_bounded(checker.check(folder / checker.name, copies)))
        except ToolFailed as failure:
            outcomes[checker.name] = failure
        except (OSError, ValueError) as error:
            outcomes[checker.name] = ToolFailed(f"{checker.name}: {error}")

    threads = [
        threading.Thread(target=work, args=(checker, job.copies[checker.name]), daemon=True)
        for checker in CHECKERS
        if job.copies.get(checker.name)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, outcome in sorted(outcomes.items()):
        if isinstance(outcome, ToolFailed):
            job.broken[name] = str(outcome)
        else:
            for finding in outcome:
                job.add(finding)


def _bounded(findings: Iterable[ExternalFinding]) -> Iterator[ExternalFinding]:
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.path] = counts.get(finding.path, 0) + 1
        if counts[finding.path] <= MAX_PER_FILE:
            yield finding


def _ordered(findings: list[ExternalFinding]) -> Findings:
    return tuple(sorted(findings, key=lambda one: (one.path, one.cell, one.line, one.code, one.message)))


class _NoCache:
    """Remembers nothing."""

    def get_many(self, _keys: list[bytes]) -> dict[bytes, Findings]:
        return {}

    def put_many(self, _entries: Mapping[bytes, Findings]) -> None:
        return None

    def close(self) -> None:
        return None


def _cache(use_cache: bool) -> FindingsCache | _NoCache:
    return FindingsCache() if use_cache else _NoCache()
