"""Flows: what is told of data on its way from reading to splitting to fitting."""

from __future__ import annotations

import textwrap

import pytest

from mlready.facts.python import read_python
from mlready.facts.rows import Flow
from mlready.vocabulary import load

HEAD = """
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import LabelEncoder, MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
df = pd.read_csv("a.csv")
X, y = df.drop("target", axis=1), df["target"]
"""
SPLIT = "X_train, X_test, y_train, y_test = train_test_split(X, y)\n"
SCORE = "model = SVC().fit(X_train, y_train)\nprint(model.score(X_test, y_test))\n"


def flows(code: str, *, head: str = HEAD) -> tuple[Flow, ...]:
    facts = read_python("a.py", (head + textwrap.dedent(code)).encode(), load())
    assert facts.python is not None, facts.problem
    return facts.python.flows


def found(code: str, *, head: str = HEAD) -> set[tuple[str, bool]]:
    return {(flow.kind, flow.certain) for flow in flows(code, head=head)}


LEAK = {("preprocessing-leakage", True)}
SUSPICION = {("preprocessing-leakage", False)}


@pytest.mark.parametrize(
    "code",
    [
        "X = StandardScaler().fit_transform(X)\n" + SPLIT + SCORE,
        "scaler = StandardScaler()\nscaler.fit(X)\nX = scaler.transform(X)\n" + SPLIT + SCORE,
        "Z = pd.DataFrame(StandardScaler().fit_transform(X), columns=X.columns)\nX = Z.copy()\n" + SPLIT + SCORE,
        "for c in ['a', 'b']:\n    X[c] = MinMaxScaler().fit_transform(X[[c]])\n" + SPLIT + SCORE,
        "X = Pipeline([('s', StandardScaler()), ('p', PCA())]).fit_transform(X)\n" + SPLIT + SCORE,
        "X = PCA(2).fit_transform(X)\nprint(cross_val_score(SVC(), X, y))\n",
        "X = PCA(2).fit_transform(X)\nGridSearchCV(SVC(), {}).fit(X, y)\n",
        "X = PCA(2).fit_transform(X)\nfor a, b in KFold(5).split(X):\n    SVC().fit(X[a], y[a]).score(X[b], y[b])\n",
        "def prepare(data):\n    return StandardScaler().fit_transform(data)\nX = prepare(X)\n" + SPLIT + SCORE,
        "X = X.apply(lambda c: MinMaxScaler().fit_transform(c))\n" + SPLIT + SCORE,
        "X = (X - X.mean()) / X.std()\n" + SPLIT + SCORE,
        "X -= X.mean(axis=0)\nX /= X.std(axis=0)\n" + SPLIT + SCORE,
        "X = StandardScaler().fit_transform(X)\nX_train, X_test = X[:800], X[800:]\nSVC().fit(X_train, y[:800])\n",
        "parts = {'all': StandardScaler().fit_transform(X)}\nX = parts['all']\n" + SPLIT + SCORE,
        "if True:\n    X = StandardScaler().fit_transform(X)\nelse:\n    X = X.values\n" + SPLIT + SCORE,
    ],
)
def test_what_is_fitted_before_the_split_leaks(code: str) -> None:
    assert found(code) >= LEAK


def test_the_message_names_what_is_fitted_and_both_lines() -> None:
    (flow,) = flows("X = StandardScaler().fit_transform(X)\n" + SPLIT)
    assert flow.message == "StandardScaler is fitted on line 11, before the split on line 12"
    assert (flow.line, flow.other_line, flow.scope) == (11, 12, 0)


def test_a_method_keeps_what_it_fitted_in_its_object() -> None:
    code = """
    class Trainer:
        def __init__(self, data):
            self.data = data
            self.scaler = StandardScaler()
        def prepare(self):
            self.data = self.scaler.fit_transform(self.data)
        def run(self):
            self.prepare()
            a, b, c, d = train_test_split(self.data, y)
            SVC().fit(a, c)
    Trainer(X).run()
    """
    assert found(code) == LEAK


