"""`mlready update`: a generated project at the template of this version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlready.errors import ExitCode

if TYPE_CHECKING:
    from mlready.scaffold.update import Merge


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("project", default=".", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--preview", is_flag=True, help="Show what would change, as a diff, and change nothing.")
def update(project: Path, preview: bool) -> int:
    """Bring PROJECT to the template of this mlready: a three-way merge, so edits survive.

    Exit code 1 when both sides changed the same lines: the files are listed, with conflict markers in them.
    """
    from mlready.scaffold.update import update as run

    merge = run(project, preview=preview)
    return report(merge, preview=preview, settled=f"is at template {merge.new[1:]}")


def report(merge: Merge, *, preview: bool, settled: str) -> int:
    """Say what a merge did or would do; `settled` is what holds of the project where nothing was left to do."""
    if not merge.changed:
        click.echo(f"nothing to do: the project {settled}")
        return ExitCode.OK
    if preview:
        click.echo(merge.diff, nl=False)
    else:
        step = "" if merge.old == merge.new else f"template {merge.old[1:]} -> {merge.new[1:]}: "
        click.echo(f"{step}{len(merge.changed)} files changed")
        for name in merge.changed:
            click.echo(f"  {name}" + (" (deleted)" if name in merge.deleted else ""))
    if not merge.lock_fits:
        click.echo("the dependencies changed: run `uv lock`", err=True)
    if merge.conflicts:
        click.echo("conflicts, resolve them before you commit:", err=True)
        click.echo("\n".join(f"  {name}" for name in merge.conflicts), err=True)
        return ExitCode.GATE_FAILED
    if not preview:
        click.echo("next: review with `git diff HEAD`, `make setup lint test`, commit")
    return ExitCode.OK
