"""Code that has findings on known lines, and notebooks as Jupyter writes them."""

from __future__ import annotations

import json

TRAIN = """\
import joblib
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split


def train(path):
    data = pd.read_csv(path)
    features = data.drop(columns="target")
    parts = train_test_split(features, data["target"])
    model = RandomForestClassifier()
    model.fit(parts[0], parts[2])
    print(model.score(parts[1], parts[3]))
    joblib.dump(model, "model.pkl")


if __name__ == "__main__":
    train("data.csv")
"""
"""A training script with findings on known lines: the split on 10 and the model on 11 draw without a seed."""


def notebook(*cells: str, ids: tuple[str, ...] = ()) -> str:
    """A notebook with these code cells, laid out as Jupyter does."""
    rows = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": ids[i] if ids else f"cell-{i}",
            "metadata": {},
            "outputs": [],
            "source": source.splitlines(keepends=True),
        }
        for i, source in enumerate(cells)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {
        "cells": rows,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, indent=1) + "\n"
