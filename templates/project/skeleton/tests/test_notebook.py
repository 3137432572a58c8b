"""The notebook: runs from top to bottom, so that it never rots."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient


def test_the_notebook_runs() -> None:
    path = Path("notebooks/explore.ipynb")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": "."}}).execute()
    assert any(cell.get("outputs") for cell in notebook.cells)
