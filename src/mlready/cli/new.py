"""`mlready new`: a project that is ready for production from its first commit."""

from __future__ import annotations

from pathlib import Path

import click

from mlready.errors import ExitCode, UsageError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("dest", required=False, type=click.Path(path_type=Path))
@click.option("--data", "-d", "pairs", multiple=True, metavar="KEY=VALUE", help="Answer one question; may be repeated.")
@click.option(
    "--answers-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Answers to questions, as a YAML file.",
)
@click.option("--defaults", is_flag=True, help="Ask nothing: the default answers every question that is left.")
@click.option("--minimal", is_flag=True, help="Only package, settings, tests and CI (the same as --data minimal=true).")
@click.option("--force", is_flag=True, help="Write into a folder that isn't empty, over the files of the same name.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Add what is missing to the project in this folder; no file that exists is touched but pyproject.toml.",
)
@click.option("--questions", is_flag=True, help="List the questions and their allowed answers, and do nothing else.")
def new(
    dest: Path | None,
    pairs: tuple[str, ...],
    answers_file: Path | None,
    defaults: bool,
    minimal: bool,
    force: bool,
    into: Path | None,
    questions: bool,
) -> int:
    """Write a new project to DEST: trained, tested, served and monitored by the first four commands you give it."""
    from mlready.scaffold.questions import parse_pairs, read_answers_file
    from mlready.scaffold.render import is_interactive

    if questions:
        return _list_questions()
    if (dest is None) == (into is None):
        raise UsageError("say where the project goes: mlready new DEST, or mlready new --into DIR")
    given = (read_answers_file(answers_file) if answers_file else {}) | parse_pairs(pairs)
    if minimal:
        given["minimal"] = "true"
    ask = not defaults and is_interactive()
    if into is not None:
        return _adopt(into, given, defaults=defaults)
    assert dest is not None
    return _create(dest, given, ask=ask, force=force)


def _create(dest: Path, given: dict[str, str], *, ask: bool, force: bool) -> int:
    from mlready.scaffold.new import create

    made = create(dest, given=given, ask=ask, force=force)
    click.echo(f"made {made.folder}" + ("" if made.committed else ", in the repository that it lies in"))
    if not made.locked:
        click.echo("no lock was shipped for these answers: run `uv lock` first", err=True)
    click.echo("next:")
    for command in made.next_commands:
        click.echo(f"  {command}")
    return ExitCode.OK


def _adopt(project: Path, given: dict[str, str], *, defaults: bool) -> int:
    from mlready.scaffold.adopt import apply, plan
    from mlready.scaffold.render import is_interactive

    change = plan(project, given=given)
    if change.is_empty:
        click.echo("nothing is missing")
        return ExitCode.OK
    click.echo(change.show(), nl=False)
    if not defaults:
        if not is_interactive():
            raise UsageError("nothing was written", hint="repeat with --defaults to write what is shown")
        click.confirm("Write this?", abort=True)
    apply(change)
    lock = "" if change.fits_lock else "`uv lock`, "
    click.echo(f"added {len(change.added)} files to {project}; next: review, {lock}`make setup`, commit")
    if any(name.endswith(".py") for name in change.kept):
        click.echo(
            "code that was added builds on the template's form of the modules that were kept: bring them together"
        )
    return ExitCode.OK


def _list_questions() -> int:
    from mlready.scaffold.questions import read_questions
    from mlready.scaffold.template import shipped

    for question in read_questions(shipped().folder):
        allowed = "true, false" if question.kind == "bool" else ", ".join(question.choices) or "any text"
        click.echo(f"{question.name:14}{question.help}\n{'':14}{allowed}")
    return ExitCode.OK
