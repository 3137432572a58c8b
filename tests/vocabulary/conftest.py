from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlready.vocabulary import Vocabulary
from mlready.vocabulary.lookup import read

ACTIVITIES = "\n".join(
    f'[[activity]]\nid = "{id_}"\ntitle = "{id_}"\nsummary = "."' for id_ in ("train", "fit", "preprocess", "predict")
)
SYSTEM = """
[[system]]
id = "toy"
name = "Toy"
kind = "framework"
url = "https://toy.example"
summary = "."
"""

Make = Callable[..., Vocabulary]


@pytest.fixture
def vocabulary_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """The vocabulary of a rules folder with one system: its TOML below the required keys."""
    monkeypatch.setenv("MLREADY_CACHE_DIR", str(tmp_path / "cache"))

    def make(body: str = "", *, files: dict[str, str] | None = None) -> Vocabulary:
        folder = tmp_path / "rules"
        documents = {"activities.toml": ACTIVITIES, "systems/toy.toml": SYSTEM + body, **(files or {})}
        for path, text in documents.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return read(folder)

    return make
