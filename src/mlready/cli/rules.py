"""`mlready rules`: the catalogue of rules."""

from __future__ import annotations

import click

from mlready.errors import ExitCode


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--format", "format_", type=click.Choice(("text", "json", "markdown")), default="text", show_default=True)
def rules(format_: str) -> int:
    """List all rules, factor by factor."""
    from mlready.catalogue import list_rules

    click.echo(list_rules(format_), nl=False)
    return ExitCode.OK
