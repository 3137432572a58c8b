"""`mlready convert`: a notebook becomes a tested package."""

from __future__ import annotations

import keyword
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlready.cli import write
from mlready.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mlready.convert import Conversion


@click.command()
@click.argument("notebooks", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="NOTEBOOK...")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the project.")
@click.option("--package", default="", help="Import name of the package; made from the folder's name otherwise.")
@click.option("--package-only", is_flag=True, help="Write only the modules, into an existing project.")
@click.option("--dry-run", is_flag=True, help="Show the plan, write nothing.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write the record (JSON) here as well.")
@click.option("--verify", is_flag=True, help="Run notebook and package, compare every value.")
@click.option("--once", is_flag=True, help="With --verify: run the notebook once; stability is then not checked.")
@click.option("--python", type=click.Path(path_type=Path, exists=True), help="Interpreter that runs the notebook.")
@click.option("--timeout", default=600, show_default=True, help="With --verify: seconds for each run.")
@click.pass_context
def convert(
    ctx: click.Context,
    notebooks: tuple[Path, ...],
    into: Path,
    package: str,
    package_only: bool,
    dry_run: bool,
    force: bool,
    report: Path | None,
    verify: bool,
    once: bool,
    python: Path | None,
    timeout: int,
) -> None:
    """Turn notebooks (.ipynb, or scripts with `# %%` cells) into a package with tests and a pipeline.

    Nothing of the notebook is executed without --verify. Nothing is overwritten without --force.
    Exit code 1: --verify found a difference.
    """
    from mlready.convert import Options
    from mlready.convert import convert as run
    from mlready.convert.report import conversion_json

    if package and (not package.isidentifier() or package in {*keyword.kwlist, *sys.stdlib_module_names}):
        raise UsageError(f"--package {package}: not a name that a package can have")
    options = Options(into=into, package=package, package_only=package_only, force=force, python=python)
    done = run(notebooks, options)
    if dry_run:
        click.echo(_plan_text(done))
        return
    done.changes.apply(force=force)
    click.echo(_plan_text(done))
    verdict = None
    if verify:
        from mlready.convert.verify import verify_conversion

        verdict = verify_conversion(done, options, once=once, timeout=timeout)
        click.echo(verdict.text)
    if not package_only:
        click.echo(_next(done, into))
    if report:
        write(report, conversion_json(verdict.content if verdict else done.content))
    if verdict is not None and verdict.differs:
        ctx.exit(ExitCode.GATE_FAILED)


def _next(done: Conversion, into: Path) -> str:
    """What a person does then; the data stays where it is."""
    import shlex

    from mlready.convert.inputs import inputs

    paths = [path for plan in done.plans for _, path in inputs(plan) if "://" not in path]
    data = f"put what it reads there ({', '.join(dict.fromkeys(paths))}), then " if paths else ""
    return f"next: {data}cd {shlex.quote(str(into))} && make setup test run"


def _plan_text(done: Conversion) -> str:
    from mlready.convert.tokens import chosen, named

    lines: list[str] = []
    for plan in done.plans:
        lines.append(f"{plan.notebook.path} -> {done.changes.root} (package {plan.package})")
        for stage in plan.stages:
            cells = ", ".join(map(str, stage.cells))
            lines.append(f"  {stage.module}.{stage.name}({', '.join(stage.parameters)})  cells {cells}")
        for note in plan.notes:
            if note.kind in ("refused", "warning", "kept"):
                lines.append(f"  {note.kind}: cell {note.cell}: {note.message}")
    for part in done.content["skeleton"]["left_out"]:
        if part["by_folder"]:
            lines.append(f"  left alone: {', '.join(part['parts'])} ({part['reason']})")
    for path in sorted(done.changes.merged & done.changes.files.keys()):
        lines.append(done.changes.diff(path))
    lines.append(f"{len(done.changes.files)} files")
    return named("\n".join(lines), chosen(done.plans))
