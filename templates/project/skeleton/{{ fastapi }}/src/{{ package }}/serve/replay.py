"""Sends the test rows to a running service and files their known outcomes: `make serve`."""

from __future__ import annotations

import argparse
import logging
import sys
import time

import httpx
import pandas as pd

from ..data import read
from ..schema import FEATURES, TARGET
from ..settings import Settings

log = logging.getLogger(__name__)


def wait_until_healthy(client: httpx.Client, *, seconds: float) -> str:
    """The version of the model that the service serves; raises SystemExit if it doesn't answer in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return str(client.get("/health").raise_for_status().json()["version"])
        except httpx.HTTPError:
            time.sleep(0.2)
    sys.exit(f"{client.base_url} doesn't answer")


def replay(client: httpx.Client, rows: pd.DataFrame) -> pd.DataFrame:
    """Ask for a prediction for every row; returns id and truth, as an outcome file holds them."""
    asked = rows[list(FEATURES)].to_dict("records")
    first = client.post("/predict", json=asked[0]).raise_for_status().json()
    answers = [first]
    if asked[1:]:
        answers += client.post("/predict/batch", json=asked[1:]).raise_for_status().json()
    return pd.DataFrame({"id": [answer["id"] for answer in answers], "truth": rows[TARGET].tolist()})


def main() -> None:
    """A rehearsal: traffic and outcomes, so that monitoring has something to judge."""
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000")
    settings = Settings()
    with httpx.Client(base_url=parser.parse_args().url, timeout=30, transport=httpx.HTTPTransport(retries=3)) as client:
        version = wait_until_healthy(client, seconds=60)
        known = replay(client, read(settings.data.folder / "test.csv"))
    outcomes = settings.monitor.outcomes / "replay.csv"
    outcomes.parent.mkdir(parents=True, exist_ok=True)
    known.to_csv(outcomes, mode="a", index=False, header=not outcomes.exists())
    log.info("model %s answered %d rows at %s", version, len(known), client.base_url)


if __name__ == "__main__":
    main()
