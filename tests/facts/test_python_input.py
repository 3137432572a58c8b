"""Reading Python that is broken, hostile or merely odd: a problem in words, never a traceback."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlready.facts import cache
from mlready.facts.python import read_python
from mlready.facts.rows import FileFacts
from mlready.vocabulary import load


def read(data: bytes) -> FileFacts:
    return read_python("m.py", data, load())


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"def f(:\n", "syntax error at line 1: invalid syntax"),
        (b"print 'hello'\n", "Python 2 syntax at line 1"),
        (b"x = 1\nexcept ValueError, e:\n", "Python 2 syntax at line 2"),
        (b"try:\n    pass\nexcept ValueError, e:\n    pass\n", "Python 2 syntax at line 3"),
        (b"raise ValueError, 'x'\n", "Python 2 syntax at line 1"),
        (b"x = 1\0\n", "holds null bytes"),
        (b"# coding: no-such-codec\n", "encoding: unknown encoding: no-such-codec"),
        (b"# coding: rot13\nk = 1\n", "encoding: "),
        (b"x = '\xff\xfe'\n", "encoding: "),
        (b"x = 1\n" * 400_000, "larger than 2 MB"),
    ],
)
def test_what_cannot_be_read_has_a_reason(data: bytes, problem: str) -> None:
    found = read(data)
    assert found.problem.startswith(problem)
    assert found.python is None


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + "x = 'é'\n".encode(),
        "# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"),
        b"x = 1\r\ny = 2\r\n",
        b"",
        b"\n",
        b"# only a comment",
        b"x = '\\ud800'\n",
        b"x = 1e999; y = -1e999; z = 9 ** 99; w = 123456789012345678901234567890; v = 1j; u = b'x'; t = ...\n",
        "def ünïcode(größe=1): return größe\n".encode(),
    ],
)
def test_odd_files_are_read_and_can_be_stored(data: bytes) -> None:
    found = read(data)
    assert found.problem == ""
    assert cache.decode(cache.encode(found)) == found


NESTED = {
    "brackets": "(" * 100_000,
    "signs": "-" * 100_000 + "1",
    "attributes": "a" + ".b" * 100_000,
    "calls": "a" + "()" * 100_000,
    "sums": "+".join(["a"] * 100_000),
    "conditions": "x if x else " * 100_000 + "1",
    "branches": "if a:\n  b\n" + "elif a:\n  b\n" * 20_000,
    "lambdas": "lambda: " * 100_000 + "1",
}


@pytest.mark.parametrize("kind", NESTED)
def test_code_that_nests_too_deeply_is_named_as_such(kind: str) -> None:
    assert read(NESTED[kind].encode()).problem == "nested too deeply"


@pytest.mark.parametrize(
    "source",
    [
        "a" + ".b" * 2_000,
        "a" + ".b()" * 1_000,
        "x = " + "+".join(["'a'"] * 2_500),
        "x = " + "[" * 90 + "]" * 90,
        "if a:\n  b\n" + "elif a:\n  b\n" * 1_500,
        "\n".join(" " * i + "if a:" for i in range(90)) + "\n" + " " * 90 + "b",
    ],
)
def test_code_deeper_than_the_stack_is_read(source: str) -> None:
    assert read(source.encode()).problem == ""


SAMPLE = '''"""Train."""
from __future__ import annotations
import numpy as np, pandas as pd
from sklearn.pipeline import make_pipeline
from .utils import seed_all as seed  # mlready: ignore[REP004] seeded elsewhere
try:
    import mlflow
except ImportError:
    mlflow = None
SEED: int = 42
PATHS = {"train": "/home/me/train.csv", "url": f"s3://bucket/{SEED}/x.parquet"}
class Model(Base):
    rate = 0.1
    def __init__(self, *, rate: float = 0.1, **more): self.model = make_pipeline(**more)
    async def fit(self, df: pd.DataFrame) -> Model:
        for i, (a, b) in enumerate(zip(df.iloc[:, 3], df["y"])):
            with open(PATHS["train"], "w") as f, lock:
                f.write(f"{a!r:>{b}}")
        return await self.model.fit(df, y=[x for x in df if x])
@app.post("/predict")
def predict(rows: list[dict], n=-1, /, *args):
    try:
        match rows:
            case [{"a": 1, **rest}, *others] if (k := len(rest)) > 1: del rest["a"]
            case _: global total; total += lambda x=1: x
    except (KeyError, ValueError) as e:
        raise RuntimeError("no") from e
    finally:
        print({**a, "b": {1, 2}}, *args, sep="")
if __name__ == "__main__":
    seed(SEED); assert np.random.rand(3).shape == (3,), "shape"
'''


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_mutated_code_gives_facts_or_a_problem_and_the_same_each_time(data: st.DataObject) -> None:
    source = SAMPLE.encode()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(source)))
        end = data.draw(st.integers(start, min(len(source), start + 40)))
        middle = data.draw(
            st.sampled_from([b"", b"(", b"\n", b"  ", b"\0", b"\xff", b"'", b'"""', b"x", b":", source[start:end] * 2])
        )
        source = source[:start] + middle + source[end:]
    found = read(source)
    assert bool(found.problem) != (found.python is not None)
    assert "please report" not in found.problem
    assert read(source) == found
    assert cache.decode(cache.encode(found)) == found


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(data: bytes) -> None:
    found = read(data)
    assert bool(found.problem) != (found.python is not None)
