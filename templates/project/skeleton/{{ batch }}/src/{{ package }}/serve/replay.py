"""Writes the test rows as an input file and files their known outcomes: `make serve`."""

from __future__ import annotations

import argparse
import logging
import uuid
from pathlib import Path

from ..data import read
from ..schema import FEATURES, TARGET
from ..settings import Settings

log = logging.getLogger(__name__)


def main() -> None:
    """A rehearsal: input and outcomes, so that serving and monitoring have something to work on."""
    logging.basicConfig(level=logging.INFO)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    target = parser.parse_args().target
    settings = Settings()
    rows = read(settings.data.folder / "test.csv")
    rows = rows.assign(id=[uuid.uuid4().hex for _ in rows.index])
    target.parent.mkdir(parents=True, exist_ok=True)
    rows[["id", *FEATURES]].to_csv(target, index=False)
    outcomes = settings.monitor.outcomes / "replay.csv"
    outcomes.parent.mkdir(parents=True, exist_ok=True)
    known = rows[["id", TARGET]].rename(columns={TARGET: "truth"})
    known.to_csv(outcomes, mode="a", index=False, header=not outcomes.exists())
    log.info("wrote %d rows to %s", len(rows), target)


if __name__ == "__main__":
    main()