@pytest.mark.parametrize(
    "code",
    [
        SPLIT + "s = StandardScaler()\nX_train = s.fit_transform(X_train)\nX_test = s.transform(X_test)\n" + SCORE,
        "print(cross_val_score(make_pipeline(StandardScaler(), SVC()), X, y))\n",
        "pipe = Pipeline([('s', StandardScaler()), ('m', SVC())])\nGridSearchCV(pipe, {}).fit(X, y)\n",
        "y = LabelEncoder().fit_transform(y)\n" + SPLIT + SCORE,
        "X = pd.get_dummies(X)\n" + SPLIT + SCORE,
        "points = PCA(2).fit_transform(X)\nprint(points[:, 0])\n" + SPLIT + SCORE,
        "df['scaled'] = StandardScaler().fit_transform(df[['a']])\nX = df[['a', 'b']]\n" + SPLIT + SCORE,
        "print(StandardScaler().fit_transform(X))\n",
        "df['target'] = StandardScaler().fit_transform(df[['target']])\na, b = train_test_split(df)\n",
        SPLIT + "s = StandardScaler().fit(X)\nprint(s.transform(X_train))\n",
        SPLIT + SCORE + "final = SVC().fit(StandardScaler().fit_transform(X), y)\n",
        "other = pd.read_csv('b.csv')\ns = StandardScaler().fit(other)\nX = s.transform(X)\n" + SPLIT + SCORE,
        "rows = []\nfor _, row in X.iterrows():\n    rows.append((row - row.mean()) / row.std())\nX = np.array(rows)\n"
        + SPLIT
        + SCORE,
    ],
)
def test_what_learns_from_training_rows_only_is_no_leak(code: str) -> None:
    assert found(code) == set()


def test_two_files_are_no_split() -> None:
    code = """
    train, test = pd.read_csv("train.csv"), pd.read_csv("test.csv")
    everything = pd.concat([train, test])
    everything = StandardScaler().fit_transform(everything)
    X_train, X_test = everything[:800], everything[800:]
    SVC().fit(X_train, train["target"])
    """
    assert found(code) == set()


@pytest.mark.parametrize(
    "code",
    [
        "X = X.fillna(X.mean())\n" + SPLIT + SCORE,
        "X = OneHotEncoder().fit_transform(X)\n" + SPLIT + SCORE,
    ],
)
def test_vocabularies_and_filled_gaps_are_suspicions(code: str) -> None:
    assert found(code) == SUSPICION


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("from imblearn.over_sampling import SMOTE\nX, y = SMOTE().fit_resample(X, y)\n" + SPLIT, "overlap-leakage"),
        (SPLIT + "m = SVC().fit(X, y)\nprint(m.score(X_test, y_test))\n", "overlap-leakage"),
        (SPLIT + "s = StandardScaler()\na = s.fit_transform(X_train)\nb = s.fit_transform(X_test)\n", "test-fitted"),
        (
            SPLIT + "import xgboost\nm = xgboost.XGBClassifier(early_stopping_rounds=5)\n"
            "m.fit(X_train, y_train, eval_set=[(X_test, y_test)])\n",
            "test-fitted",
        ),
    ],
)
def test_rows_of_the_test_part_in_training(code: str, kind: str) -> None:
    assert (kind, True) in found(code)


def test_candidates_that_are_scored_on_the_test_part() -> None:
    loop = "for c in [1, 10]:\n    m = SVC(C=c).fit(X_train, y_train)\n    print(m.score(X_test, y_test))\n"
    assert found(SPLIT + loop) == {("multi-test", False)}
    assert (
        found(
            "for c in [1, 10]:\n    " + SPLIT + "    m = SVC(C=c).fit(X_train, y_train)\n    m.score(X_test, y_test)\n"
        )
        == set()
    )


@pytest.mark.parametrize(
    "code",
    [
        SPLIT + SCORE + "model.fit(X, y)\n",
        SPLIT
        + "from imblearn.over_sampling import SMOTE\nX_train, y_train = SMOTE().fit_resample(X_train, y_train)\n"
        + SCORE,
        SPLIT + "X_train, X_val, y_train, y_val = train_test_split(X_train, y_train)\n"
        "import xgboost\nm = xgboost.XGBClassifier(early_stopping_rounds=5)\n"
        "m.fit(X_train, y_train, eval_set=[(X_val, y_val)])\n",
    ],
)
def test_a_refit_a_resampled_training_part_and_a_validation_part_are_sound(code: str) -> None:
    assert found(code) == set()


