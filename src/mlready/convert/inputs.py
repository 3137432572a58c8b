"""The files that a notebook reads: what its own tables look like, and the written module that holds others to it."""

from __future__ import annotations

import ast
import csv
import io
import pprint
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mlready.convert.keep import imports_of
from mlready.convert.model import Plan

READERS = {"pandas.read_csv": ",", "pandas.read_table": "\t"}
"""Function that reads a table with a line of names -> what separates its columns."""
HARMLESS = frozenset(
    {"index_col", "parse_dates", "dtype", "na_values", "nrows", "low_memory", "engine", "sep", "delimiter"}
)
"""Arguments of readers that leave names and places of columns as they are."""
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "n/a", "<NA>")
MAX_CHARACTERS = 2_000_000
MAX_ROWS = 1000
MAX_COLUMNS = 100


@dataclass(frozen=True)
class Table:
    """One file that the notebook reads: the setting with its path, and the kind of each column, "number" or "text"."""

    setting: str
    path: str
    separator: str
    columns: tuple[tuple[str, str], ...]


def inputs(plan: Plan) -> list[tuple[str, str]]:
    """(setting, path or address) of everything that is read by a name in the notebook."""
    return [(s.name, str(ast.literal_eval(s.default))) for s in plan.settings if s.what == "path read"]


def tables(plan: Plan) -> tuple[Table, ...]:
    """The tables beside the notebook that it reads in a way that names their columns by the first line."""
    found: list[Table] = []
    separators = _separators(plan)
    for setting, path in inputs(plan):
        separator = separators.get(path, "")
        columns = _columns(plan.notebook.path.parent / path, separator) if separator else ()
        if columns:
            found.append(Table(setting, path, separator, columns))
    return tuple(found)


def _separators(plan: Plan) -> dict[str, str]:
    """Path -> separator; "" where one of the calls that read it changes what the first line means."""
    imports = imports_of(plan)
    found: dict[str, str] = {}
    statements = [s for stage in plan.stages for s in stage.statements]
    for statement in (*statements, *(d.statement for d in plan.definitions.values())):
        for call in ast.walk(statement.node):
            if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
                name = imports.resolve(call.func)
                if name in READERS:
                    path, separator = str(call.args[0].value), _separator(call, READERS[name])
                    found[path] = separator if found.get(path, separator) == separator else ""
    return found


def _separator(call: ast.Call, usual: str) -> str:
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    if len(call.args) > 1 or not named.keys() <= HARMLESS:
        return ""
    given = named.get("sep", named.get("delimiter"))
    if given is None:
        return usual
    plain = isinstance(given, ast.Constant) and isinstance(given.value, str) and len(given.value) == 1
    return str(ast.literal_eval(given)) if plain else ""


def _columns(path: Path, separator: str) -> tuple[tuple[str, str], ...]:
    """Name and kind of each column of a file; nothing where its first line does not name them all differently."""
    try:
        return _columns_at(path, path.stat().st_mtime_ns, separator)
    except (OSError, ValueError):
        return ()


@cache
def _columns_at(path: Path, _time: int, separator: str) -> tuple[tuple[str, str], ...]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read(MAX_CHARACTERS)
        head, *rows = list(csv.reader(io.StringIO(text), delimiter=separator))[: MAX_ROWS + 1]
    except csv.Error:
        return ()
    if len(set(head)) < len(head) or len(head) > MAX_COLUMNS or not rows:
        return ()
    return tuple((name, _kind(rows, place)) for place, name in enumerate(head) if name.strip())


def _kind(rows: Sequence[Sequence[str]], place: int) -> str:
    values = [row[place] for row in rows if len(row) > place and row[place] not in MISSING]
    return "number" if values and all(map(_is_number, values)) else "text"


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


# ------------------------------------------------------------------------------------------------------ what is written


def inputs_module(plan: Plan) -> str:
    """Source of `inputs`; "" where no table of the notebook was found."""
    found = tables(plan)
    if not found:
        return ""
    schemas = pprint.pformat({table.setting: dict(table.columns) for table in found}, sort_dicts=False, width=88)
    separators = {table.setting: table.separator for table in found}
    return _MODULE.format(package=plan.package, schemas=schemas, separators=separators, missing=MISSING, rows=MAX_ROWS)


_MODULE = '''"""What the files that are read have to look like: the columns of the notebook's own, with numbers where it had numbers."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

from {package}.config import Config

SCHEMAS = {schemas}
SEPARATORS = {separators}
MISSING = {missing}
ROWS = {rows}
"""Rows of a file that are looked at."""


def check_inputs(config: Config) -> None:
    """Raise ValueError where a file is not what the pipeline was made for."""
    for setting, schema in SCHEMAS.items():
        path = Path(getattr(config, setting))
        if path.is_file():
            check_columns(path, schema, SEPARATORS[setting])


def check_columns(path: Path, schema: dict[str, str], separator: str) -> None:
    """Raise ValueError where a column is missing, or holds text instead of numbers."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, delimiter=separator)
        missing = [name for name in schema if name not in (rows.fieldnames or ())]
        if missing:
            raise ValueError(f"{{path}} has no column {{', '.join(missing)}}")
        for number, row in enumerate(islice(rows, ROWS), start=1):
            for name, kind in schema.items():
                if kind == "number" and not _is_number(row[name]):
                    raise ValueError(f"{{path}}, row {{number}}: {{name}} is no number: {{row[name]!r}}")


def _is_number(value: str | None) -> bool:
    if value is None or value in MISSING:
        return True
    try:
        float(value)
    except ValueError:
        return False
    return True
'''


def inputs_test(plan: Plan) -> str:
    """Tests of `inputs` on the files that are there, and on files that are broken."""
    table = tables(plan)[0]
    number = next((name for name, kind in table.columns if kind == "number"), "")
    text = _TEST.format(package=plan.package, setting=table.setting)
    return text + (_NUMBER_TEST.format(setting=table.setting, column=number) if number else "")


_TEST = '''"""The files that are read are what the pipeline was made for; others are refused."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from {package}.config import Config
from {package}.inputs import SCHEMAS, SEPARATORS, check_columns, check_inputs


def write_table(path: Path, columns: list[str], row: list[str], separator: str) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator).writerows([columns, row])
    return path


def test_the_data_that_is_here_fits() -> None:
    config = Config()
    if not any(Path(getattr(config, setting)).is_file() for setting in SCHEMAS):
        pytest.skip("no file is here")
    check_inputs(config)


@pytest.mark.parametrize("setting", SCHEMAS)
def test_data_without_one_of_its_columns_is_refused(setting: str, tmp_path: Path) -> None:
    columns = list(SCHEMAS[setting])
    path = write_table(tmp_path / "data.csv", columns[1:] + ["other"], ["1"] * len(columns), SEPARATORS[setting])
    with pytest.raises(ValueError, match="has no column"):
        check_columns(path, SCHEMAS[setting], SEPARATORS[setting])
'''

_NUMBER_TEST = """

def test_data_with_text_for_a_number_is_refused(tmp_path: Path) -> None:
    schema, separator = SCHEMAS["{setting}"], SEPARATORS["{setting}"]
    row = ["text" if name == {column!r} else "1" for name in schema]
    path = write_table(tmp_path / "data.csv", list(schema), row, separator)
    with pytest.raises(ValueError, match="is no number"):
        check_columns(path, schema, separator)
"""
