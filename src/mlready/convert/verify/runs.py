"""Runs a notebook in a real kernel and a package in its own process, each in a scratch copy; the only home of nbclient."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mlready.convert.model import Notebook
from mlready.errors import UsageError

INSIDE = Path(__file__).with_name("inside")
START = INSIDE / "start.py"
INSIDE_NAME = "mlready.convert.verify.inside"
MEMORY_MB = 16_000
MAX_COPY_BYTES = 2_000_000_000
IGNORED = (".git", ".venv", "__pycache__", ".ipynb_checkpoints", "node_modules", ".tox", ".mypy_cache")


@dataclass(frozen=True)
class NotebookRun:
    """What one run of a notebook left: the record file, printed text by cell, files, and the failure if there was one."""

    record: Path
    texts: Mapping[int, str]
    files: Mapping[str, str]
    failed_cell: int = 0
    failure: str = ""


@dataclass(frozen=True)
class Setup:
    """What all runs share."""

    python: Path
    timeout: int
    work: Path
    extra: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def work_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mlready-verify-") as folder:
        path = Path(folder)
        for file in INSIDE.glob("*.py"):
            place = path / ("_mlready_start.py" if file == START else f"_mlready_inside/{file.name}")
            place.parent.mkdir(exist_ok=True)
            place.write_text(file.read_text(encoding="utf-8").replace(INSIDE_NAME, "_mlready_inside"), encoding="utf-8")
        yield path


def run_notebook(
    notebook: Notebook, setup: Setup, *, seeded: bool, name: str, traced: Sequence[str] = ()
) -> NotebookRun:
    """Runs all code cells in a fresh kernel; stops at the first that fails. `traced` variables are watched cell by cell."""
    try:
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
        from nbformat import from_dict
    except ImportError:
        raise UsageError("--verify needs nbclient", hint="pip install 'mlready-cli[verify]'") from None

    folder, before = scratch(notebook, setup.work / name)
    record = setup.work / f"{name}.record"
    cells, numbers = _watched_cells(notebook, _opening(setup, seeded, traced), traced=bool(traced))
    closing = _code(f"_mlready.dump({str(record)!r}, globals(), {setup.extra!r})")
    if traced:
        trace = str(record.with_suffix(".trace"))
        closing = _code(f"_mlready_tracing.after({numbers[-1]}, globals()); _mlready_tracing.write({trace!r})")
    book: Any = from_dict({"cells": [*cells, closing], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})  # type: ignore[no-untyped-call]
    closing = book.cells[-1]
    client = NotebookClient(
        book, timeout=setup.timeout, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.km = _kernel_manager(setup, name)
    texts: dict[int, str] = {}
    failed, failure = 0, ""
    with _environment(run_variables(setup, seeded)), client.setup_kernel(cwd=str(folder)):
        for place, number in enumerate(numbers):
            try:
                client.execute_cell(book.cells[place], place)
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                failed, failure = number or -1, _failure(error)
            if number:
                texts[number] = _text(book.cells[place])
            if failed:
                break
        if not failed or "Timeout" not in failure:
            try:
                client.execute_cell(closing, len(numbers))
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                failed, failure = failed or -1, failure or _failure(error)
    files = changed_files(folder, before)
    shutil.rmtree(setup.work / name, ignore_errors=True)
    return NotebookRun(record, texts, files, failed, failure)


def kept(run: Callable[..., NotebookRun], folder: Path) -> Callable[..., NotebookRun]:
    """The same run, its outcome kept in a folder and taken from there the next time."""

    def with_memory(notebook: Notebook, setup: Setup, *, seeded: bool, name: str) -> NotebookRun:
        folder.mkdir(parents=True, exist_ok=True)
        record, facts = folder / f"{name}.record", folder / f"{name}.json"
        if not facts.exists():
            found = run(notebook, setup, seeded=seeded, name=name)
            if found.record.exists():
                shutil.copy(found.record, record)
            texts = {str(cell): text for cell, text in found.texts.items()}
            content = {"texts": texts, "files": dict(found.files), "cell": found.failed_cell, "why": found.failure}
            facts.write_text(json.dumps(content), encoding="utf-8")
        content = json.loads(facts.read_text(encoding="utf-8"))
        texts_by_cell = {int(cell): str(text) for cell, text in content["texts"].items()}
        return NotebookRun(record, texts_by_cell, content["files"], content["cell"], content["why"])

    return with_memory


def _watched_cells(notebook: Notebook, opening: str, *, traced: bool) -> tuple[list[dict[str, Any]], list[int]]:
    """The code cells with a mark before each, a mark at the end, and their numbers: 0 for what is not the notebook's."""
    cells, numbers = [_code(opening)], [0]
    for cell in notebook.cells:
        if cell.kind == "code" and cell.source.strip():
            before = f"_mlready_tracing.after({numbers[-1]}, globals()); " if traced else ""
            cells += [_code(f"{before}_mlready.at_cell({cell.number})"), _code(cell.source)]
            numbers += [0, cell.number]
    return cells, numbers


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}


def _opening(setup: Setup, seeded: bool, traced: Sequence[str]) -> str:
    trace = (
        f"from _mlready_inside import tracing as _mlready_tracing; _mlready_tracing.start({list(traced)!r}); "
        if traced
        else ""
    )
    return (
        f"import sys as _sys; _sys.path.insert(0, {str(setup.work)!r}); from _mlready_inside import record as _mlready; "
        f"{trace}_sys.path.pop(0); _mlready.install({seeded})"
    )


