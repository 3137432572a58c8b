"""Speed and memory as ratios, all measured in one run: `make bench`.

The project that is audited is the source distribution of a large public library, fetched with pip. The floor is what
nobody can go below: `ast.parse` of the same Python files on the same number of cores. Rounds are interleaved, so that
load from elsewhere falls on all alike, and the best round of each counts; CPU seconds stand beside wall-clock seconds
because they are steadier on a busy machine.

    python -m tests.benchmarks.bench [--package NAME==VERSION] [--folder TREE] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

PACKAGE = "transformers==4.56.2"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mlready-bench"

FLOOR = """
import ast, gc, sys, warnings
from multiprocessing import get_context
warnings.simplefilter("ignore")
gc.disable()
def parse(paths):
    for path in paths:
        try:
            with open(path, "rb") as file:
                ast.parse(file.read())
        except (SyntaxError, ValueError):
            pass
if __name__ == "__main__":
    paths = sys.stdin.read().split("\\0")
    cores = int(sys.argv[1])
    if cores == 1:
        parse(paths)
    else:
        with get_context("fork").Pool(cores) as pool:
            pool.map(parse, [paths[i::cores * 8] for i in range(cores * 8)], chunksize=1)
"""


def say(text: str, *, end: str = "\n", stream: TextIO = sys.stdout) -> None:
    """Write for the person who waits."""
    stream.write(text + end)
    stream.flush()


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took: wall-clock and CPU seconds of all its processes, peak memory of them together in MB."""

    wall: float
    cpu: float
    memory: float = 0.0


@dataclass(slots=True)
class Measured:
    """The rounds of one command; the best of each figure counts."""

    rounds: list[Cost] = field(default_factory=list)

    @property
    def best(self) -> Cost:
        memory = max(cost.memory for cost in self.rounds)
        return Cost(min(cost.wall for cost in self.rounds), min(cost.cpu for cost in self.rounds), memory)


def run(command: Sequence[str], *, env: dict[str, str], stdin: bytes = b"", watch: bool = False) -> Cost:
    """Run a command to its end; SystemExit with its words when it fails."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        started = time.perf_counter()
        process = subprocess.Popen(command, stdin=given, stdout=output, stderr=subprocess.STDOUT, env=env)
        watcher = _Watcher(process.pid) if watch else None
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        memory = watcher.stop() if watcher else 0.0
        if process.returncode not in (0, 1):
            output.seek(0)
            sys.exit(
                f"{' '.join(command[:6])} … exited {process.returncode}:\n{output.read().decode(errors='replace')[-2000:]}"
            )
    return Cost(wall, usage.ru_utime + usage.ru_stime, memory)


class _Watcher:
    """Adds up the memory of a process and its descendants, twenty times a second (Linux only, else 0)."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._done.set()
        self._thread.join()
        return self._peak / 1024

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self._peak = max(self._peak, sum(_proportional_kb(pid) for pid in _family(self._pid)))


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    found, todo = [], [pid]
    while todo:
        current = todo.pop()
        found.append(current)
        for children in Path(f"/proc/{current}/task").glob("*/children"):
            try:
                todo.extend(int(child) for child in children.read_text().split())
            except OSError:
                continue
    return found


def _proportional_kb(pid: int) -> int:
    """Memory of a process in kB; pages that several share count once among them."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


def fetch(package: str) -> Path:
    """The unpacked source distribution, downloaded once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    target = CACHE / package.replace("==", "-")
    if not target.is_dir():
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
            subprocess.run([*pip, "--dest", scratch, package], check=True)
            archive = next(Path(scratch).glob("*.tar.gz"))
            with tarfile.open(archive) as tar:
                tar.extractall(Path(scratch) / "tree", filter="data")
            next((Path(scratch) / "tree").iterdir()).rename(target)
    return target


