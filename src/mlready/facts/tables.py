"""Tracked tables (CSV, TSV, JSON lines) by a bounded sample, and metrics files by their numbers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from mlready.facts.personal import personal_columns
from mlready.facts.reading import clean, decode, guarded, load_json
from mlready.facts.rows import FileFacts, Table

SAMPLE_BYTES = 256_000
MAX_COLUMNS = 2_000
MAX_METRICS = 500
_MAX_ROWS = 5_000
_MAX_METRICS_BYTES = 1_000_000

_TABLES = frozenset((".csv", ".tsv", ".jsonl", ".ndjson"))
_METRICS_NAME = re.compile(
    r"(?:[\w.-]*[-_.])?(?:metrics?|scores?|(?:eval|evaluation|test|train|all|val)[-_]?results?|performance)"
    r"(?:(?:[-_][\w.-]*)?\.json|\.ya?ml)\Z"
)
_CONFIG_FOLDERS = frozenset(("conf", "config", "configs"))
_NOT_METRICS = re.compile(r"schema|config|package|tsconfig|settings|dashboard|grafana|prometheus")


def claims(path: str) -> bool:
    """Is it a table, or a metrics file by its name (metrics.json, eval_results.json, scores.yaml)?"""
    return PurePosixPath(path).suffix.lower() in _TABLES or _is_metrics(path)


def _is_metrics(path: str) -> bool:
    pure = PurePosixPath(path)
    name = pure.name.lower()
    if pure.parent.name.lower() in _CONFIG_FOLDERS:
        return False
    return bool(_METRICS_NAME.match(name)) and not _NOT_METRICS.search(name)


@guarded
def read(path: str, data: bytes) -> FileFacts:
    """Columns and kinds of personal data of the first 256 kB, or the numbers of a metrics file. No value is kept."""
    if _is_metrics(path):
        return _metrics(path, data)
    whole = len(data) <= SAMPLE_BYTES
    text = decode(data if whole else data[: data.rfind(b"\n", 0, SAMPLE_BYTES) + 1])
    if PurePosixPath(path).suffix.lower() in (".jsonl", ".ndjson"):
        columns, rows = _json_lines(text)
    else:
        columns, rows = _delimited(text, tab=path.lower().endswith(".tsv"))
    if not columns:
        return FileFacts()
    table = Table(
        columns=tuple(clean(column, limit=200) for column in columns),
        rows_sampled=len(rows),
        personal=tuple((clean(column, limit=200), kind) for column, kind in personal_columns(columns, rows)),
    )
    return FileFacts(table=table)


# ------------------------------------------------------------------------------------------------------------ tables


def _delimited(text: str, *, tab: bool) -> tuple[list[str], list[list[str]]]:
    """Columns and rows; the delimiter is the one that the first line holds most of. No columns without a header."""
    import csv

    header = text.partition("\n")[0]
    delimiter = "\t" if tab else max(",;\t|", key=header.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(text.splitlines(), delimiter=delimiter):
            if len(rows) > _MAX_ROWS:
                break
            rows.append(row[:MAX_COLUMNS])
    except csv.Error:
        # What was read up to the broken line is a sample too.
        pass
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows or _has_no_header(rows[0]):
        return [], rows
    return [cell.strip() for cell in rows[0]], rows[1:]


def _has_no_header(first: Sequence[str]) -> bool:
    """Is the first row data? A header holds no numbers (years as columns apart), no address and few long texts."""
    numbers = [cell for cell in first if re.fullmatch(r"\s*-?\d*\.?\d+(?:[eE][-+]?\d+)?\s*", cell)]
    years = all(re.fullmatch(r"\s*(?:19|20)\d\d\s*", cell) for cell in numbers)
    named = any(re.search(r"[^\W\d_]", cell) for cell in first)
    return (bool(numbers) and not (years and named)) or any("@" in cell or len(cell) > 200 for cell in first)


def _json_lines(text: str) -> tuple[list[str], list[list[str]]]:
    columns: dict[str, int] = {}
    records: list[dict[str, Any]] = []
    for line in text.splitlines()[:_MAX_ROWS]:
        try:
            record = json.loads(line) if line.strip() else None
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
            for key in record:
                if len(columns) < MAX_COLUMNS:
                    columns.setdefault(key, len(columns))
    rows = [[_cell(record.get(column)) for column in list(columns)[:50]] for record in records]
    return list(columns), rows


def _cell(value: object) -> str:
    return str(value)[:200] if isinstance(value, str | int) and not isinstance(value, bool) else ""


# ----------------------------------------------------------------------------------------------------------- metrics


def _metrics(path: str, data: bytes) -> FileFacts:
    """The finite numbers under their dotted keys."""
    if len(data) > _MAX_METRICS_BYTES:
        return FileFacts()
    text = decode(data)
    if path.lower().endswith(".json"):
        value = load_json(text)
    else:
        from mlready.facts.yaml_nodes import load_yaml

        value = next(iter(load_yaml(text)), None)
    found = _numbers(value)
    return FileFacts(table=Table(columns=(), rows_sampled=0, metrics=tuple(found))) if found else FileFacts()


def _numbers(value: object) -> list[tuple[str, float]]:
    from mlready.facts.settings import flatten

    if not isinstance(value, dict | list) or not value or "apiVersion" in value:
        return []
    found: list[tuple[str, float]] = []
    for key, item, _ in flatten(value):
        if len(found) >= MAX_METRICS:
            break
        if isinstance(item, int | float) and not isinstance(item, bool) and abs(item) < 1e300 and math.isfinite(item):
            found.append((clean(key, limit=200), float(item)))
    return found
