"""Gets the rows, checks them against the schema and splits them: `make train`."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pandera.pandas as pa

from .dataset import bundled
from .schema import Row
from .settings import Settings

log = logging.getLogger(__name__)

_DTYPES = {"number": "float64", "integer": "int64", "string": "str", "boolean": "bool"}


def _column(rule: dict[str, Any]) -> pa.Column:
    checks = []
    if "minimum" in rule:
        checks.append(pa.Check.ge(rule["minimum"]))
    if "maximum" in rule:
        checks.append(pa.Check.le(rule["maximum"]))
    if "enum" in rule:
        checks.append(pa.Check.isin(rule["enum"]))
    return pa.Column(_DTYPES[rule["type"]], checks, nullable=False)


# The row model as a table: the same names, types, ranges and categories; no nulls, no other columns.
TABLE = pa.DataFrameSchema(
    {name: _column(rule) for name, rule in Row.model_json_schema()["properties"].items()}, strict=True, coerce=True
)


def fetch(source: str) -> pd.DataFrame:
    """The newest rows from a path or URL of a CSV file, checked; an empty source means the bundled data set."""
    if not source:
        return check(bundled())
    is_remote = source.startswith(("http://", "https://"))
    return read(io.BytesIO(_download(source)) if is_remote else Path(source))


def read(source: Path | io.BytesIO) -> pd.DataFrame:
    """The rows of a CSV file, with the types of the schema, checked."""
    return TABLE.validate(pd.read_csv(source), lazy=True)


def check(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows, with the types of the schema; raises pandera's SchemaErrors, which lists every broken row."""
    return TABLE.validate(frame, lazy=True)


def split(frame: pd.DataFrame, *, test_share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test rows, no row in both.

    Each row goes by its own hash, so it stays where it is when rows are added: no champion is judged on rows that it
    was trained on, and metrics of earlier data can be compared.
    """
    unique = frame.drop_duplicates()
    position = pd.util.hash_pandas_object(unique.assign(seed=seed), index=False) / 2**64
    return unique[position >= test_share], unique[position < test_share]


def _download(url: str) -> bytes:
    with httpx.Client(timeout=30, transport=httpx.HTTPTransport(retries=3), follow_redirects=True) as client:
        return client.get(url).raise_for_status().content


def main() -> None:
    """Write train.csv and test.csv into the data folder."""
    logging.basicConfig(level=logging.INFO)
    settings = Settings()
    folder = settings.data.folder
    train, test = split(fetch(settings.data.source), test_share=settings.data.test_share, seed=settings.data.seed)
    folder.mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    log.info("wrote %d training and %d test rows to %s", len(train), len(test), folder)


if __name__ == "__main__":
    main()
