"""`mlready audit`: read, judge, print."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlready.errors import ExitCode, NothingToJudge, UsageError

if TYPE_CHECKING:
    from mlready.audit import AuditOptions, Judged

FORMATS = ("text", "json", "sarif", "junit", "gitlab", "github", "markdown", "html", "badge", "shield")


def _ids(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """IDS may be repeated, and separated by commas."""
    return tuple(word.strip() for text in value for word in text.split(",") if word.strip())


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--profile", metavar="P", help="How much is asked: exploration, prototype or production (default).")
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True, help="Output format."
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to a file.")
@click.option("--fail-under", type=click.FloatRange(0, 100), metavar="N", help="Exit 1 when the score is lower.")
@click.option(
    "--fail-under-factor", type=click.FloatRange(0, 100), metavar="N", help="Exit 1 when any factor is lower."
)
@click.option("--select", multiple=True, callback=_ids, metavar="IDS", help="Judge only these rules or factors.")
@click.option("--ignore", multiple=True, callback=_ids, metavar="IDS", help="Leave these rules or factors out.")
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Processes to read files with; default: all cores."
)
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of facts.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Use this instead of the project's own.")
@click.option("-v", "--verbose", is_flag=True, help="Show the evidence for what passed, and why the kind was told.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the score and the gate.")
def audit(paths: tuple[Path, ...], **given: Any) -> int:
    """Score a project, notebooks included, against the twelve factors of reproducible ML in production.

    PATH is a folder (default: here), or one .py or .ipynb file, which is judged by the rules that need one file only.
    """
    judged, empty = _judge_all(paths or (Path(),), given)
    if not judged:
        raise NothingToJudge("; ".join(error.message for error in empty), hint=empty[0].hint)
    for error in empty:
        click.echo(f"skipped: {error.message}", err=True)
    _print(judged, given)
    passed = all(item.report.gate.passed for item in judged)
    for item in judged:
        for reason in item.report.gate.reasons:
            click.echo(f"gate: {reason}", err=True)
    return ExitCode.OK if passed else ExitCode.GATE_FAILED


def _judge_all(paths: tuple[Path, ...], given: dict[str, Any]) -> tuple[list[Judged], list[NothingToJudge]]:
    from mlready.audit import audit_path, require_ml
    from mlready.cli.progress import reading
    from mlready.config import load_config

    judged: list[Judged] = []
    empty: list[NothingToJudge] = []
    for path in paths:
        require_ml(path)
        config = load_config(path, explicit=given["config_file"])
        with reading(str(path)) as progress:
            try:
                judged.append(audit_path(path, config=config, options=_options(given, progress)))
            except NothingToJudge as error:
                empty.append(NothingToJudge(f"{path}: {error.message}", hint=error.hint))
    return judged, empty


def _options(given: dict[str, Any], progress: Any) -> AuditOptions:
    from mlready.audit import AuditOptions

    return AuditOptions(
        profile=given["profile"],
        select=given["select"],
        ignore=given["ignore"],
        fail_under=given["fail_under"],
        fail_under_factor=given["fail_under_factor"],
        jobs=given["jobs"],
        use_cache=not given["no_cache"],
        progress=progress,
    )


def _print(judged: list[Judged], given: dict[str, Any]) -> None:
    from mlready.report import render

    to_terminal = given["output"] is None and sys.stdout.isatty()
    text = render(
        given["format_"], judged, verbose=given["verbose"], quiet=given["quiet"], color=to_terminal and _wants_color()
    )
    if given["output"] is None:
        click.echo(text, nl=not text.endswith("\n"), color=True if to_terminal and _wants_color() else None)
    else:
        from mlready.files import write_atomically

        try:
            write_atomically(given["output"], text)
        except OSError as error:
            raise UsageError(f"cannot write {given['output']}: {error.strerror or error}") from error
        click.echo(f"wrote {given['output']}", err=True)


def _wants_color() -> bool:
    import os

    return not os.environ.get("NO_COLOR")
