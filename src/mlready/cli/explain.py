"""`mlready explain`: what a word means."""

from __future__ import annotations

import click

from mlready.errors import ExitCode


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("word")
def explain(word: str) -> int:
    """Say what WORD means: a rule (id or name), a factor, a system or an activity."""
    from mlready.catalogue import explain_word

    click.echo(explain_word(word), nl=False)
    return ExitCode.OK
