"""Batch jobs: what starts on its own, loads a model, predicts and writes, and does no other work."""

from __future__ import annotations

import pytest
from tests.project.trees import project

HEAD = "import joblib\nimport pandas as pd\n"
SCORE = HEAD + (
    "def score(source, target):\n"
    "    model = joblib.load('model.joblib')\n"
    "    rows = pd.read_csv(source)\n"
    "    rows.assign(prediction=model.predict(rows)).to_csv(target)\n"
)
GUARD = "\nif __name__ == '__main__':\n    score('rows.csv', 'predictions.csv')\n"

DRAW = "import cv2\n" + SCORE.replace(
    "rows.assign(prediction=model.predict(rows)).to_csv(target)", "cv2.imwrite(target, model.predict(rows))"
)


def jobs(files: dict[str, str]) -> list[tuple[str, bool]]:
    return [(job.entry.path, job.started) for job in project(files).batch_jobs]


def test_a_script_that_scores_a_file() -> None:
    assert jobs({"score.py": SCORE + GUARD}) == [("score.py", False)]


def test_the_parts_may_stand_in_other_modules() -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/store.py": HEAD + "def load():\n    return joblib.load('m')\ndef save(rows):\n    rows.to_csv('p.csv')\n",
        "pkg/run.py": "from .store import load, save\ndef main(rows):\n    rows['p'] = load().predict(rows)\n    save(rows)\n"
        "if __name__ == '__main__':\n    main(None)\n",
    }
    assert jobs(files) == [("pkg/run.py", False)]


def test_an_image_starts_it() -> None:
    files = {"score.py": SCORE + GUARD, "Dockerfile": 'FROM python:3.11\nCMD ["python", "score.py"]\n'}
    assert jobs(files) == [("score.py", True)]


def test_one_command_of_a_program_that_trains_too() -> None:
    train = "\ndef train(rows):\n    joblib.dump(SVC().fit(rows, rows), 'model.joblib')\n"
    program = "from sklearn.svm import SVC\n" + SCORE + train
    files = {"shop.py": program + "if __name__ == '__main__':\n    train(1)\n    score('a', 'b')\n"}
    (job,) = project(files).batch_jobs
    assert {project(files).by_path[path].python.scopes[number].name for path, number in job.whole} == {"score"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "files",
    [
        {"lib.py": SCORE},
        {"score.py": SCORE.replace(".to_csv(target)", "") + GUARD},
        {"score.py": SCORE.replace("joblib.load('model.joblib')", "make()") + GUARD},
        {"evaluate.py": SCORE + GUARD},
        {"judge.py": "from sklearn.metrics import f1_score\n" + SCORE + "    f1_score(rows, rows)\n" + GUARD},
        {"fit.py": "from sklearn.svm import SVC\n" + SCORE + "    SVC().fit(rows, rows)\n" + GUARD},
        {"show.py": DRAW + GUARD},
    ],
    ids=["never started", "writes nothing", "loads nothing", "named evaluate", "evaluates", "trains", "draws"],
)
def test_what_is_no_job(files: dict[str, str]) -> None:
    assert jobs(files) == []
