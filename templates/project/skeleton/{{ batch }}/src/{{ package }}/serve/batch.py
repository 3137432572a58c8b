"""Predicts every row of a CSV file: `make serve`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter

from .. import artifact, records
from ..model import predict
from ..schema import FEATURES, Features
from ..settings import Settings

log = logging.getLogger(__name__)


def predict_file(source: Path, target: Path, *, settings: Settings) -> int:
    """Check, predict and record the rows of a file with an id and every feature; returns how many there were."""
    model, card = artifact.load(settings.serve.model)
    done = 0
    with pd.read_csv(source, dtype={"id": "str"}, chunksize=settings.serve.max_rows) as parts:
        for number, part in enumerate(parts):
            rows = TypeAdapter(list[Features]).validate_python(part[list(FEATURES)].to_dict("records"))
            values = predict(model, part)
            made = [
                records.Record(id=key, model_version=card.version, features=row, prediction=value)
                for key, row, value in zip(part["id"], rows, values, strict=True)
            ]
            records.record_predictions(settings.serve.records, made)
            answers = pd.DataFrame({"id": part["id"], "prediction": values, "version": card.version})
            answers.to_csv(target, mode="a" if number else "w", header=not number, index=False)
            done += len(part)
    return done


def main() -> None:
    """Read the two paths from the command line."""
    logging.basicConfig(level=logging.INFO)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    arguments.target.parent.mkdir(parents=True, exist_ok=True)
    count = predict_file(arguments.source, arguments.target, settings=Settings())
    log.info("predicted %d rows into %s", count, arguments.target)


if __name__ == "__main__":
    main()