def _kernel_manager(setup: Setup, name: str) -> Any:
    """A manager that starts the user's interpreter; sockets are files, so that the kernel needs no network."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    command = [*offline(), str(setup.python), str(setup.work / "_mlready_start.py"), "launch", str(MEMORY_MB)]
    command += [str(setup.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=str(setup.work / f"{name}-kernel"))
    manager._kernel_spec = KernelSpec(argv=command, display_name="Python 3", language="python")
    return manager


def _failure(error: BaseException) -> str:
    name, value = getattr(error, "ename", ""), getattr(error, "evalue", "")
    return f"{name}: {value}"[:300] if name else f"{type(error).__name__}: {str(error)[:200]}"


def _text(cell: Any) -> str:
    return "".join(
        out.get("text", "") for out in cell.outputs if out.get("output_type") == "stream" and out.name == "stdout"
    )


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    old = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(old)


def run_variables(setup: Setup, seeded: bool) -> dict[str, str]:
    """Environment of every run: one thread, and what would differ between a kernel and a plain process."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    found = dict.fromkeys(names, "1")
    found["PYTHONDONTWRITEBYTECODE"] = "1"
    found["PLOTLY_RENDERER"] = "json"
    if seeded:
        found["PYTHONHASHSEED"] = "0"
    return {**found, **setup.environment}


def run_package(
    notebook: Notebook, setup: Setup, job: dict[str, Any], name: str
) -> tuple[Path, Mapping[str, str], str]:
    """Runs a package through its entry point: its record, the files it wrote, and why there is no record."""
    folder, before = scratch(notebook, setup.work / name)
    record = setup.work / f"{name}.record"
    job_file = setup.work / f"{name}.json"
    job_file.write_text(json.dumps({**job, "record": str(record), "extra": setup.extra}), encoding="utf-8")
    start = str(setup.work / "_mlready_start.py")
    command = [*offline(), str(setup.python), start, "launch", str(MEMORY_MB), str(setup.python), start]
    environment = {**os.environ, **run_variables(setup, bool(job["seeded"])), "MPLBACKEND": "Agg"}
    environment.pop("VIRTUAL_ENV", None)
    problem = ""
    try:
        done = subprocess.run(
            [*command, "candidate", str(job_file)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=setup.timeout,
            check=False,
        )
        if not record.exists():
            problem = f"ended with code {done.returncode}: {done.stderr.strip()[-300:]}"
    except subprocess.TimeoutExpired:
        problem = f"took longer than {setup.timeout} s"
    files = changed_files(folder, before)
    shutil.rmtree(setup.work / name, ignore_errors=True)
    return record, files, problem


def compare_records(setup: Setup, job: dict[str, Any], name: str) -> dict[str, Any]:
    """The comparison, made by the interpreter that knows the values' libraries."""
    job_file = setup.work / f"{name}.json"
    job_file.write_text(json.dumps(job), encoding="utf-8")
    command = [str(setup.python), str(setup.work / "_mlready_start.py"), "compare", str(job_file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=setup.timeout, check=False)
    if done.returncode:
        raise UsageError(f"the records could not be compared: {done.stderr.strip()[-400:]}")
    return dict(json.loads(done.stdout))


# --------------------------------------------------------------------------------------------------------- scratch copies


def scratch(notebook: Notebook, target: Path) -> tuple[Path, dict[str, str]]:
    """A copy of the notebook's folder (of its project, where it reaches above) and what is in it."""
    folder = notebook.path.resolve().parent
    root = _project_root(folder) if _reaches_up(notebook) else folder
    if _size(root) > MAX_COPY_BYTES:
        raise UsageError(f"{root}: more than {MAX_COPY_BYTES // 1_000_000_000} GB, too large to copy for --verify")
    shutil.copytree(root, target, symlinks=True, ignore=shutil.ignore_patterns(*IGNORED), ignore_dangling_symlinks=True)
    place = target / folder.relative_to(root)
    return place, stamps(place)


def _reaches_up(notebook: Notebook) -> bool:
    return any(
        cell.kind == "code" and ("../" in cell.source or "'..'" in cell.source or '".."' in cell.source)
        for cell in notebook.cells
    )


def _project_root(folder: Path) -> Path:
    for place in (folder, *list(folder.parents)[:4]):
        if any((place / name).exists() for name in (".git", "pyproject.toml", "setup.py", "setup.cfg", "PKG-INFO")):
            return place
    return folder.parent


def _size(root: Path) -> int:
    total = 0
    for path, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in IGNORED]
        total += sum((Path(path) / name).lstat().st_size for name in files)
        if total > MAX_COPY_BYTES:
            break
    return total


def stamps(folder: Path) -> dict[str, str]:
    """Path -> size and time of change, cheap enough to take before each run."""
    found: dict[str, str] = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            status = path.stat()
            found[path.relative_to(folder).as_posix()] = f"{status.st_size}:{status.st_mtime_ns}"
    return found


def changed_files(folder: Path, before: Mapping[str, str]) -> dict[str, str]:
    """Files that a run wrote, with a digest; saved figures and caches left out."""
    import hashlib

    found: dict[str, str] = {}
    for path, stamp in stamps(folder).items():
        if before.get(path) != stamp and not path.startswith("outputs/") and not set(path.split("/")) & set(IGNORED):
            found[path] = hashlib.sha256((folder / path).read_bytes()).hexdigest()
    return found


@cache
def offline() -> tuple[str, ...]:
    """A prefix that takes the network away, where the platform has one."""
    command: Sequence[str] = ("unshare", "--user", "--map-root-user", "--net", "--")
    if shutil.which("unshare") is None:
        return ()
    done = subprocess.run([*command, "true"], capture_output=True, check=False)
    return tuple(command) if done.returncode == 0 else ()
