"""The command line: parse, call, print, exit code. The only home of click; commands are imported when they are used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click

from mlready import __version__
from mlready.errors import ExitCode, MlreadyError, UsageError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = {
    "new": "Scaffold a project that is ready for production from its first commit.",
    "update": "Bring a generated project to the template of this version; edits survive.",
    "add": "Add or swap one component of a generated project.",
    "audit": "Score a project against the twelve factors.",
    "convert": "Turn a notebook into a tested package, and prove that it computes the same.",
    "explain": "Say what a rule, factor, system or activity means.",
    "rules": "List all rules.",
}


class LazyGroup(click.Group):
    """Knows its commands by name and imports a command's module only when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"mlready.cli.{cmd_name}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageError(f"no such command: {args[0]}", hint=did_you_mean(args[0], COMMANDS) or "mlready --help")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mlready", message="%(prog)s %(version)s")
def group() -> None:
    """Scaffold, audit and convert machine-learning projects until they are ready for production.

    Exit codes: 0 done and the gate holds; 1 the gate fails; 2 could not do what was asked; 3 nothing to judge;
    4 a bug in mlready; 130 interrupted.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command; every way out ends in one of the documented exit codes."""
    _write_utf8()
    try:
        _refuse_foreign_distribution()
        result = group.main(list(arguments), prog_name="mlready", standalone_mode=False)
    except MlreadyError as error:
        _say_error(error.message, error.hint)
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        _say_error(error.format_message(), f"{context.command_path} --help" if context else "")
        return ExitCode.CANNOT
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _leave_quietly()
    except Exception:
        _say_bug()
        return ExitCode.BUG
    return result if isinstance(result, int) else ExitCode.OK


def _leave_quietly() -> int:
    """The reader of our output went away (`| head`): there is nobody to tell."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.OK


def _write_utf8() -> None:
    """Reports hold what any file name may hold, and JSON is UTF-8 wherever it is redirected to."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def wants_color() -> bool:
    """Whether the person at a terminal has nothing against color."""
    import os

    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write(path: Path, text: str) -> None:
    """Write a report that was asked for, whole or not at all, and say so."""
    from mlready.files import write_atomically

    try:
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    click.echo(f"wrote {path}", err=True)


def _say_error(message: str, hint: str = "") -> None:
    color = None if wants_color() else False
    click.echo(click.style("error: ", fg="red", bold=True) + message, err=True, color=color)
    if hint:
        click.echo(click.style("hint: ", fg="cyan") + hint, err=True, color=color)


def _say_bug() -> None:
    import platform
    import traceback

    click.echo("This is a bug in mlready. Please report it with the lines below.", err=True)
    click.echo(f"mlready {__version__}, Python {platform.python_version()}, {platform.platform()}", err=True)
    click.echo(traceback.format_exc(), err=True)


def _refuse_foreign_distribution() -> None:
    """Another distribution on PyPI is called `mlready`, and owns the same import name: both cannot be installed."""
    found = _foreign_distribution()
    if found:
        raise MlreadyError(
            f"another distribution that also owns the import name `mlready` is installed: {found}",
            hint="uninstall it: pip uninstall mlready, then reinstall mlready-cli",
        )


def _foreign_distribution() -> str:
    """Its name and version, or "". Reads the names in the folders that modules come from; metadata would be slow."""
    import os

    here = os.getcwd()  # noqa: PTH109 - pathlib is not loaded yet
    for folder in sys.path:
        if not folder or folder == here:
            continue
        try:
            names = os.listdir(folder)  # noqa: PTH208
        except OSError:
            continue
        for name in names:
            if name.startswith("mlready-") and name.endswith((".dist-info", ".egg-info")):
                return name.rpartition(".")[0]
    return ""
