"""What a project is taken for, by what its entry points reach."""

from __future__ import annotations

import pytest
from tests.project.trees import project

TRAIN = """
    from sklearn.svm import SVC
    SVC().fit([[1], [2]], [1, 2])
"""
SERVE = """
    import joblib
    from fastapi import FastAPI
    app = FastAPI()
    model = joblib.load("model.joblib")

    @app.post("/predict")
    def predict(row: dict) -> float:
        return model.predict([[row["x"]]])[0]
"""
NOTEBOOK = (
    '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "id": "a", "metadata": {}, \
"execution_count": 1, "outputs": [], "source": "from sklearn.svm import SVC\\nSVC().fit([[1], [2]], [1, 2])"}]}'
)
PACKAGE = '[project]\nname = "shop"\nversion = "1"\n[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
PUBLISHED = (
    PACKAGE.replace(
        'version = "1"\n', 'version = "1"\ndescription = "x"\nclassifiers = ["Intended Audience :: Developers"]\n'
    )
    + '[project.urls]\nHomepage = "https://example.org"\n'
)
ESTIMATOR = """
    from sklearn.base import BaseEstimator

    class Nearest(BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return X
"""

CASES: dict[str, tuple[str, dict[str, str]]] = {
    "a script that trains": ("training", {"train.py": TRAIN}),
    "training in a function that main calls": (
        "training",
        {
            "train.py": "def run():\n    from sklearn.svm import SVC\n    SVC().fit([[1]], [1])\n\nif __name__ == '__main__':\n    run()\n"
        },
    ),
    "a model that a function of the project makes": (
        "training",
        {
            "models.py": "from sklearn.svm import SVC\n\ndef build():\n    return SVC()\n",
            "train.py": "from models import build\nbuild().fit([[1]], [1])\n",
        },
    ),
    "a service with a model from elsewhere": ("service", {"app.py": SERVE}),
    "training beside a service": ("training-and-service", {"train.py": TRAIN, "app.py": SERVE}),
    "training beside the script of a hosted endpoint": (
        "training-and-service",
        {
            "train.py": TRAIN,
            "score.py": "import os\nimport joblib\n\ndef init():\n    global model\n"
            "    model = joblib.load(os.environ['AZUREML_MODEL_DIR'] + '/m.joblib')\n\ndef run(rows):\n    return model.predict(rows)\n",
        },
    ),
    "functions of such names that no platform calls": (
        "training",
        {
            "train.py": TRAIN + "\n    import joblib\n\n    def init():\n        return joblib.load('m.joblib')\n\n"
            "    def run(rows):\n        return init().predict(rows)\n"
        },
    ),
    "a web application without a model": (
        "not-ml",
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n\n@app.get('/')\ndef hello() -> str:\n    return 'hello'\n"
        },
    ),
    "notebooks and nothing else": ("notebook-collection", {"a.ipynb": NOTEBOOK, "b.ipynb": NOTEBOOK}),
    "notebooks beside a package that trains": (
        "training",
        {"a.ipynb": NOTEBOOK, "pyproject.toml": PACKAGE, "src/shop/__init__.py": "", "src/shop/train.py": TRAIN},
    ),
    "a published package of estimators": (
        "library",
        {
            "pyproject.toml": PUBLISHED,
            "src/shop/__init__.py": "from shop.nearest import Nearest\n",
            "src/shop/nearest.py": ESTIMATOR,
        },
    ),
    "a library with example notebooks stays one": (
        "library",
        {
            "pyproject.toml": PUBLISHED,
            "src/shop/__init__.py": "from shop.nearest import Nearest\n",
            "src/shop/nearest.py": ESTIMATOR,
            "examples/plot.py": TRAIN,
            "docs/tutorial.ipynb": NOTEBOOK,
        },
    ),
    "a package that its README has installed by name, beside scripts that show it": (
        "library",
        {
            "README.md": "# shop\n\n```console\n$ pip install shop\n```\n",
            "pyproject.toml": PACKAGE,
            "src/shop/__init__.py": "from shop.nearest import Nearest\n",
            "src/shop/nearest.py": ESTIMATOR,
            "train_demo.py": TRAIN,
        },
    ),
    "a project with the classifiers of a template": (
        "training",
        {
            "README.md": "# shop\n\n```console\n$ pip install -e . pandas\n```\n",
            "pyproject.toml": PACKAGE
            + 'classifiers = ["Programming Language :: Python :: 3", "License :: OSI Approved :: MIT License"]\n',
            "shop/__init__.py": "",
            "shop/nearest.py": ESTIMATOR,
            "shop/fit.py": TRAIN,
        },
    ),
    "calls of a language model": (
        "llm-application",
        {"bot.py": "from openai import OpenAI\nprint(OpenAI().chat.completions.create(model='m', messages=[]))\n"},
    ),
    "training is only tested, never started": (
        "service",
        {"app.py": SERVE, "tests/test_model.py": f"def test_it():\n{TRAIN}"},
    ),
    "code without machine learning": ("not-ml", {"main.py": "print('hello')\n"}),
    "nothing": ("not-ml", {}),
}


@pytest.mark.parametrize("name", CASES)
def test_kind(name: str) -> None:
    kind, files = CASES[name]
    told = project(files).kind
    assert told.name == kind, told.reasons
    assert all(told.reasons)


def test_the_reasons_name_the_places() -> None:
    reasons = " ".join(project({"train.py": TRAIN, "app.py": SERVE}).kind.reasons)
    assert "train.py:3" in reasons
    assert "app.py" in reasons


def test_configuration_corrects_the_kind() -> None:
    told = project({"train.py": TRAIN}, kind="library").kind
    assert (told.name, told.reasons) == ("library", ("stated in configuration",))
