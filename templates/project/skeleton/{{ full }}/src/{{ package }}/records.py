"""The recorded predictions: what was asked, what was answered, by which model; monitoring reads them."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from pydantic import BaseModel

from .schema import Features

_lock = threading.Lock()


class Record(BaseModel):
    """One prediction; the id is what a later outcome is joined by."""

    id: str
    model_version: str
    features: Features
    prediction: float


def record_predictions(folder: Path, records: Sequence[Record]) -> None:
    """Add records to today's file of this process, as JSON lines."""
    now = datetime.now(UTC)
    lines = [json.dumps({"time": now.isoformat(), **record.model_dump(mode="json")}) + "\n" for record in records]
    name = f"{now:%Y-%m-%d}-{socket.gethostname()}-{os.getpid()}.jsonl"
    with _lock:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("a", encoding="utf-8") as file:
            file.writelines(lines)


def read(folder: Path) -> pd.DataFrame:
    """All records, oldest first: id, time, model_version, prediction and one column per feature; empty if none."""
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [json.loads(line) for line in lines]
    flat = [{**row["features"], **{key: row[key] for key in row if key != "features"}} for row in rows]
    return pd.DataFrame(flat).sort_values("time", kind="stable", ignore_index=True) if flat else pd.DataFrame(flat)
