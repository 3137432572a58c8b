"""`mlready audit`: read, judge, print."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlready.cli import wants_color, write
from mlready.errors import ExitCode, NothingToJudge, UsageError

if TYPE_CHECKING:
    from mlready.audit import AuditOptions, Judged

FORMATS = ("text", "json", "sarif", "junit", "gitlab", "github", "markdown", "html", "badge", "shield")


class _Floor(click.ParamType):  # type: ignore[type-arg]
    """A score from 0 to 100, or the word "baseline"."""

    name = "floor"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        if value == "baseline":
            return "baseline"
        try:
            return float(click.FloatRange(0, 100).convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f'{value!r} is no score from 0 to 100, nor "baseline".', param, ctx)


def _ids(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """IDS may be repeated, and separated by commas."""
    return tuple(word.strip() for text in value for word in text.split(",") if word.strip())


def _pairs(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    """FORMAT=FILE, as pairs."""
    found = []
    for text in value:
        format_, _, file = text.partition("=")
        if format_ not in FORMATS or not file:
            raise click.BadParameter(f"{text!r} is not FORMAT=FILE; formats: {', '.join(FORMATS)}")
        found.append((format_, Path(file)))
    return tuple(found)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--profile", metavar="P", help="How much is asked: exploration, prototype or production (default).")
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True, help="Output format."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=lambda _context, _option, path: None if path == Path("-") else path,
    help="Write the report to a file; - for stdout.",
)
@click.option(
    "--also", multiple=True, callback=_pairs, metavar="FORMAT=FILE", help="Write one more report; may be repeated."
)
@click.option(
    "--fail-under",
    type=_Floor(),
    metavar="N",
    help='Exit 1 when the score is lower; "baseline": than the recorded one.',
)
@click.option(
    "--fail-under-factor", type=click.FloatRange(0, 100), metavar="N", help="Exit 1 when any factor is lower."
)
@click.option(
    "--fail-on",
    type=click.Choice(("blocker", "error", "warning")),
    help="Exit 1 on a finding of this severity or worse.",
)
@click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE", help="Fail only on what is new or lost.")
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Record what is found; an existing file only loses what is gone.",
)
@click.option("--since", metavar="REV", help="Judge only what changed since this git revision.")
@click.option(
    "--previous", type=click.Path(path_type=Path), metavar="FILE", help="JSON report that Markdown compares with."
)
@click.option("--allow-nothing", is_flag=True, help="Exit 0 instead of 3 when there is nothing to judge.")
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
    _check(paths, given)
    judged, empty = _judge_all(paths or (Path(),), given)
    for error in empty if judged or _allows_nothing(given) else ():
        click.echo(f"nothing to judge: {error.message}", err=True)
    shown = judged if given["format_"] == "text" else [*judged, *_without_score(empty)]
    if shown:
        _print(shown, given)
    if not judged and not _allows_nothing(given):
        raise NothingToJudge("; ".join(error.message for error in empty), hint=empty[0].hint)
    for item in judged:
        _say_gate(item, given)
    passed = all(item.report.gate.passed for item in judged)
    return ExitCode.OK if passed else ExitCode.GATE_FAILED


def _without_score(empty: list[NothingToJudge]) -> list[Judged]:
    """What scripts get where there is nothing to judge."""
    from mlready.audit import Judged

    return [error.judged for error in empty if isinstance(error.judged, Judged)]


def _allows_nothing(given: dict[str, Any]) -> bool:
    return bool(given["allow_nothing"] or given["since"])


def _check(paths: tuple[Path, ...], given: dict[str, Any]) -> None:
    """Options that contradict each other."""
    if given["write_baseline"] is None:
        return
    if len(paths) > 1:
        raise UsageError("--write-baseline records one project: give one PATH")
    narrowing = [f"--{name}" for name in ("select", "ignore", "since") if given[name]]
    if narrowing:
        raise UsageError(f"--write-baseline records the whole project; it cannot be narrowed by {narrowing[0]}")


def _say_gate(item: Judged, given: dict[str, Any]) -> None:
    from mlready.report.redact import redact
    from mlready.report.text import printable

    ratchet = item.report.ratchet
    if ratchet is not None and given["write_baseline"] is not None:
        click.echo(f"wrote {given['write_baseline']}: {_recorded(item)}", err=True)
    for entry in ratchet.stale if ratchet is not None else ():
        said = "removed from the baseline" if given["write_baseline"] is not None else "in the baseline, but gone"
        click.echo(f"{said}: {entry.count} x {entry.rule} {printable(entry.path)}", err=True)
    for text in ratchet.newly_asked if ratchet is not None else ():
        click.echo(f"newly asked: {redact(printable(text))}", err=True)
    for reason in item.report.gate.reasons:
        click.echo(f"gate: {redact(printable(reason))}", err=True)


def _recorded(item: Judged) -> str:
    from mlready.report.text import counted

    ratchet = item.report.ratchet
    assert ratchet is not None
    floor = "" if ratchet.floor is None else f", score {max(ratchet.floor, item.report.main.score or 0.0):.1f}"
    fresh = f"; NOT taken in: {counted(len(ratchet.new), 'new finding')}" if ratchet.new else ""
    return f"{counted(ratchet.known, 'finding')}{floor}{fresh}"


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
                empty.append(NothingToJudge(f"{path}: {error.message}", hint=error.hint, judged=error.judged))
    return judged, empty


def _options(given: dict[str, Any], progress: Any) -> AuditOptions:
    from mlready.audit import AuditOptions

    return AuditOptions(
        profile=given["profile"],
        select=given["select"],
        ignore=given["ignore"],
        fail_under=given["fail_under"],
        fail_under_factor=given["fail_under_factor"],
        fail_on=given["fail_on"],
        baseline=given["baseline"],
        write_baseline=given["write_baseline"],
        since=given["since"],
        jobs=given["jobs"],
        use_cache=not given["no_cache"],
        progress=progress,
    )


def _print(judged: list[Judged], given: dict[str, Any]) -> None:
    to_terminal = given["output"] is None and sys.stdout is not None and sys.stdout.isatty()
    color = to_terminal and wants_color()
    text = _rendered(judged, given, given["format_"], color=color)
    if given["output"] is None:
        _show(text, color=color)
    else:
        write(given["output"], text)
    for format_, path in given["also"]:
        write(path, _rendered(judged, given, format_, color=False))


def _show(text: str, *, color: bool) -> None:
    try:
        click.echo(text, nl=not text.endswith("\n"), color=True if color else None)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"cannot write the report: {error.strerror or error}") from error


def _rendered(judged: list[Judged], given: dict[str, Any], format_: str, *, color: bool) -> str:
    from mlready.report import render

    previous = given["previous"]
    return render(format_, judged, verbose=given["verbose"], quiet=given["quiet"], color=color, previous=previous)
