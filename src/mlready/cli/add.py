"""`mlready add`: one component of a generated project, added or swapped."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("options", nargs=-1, required=True, metavar="OPTION=VALUE...")
@click.option(
    "--project", default=".", type=click.Path(path_type=Path, file_okay=False, exists=True), help="The project."
)
@click.option("--preview", is_flag=True, help="Show what would change, as a diff, and change nothing.")
def add(options: tuple[str, ...], project: Path, preview: bool) -> int:
    """Give other answers to the template's questions, and merge what they change: mlready add serving=batch.

    Files of a component that is swapped out are deleted, edited or not; git keeps them.
    """
    from mlready.cli.update import report
    from mlready.scaffold.questions import parse_pairs
    from mlready.scaffold.update import add as run

    merge = run(project, given=parse_pairs(options), preview=preview)
    return report(merge, preview=preview, settled=f"has {' '.join(options)} already")