@pytest.mark.parametrize(
    ("code", "cut"),
    [
        ("df = pd.read_csv('a.csv').head(1000)\nSVC().fit(df[['a']], df['b'])\n", True),
        ("df = pd.read_csv('a.csv')[:1000]\nSVC().fit(df[['a']], df['b'])\n", True),
        ("df = df.sample(n=500)\nSVC().fit(df[['a']], df['b'])\n", True),
        ("df = df.sample(frac=1)\nSVC().fit(df[['a']], df['b'])\n", False),
        ("print(df.head(10))\nSVC().fit(df[['a']], df['b'])\n", False),
        ("a, b = df[:800], df[800:]\nSVC().fit(a[['a']], a['b'])\n", False),
        (
            "import argparse\ndebug = len(df) > 3\nif debug:\n    df = df.head(9)\nSVC().fit(df[['a']], df['b'])\n",
            False,
        ),
        ("df['a'] = df['a'].str[:5]\nSVC().fit(df[['a']], df['b'])\n", False),
        ("small = df.head(100)\nSVC().fit(small[['a']], small['b'])\nSVC().fit(df[['a']], df['b'])\n", False),
    ],
)
def test_cuts_on_the_way_to_training(code: str, cut: bool) -> None:
    assert (("truncation", True) in found(code)) is cut


def test_lags_and_a_shuffled_split() -> None:
    lag = "X['before'] = df['sales'].shift(1)\n"
    assert ("time-split", True) in found(lag + SPLIT)
    assert found(lag + "X_train, X_test, y_train, y_test = train_test_split(X, y, shuffle=False)\n") == set()


LLM = """
import json, re, subprocess
from openai import OpenAI
from pydantic import BaseModel
class Invoice(BaseModel):
    total: float
answer = OpenAI().chat.completions.create(model="gpt-4o", messages=[])
text = answer.choices[0].message.content
"""


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("exec(text)\n", {"llm-execution"}),
        ("subprocess.run(f'bash -c {text}', shell=True)\n", {"llm-execution"}),
        ("cursor.execute(text)\n", {"llm-execution"}),
        ("print(text)\n", set()),
        ("sandbox.run(exec, text)\n", set()),
        ("data = json.loads(text)\n", {"llm-parsed-bare"}),
        ("data = re.search('{.*}', text)\n", {"llm-parsed-bare"}),
        ("data = json.loads(answer.choices[0].message.tool_calls[0].function.arguments)\n", {"llm-parsed-checked"}),
        ("data = Invoice(**json.loads(text))\n", {"llm-parsed-checked"}),
        ("data = Invoice.model_validate(json.loads(text))\n", {"llm-parsed-checked"}),
    ],
)
def test_what_becomes_of_an_answer(code: str, kinds: set[str]) -> None:
    assert {flow.kind for flow in flows(code, head=LLM)} == kinds


@pytest.mark.parametrize(
    "code",
    [
        "x = 1\n",
        "def f(n):\n    return f(n - 1) + f(n - 2)\nf(9)\n" + SPLIT,
        "def f():\n    g()\ndef g():\n    f()\nf()\n" + SPLIT,
        "x = " + "+".join(["X"] * 900) + "\n" + SPLIT,
        "for i in range(9):\n" + "    X = X + X\n" * 400 + SPLIT,
        "x = " + "[" * 60 + "]" * 60 + "\n" + SPLIT,
        "*a, b = X\nc = d = e = *a, b\n" + SPLIT,
        "match X:\n    case [1, *rest]:\n        pass\n" + SPLIT,
    ],
)
def test_odd_code_is_followed_as_far_as_it_goes(code: str) -> None:
    assert all(flow.line > 0 for flow in flows(code))


def test_an_object_of_unknown_make_gives_back_the_part_that_it_was_given() -> None:
    code = """
    from elsewhere import Cleaner
    cleaner = Cleaner()
    X_train = cleaner.transform(X_train)
    encoder = OneHotEncoder()
    X_train["a"] = encoder.fit_transform(X_train[["a"]])
    SVC().fit(X_train, y_train)
    """
    assert found(SPLIT + textwrap.dedent(code)) == set()