class Bench:
    """One tree, a scratch folder, and the commands that are compared on it."""

    def __init__(self, tree: Path, scratch: Path, cores: int) -> None:
        self.tree = scratch / "project"
        shutil.copytree(tree, self.tree, symlinks=True)
        self.scratch = scratch
        self.cores = cores
        self.files = sorted(str(path) for path in self.tree.rglob("*.py"))
        self.tools = Path(sys.executable).parent

    def environment(self, cache: str) -> dict[str, str]:
        """Bytecode is kept, as in any installation, also where the shell forbids to write it."""
        own = {"MLREADY_CACHE_DIR": str(self.scratch / cache), "NO_COLOR": "1"}
        return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own

    def floor(self, cores: int, files: Iterable[str] | None = None) -> Cost:
        paths = "\0".join(self.files if files is None else files).encode()
        return run([sys.executable, "-c", FLOOR, str(cores)], env=dict(os.environ), stdin=paths)

    def audit(self, cache: str, tree: Path | None = None, *, watch: bool = False) -> Cost:
        return run(
            [str(self.tools / "mlready"), "audit", str(tree or self.tree)], env=self.environment(cache), watch=watch
        )

    def cold(self) -> Cost:
        shutil.rmtree(self.scratch / "cold", ignore_errors=True)
        return self.audit("cold", watch=True)

    def alone(self) -> Cost:
        """Cold, without external tools: inventory, facts, graph and rules."""
        shutil.rmtree(self.scratch / "alone", ignore_errors=True)
        program = "import sys; from tests.benchmarks.bench import audit_alone; audit_alone(sys.argv[1])"
        return run([sys.executable, "-c", program, str(self.tree)], env=self.environment("alone"), watch=True)

    def warm(self) -> Cost:
        """Everything in the cache but one file."""
        changed = Path(self.files[len(self.files) // 2])
        changed.write_text(changed.read_text() + f"# {time.time_ns()}\n")
        return self.audit("cold", watch=True)

    def extraction(self, *, cached: bool) -> Cost:
        """Reading all files into facts alone, without inventory, external tools and rules."""
        program = "import sys; from tests.benchmarks.bench import extract_tree; extract_tree(sys.argv[1], sys.argv[2] == 'True')"
        return run(
            [sys.executable, "-c", program, str(self.tree), str(cached)], env=self.environment("extraction"), watch=True
        )

    def ruff(self, *, cached: bool) -> Cost:
        options = ["--isolated", "--quiet", "--exit-zero", f"--cache-dir={self.scratch / 'ruff'}"]
        return run(
            [str(self.tools / "ruff"), "check", *options, *([] if cached else ["--no-cache"]), str(self.tree)],
            env=dict(os.environ),
        )

    def start_up(self, command: Sequence[str]) -> Cost:
        return run(command, env=self.environment("cold"))

    def part(self, share: int) -> Path:
        """A project of every `share`-th file, for growth."""
        folder = self.scratch / f"part{share}"
        for path in self.files[::share]:
            target = folder / Path(path).relative_to(self.tree)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        return folder


def extract_tree(folder: str, cached: bool) -> None:
    """What the audit does between inventory and rules."""
    from mlready.facts.cache import FactsCache
    from mlready.facts.extract import extract, start_readers
    from mlready.vocabulary import load

    root = Path(folder)
    items = [(path.relative_to(root).as_posix(), "source") for path in sorted(root.rglob("*")) if path.is_file()]
    cache = FactsCache() if cached else None
    size = sum((root / path).stat().st_size for path, _ in items)
    with start_readers(size) as pool:
        extract(items, lambda path: (root / path).read_bytes(), vocabulary=load(), pool=pool, cache=cache)


def audit_alone(folder: str) -> None:
    """`mlready audit` as the command does it, but for the external tools (ruff, hadolint, zizmor, credentials)."""
    import gc

    from mlready.audit import AuditOptions, audit_path
    from mlready.config import Config
    from mlready.report import render

    gc.disable()
    judged = audit_path(Path(folder), config=Config(), options=AuditOptions(external=False))
    render("text", [judged], verbose=False, quiet=False, color=False, previous=None)


def measure(bench: Bench, rounds: int) -> dict[str, Measured]:
    """All commands, round after round."""
    mlready, python = str(bench.tools / "mlready"), sys.executable
    commands = {
        "floor": lambda: bench.floor(bench.cores),
        "cold": bench.cold,
        "alone": bench.alone,
        "warm": bench.warm,
        "extraction cold": lambda: bench.extraction(cached=False),
        "extraction warm": lambda: bench.extraction(cached=True),
        "ruff cold": lambda: bench.ruff(cached=False),
        "ruff warm": lambda: bench.ruff(cached=True),
    }
    bench.extraction(cached=True)
    bench.ruff(cached=True)
    found: dict[str, Measured] = {name: Measured() for name in (*commands, "version", "pass")}
    for number in range(rounds):
        for name, command in commands.items():
            say(f"\rround {number + 1} of {rounds}: {name:20}", end="", stream=sys.stderr)
            found[name].rounds.append(command())
        for _ in range(5):
            found["version"].rounds.append(bench.start_up([mlready, "--version"]))
            found["pass"].rounds.append(bench.start_up([python, "-c", "pass"]))
    say("\r" + " " * 50 + "\r", end="", stream=sys.stderr)
    return found


def growth(bench: Bench) -> list[tuple[int, float]]:
    """Files and CPU milliseconds for each of them, for a quarter, a half and all of the tree, cold."""
    found = []
    for share in (4, 2, 1):
        tree = bench.part(share)
        shutil.rmtree(bench.scratch / "growth", ignore_errors=True)
        files = len(bench.files[::share])
        found.append((files, 1000 * bench.audit("growth", tree).cpu / files))
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """One ratio (or size) and what it should be."""

    what: str
    wall: float
    cpu: float | None
    aim: float | None
    unit: str = "x"


def compare(found: dict[str, Measured]) -> list[Line]:
    """The ratios of the aims."""
    best = {name: measured.best for name, measured in found.items()}

    def ratio(what: str, name: str, base: str, aim: float | None) -> Line:
        return Line(what, best[name].wall / best[base].wall, best[name].cpu / best[base].cpu, aim)

    return [
        ratio("facts, graph, rules / floor", "alone", "floor", 2.0),
        ratio("all with tools / floor", "cold", "floor", 2.0),
        ratio("audit warm / audit cold", "warm", "cold", 0.15),
        ratio("audit warm / ruff warm", "warm", "ruff warm", 2.0),
        ratio("audit cold / ruff cold", "cold", "ruff cold", None),
        ratio("facts alone / floor", "extraction cold", "floor", None),
        ratio("facts warm / facts cold", "extraction warm", "extraction cold", None),
        ratio("start-up / python -c pass", "version", "pass", 4.0),
        Line("peak memory, cold", best["cold"].memory, None, 400, "MB"),
        Line("peak memory, warm", best["warm"].memory, None, 400, "MB"),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Speed of mlready as ratios.")
    parser.add_argument("--package", default=PACKAGE, help="source distribution to fetch with pip")
    parser.add_argument("--folder", type=Path, help="a tree on disk instead")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures to a file as well")
    options = parser.parse_args()
    tree = options.folder or fetch(options.package)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(tree, Path(scratch), cores)
        size = sum(Path(path).stat().st_size for path in bench.files)
        say(
            f"{tree.name}: {len(bench.files)} Python files, {size / 1e6:.1f} MB; {cores} cores, Python {sys.version.split()[0]}\n"
        )
        found = measure(bench, options.rounds)
        lines = compare(found)
        grown = growth(bench)
    say(f"{'':28}{'wall':>9}{'CPU':>9}{'aim':>9}")
    for line in lines:
        cpu = f"{line.cpu:8.2f}x" if line.cpu is not None else " " * 9
        aim = f"{line.aim:8g}{line.unit[0]}" if line.aim is not None else ""
        say(f"{line.what:28}{line.wall:{'8.2f' if line.unit == 'x' else '8.0f'}}{line.unit[0]}{cpu}{aim:>9}")
    say("\nCPU milliseconds a file, cold: " + ", ".join(f"{cost:.1f} ({files} files)" for files, cost in grown))
    say("seconds: " + ", ".join(f"{name} {measured.best.wall:.2f}" for name, measured in found.items()))
    if options.json:
        figures = {
            "lines": [asdict(line) for line in lines],
            "growth": grown,
            "rounds": {k: [asdict(c) for c in m.rounds] for k, m in found.items()},
        }
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
