"""Reading Python: what each row says of a few lines of code."""

from __future__ import annotations

from textwrap import dedent

import pytest

from mlready.facts.python import read_python
from mlready.facts.rows import Call, PythonFacts, Text, Value
from mlready.vocabulary import load


def facts(source: str) -> PythonFacts:
    found = read_python("m.py", dedent(source).encode(), load())
    assert found.problem == ""
    assert found.python is not None
    return found.python


def names(source: str) -> list[str]:
    return [call.name for call in facts(source).calls]


def call(source: str, name: str) -> Call:
    return next(row for row in facts(source).calls if row.name == name)


# ------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import pandas as pd\npd.read_csv('a.csv')", "pandas.read_csv"),
        (
            "from sklearn.model_selection import train_test_split as tts\ntts(x)",
            "sklearn.model_selection.train_test_split",
        ),
        ("import sklearn.model_selection as ms\nms.train_test_split(x)", "sklearn.model_selection.train_test_split"),
        ("import os.path\nos.path.exists(p)", "os.path.exists"),
        ("from . import utils\nutils.seed()", ".utils.seed"),
        ("from ..lib.seeds import seed_all\nseed_all(1)", "..lib.seeds.seed_all"),
        ("import torch.nn as tnn\nimport mlflow as m\nlog = m.log_metric\nlog('a', 1)", "mlflow.log_metric"),
        ("def prepare(df): ...\nprepare(1)", "prepare"),
        ("run_all()\ndef run_all(): ...", "run_all"),
        ("open('x')", "open"),
        ("spark.read.csv('x')", "spark.read.csv"),
        ("def ask(client):\n    client.chat.completions.create()", "openai.OpenAI.chat.completions.create"),
        ("class A:\n    def ask(self):\n        self.llm.responses.create()", "openai.OpenAI.responses.create"),
    ],
)
def test_a_call_has_the_full_name_of_what_it_calls(source: str, expected: str) -> None:
    assert expected in names(source)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from sklearn.svm import SVC\nm = SVC()\nm.fit(x, y)", "sklearn.svm.SVC.fit"),
        ("from sklearn.svm import SVC\nSVC().fit(x, y).predict(z)", "sklearn.svm.SVC.predict"),
        ("import pandas as pd\npd.read_csv('a').fillna(0)", "pandas.DataFrame.fillna"),
        ("import pandas as pd\ndf = pd.read_csv('a')\ndf['x'].fillna(0)", "pandas.Series.fillna"),
        ("import pandas as pd\ndef f(df: pd.DataFrame):\n    df.merge(x)", "pandas.DataFrame.merge"),
        ("import pandas as pd\ndef f(df: 'pd.DataFrame | None'):\n    df.merge(x)", "pandas.DataFrame.merge"),
        (
            "import pandas as pd\nfrom typing import Optional\ndef f(df: Optional[pd.DataFrame]):\n    df.merge(x)",
            "pandas.DataFrame.merge",
        ),
        ("def f(model):\n    model.fit(x)", ".fit"),
        ("model.fit(x)", ".fit"),
        ("import requests\nwith requests.Session() as s:\n    s.get(u)", "requests.Session.get"),
        ("from .nets import Net\nnet = Net()\nnet.fit(x)", ".nets.Net.fit"),
        ("', '.join(names); x.join(y)", ".join"),
    ],
)
def test_a_method_is_named_by_the_class_of_its_object_where_that_is_known(source: str, expected: str) -> None:
    assert expected in names(source)


def test_text_methods_are_not_taken_for_methods_of_tables() -> None:
    assert ".join" not in names("', '.join(names)\nsep = '-'\nsep.join(names)\nf'{x}'.join(y)")


def test_what_a_class_keeps_is_known_in_all_its_methods() -> None:
    source = """
        from sklearn.preprocessing import StandardScaler
        class Prep:
            def __init__(self):
                self.scaler = StandardScaler()
            def run(self, x):
                return self.scaler.fit_transform(x)
        """
    found = call(source, "sklearn.preprocessing.StandardScaler.fit_transform")
    assert found.receiver == "self.scaler"
    assert found.context == ("return",)


def test_a_method_that_is_not_defined_belongs_to_the_base_class() -> None:
    source = """
        import keras
        class Net(keras.Model):
            def call(self, x): ...
        net = Net()
        net.fit(x, y)
        """
    assert "keras.Model.fit" in names(source)


def test_a_function_passes_on_the_class_of_what_it_returns() -> None:
    source = """
        import pandas as pd
        def load():
            df = pd.read_csv("a.csv")
            return df
        data = load()
        data.drop_duplicates()
        """
    assert "pandas.DataFrame.drop_duplicates" in names(source)


def test_the_last_assignment_counts() -> None:
    source = "import pandas as pd\nx = pd.read_csv('a')\nx = make()\nx.fillna(0)"
    assert ".fillna" in names(source)


def test_a_placeholder_for_a_missing_module_does_not_hide_it() -> None:
    source = "try:\n    import mlflow\nexcept ImportError:\n    mlflow = None\nmlflow.log_metric('a', 1)"
    assert "mlflow.log_metric" in names(source)


def test_a_local_name_hides_an_import() -> None:
    assert "mlflow.log_metric" not in names("import mlflow\ndef f(mlflow):\n    mlflow.log_metric('a', 1)")


def test_activities_come_from_the_vocabulary() -> None:
    row = call("import os\nos.system('ls')", "os.system")
    assert row.system == "python"
    assert row.activities == ("shell",)


@pytest.mark.parametrize(
    "line",
    [
        "correct += (predicted == labels).sum().item()",
        "acc = torch.sum(preds == y.data).double() / len(y)",
        "acc = np.mean(model.predict(x) == y_test)",
        "hits = outputs.argmax(1).eq(targets).float().mean()",
        "acc = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))",
        "acc = sum(p == t for p, t in zip(preds, truth)) / len(truth)",
        "wrong = sum(1 for i in rows if y_hat[i] != y[i])",
        "rmse = np.sqrt(np.mean((y_pred - y_test) ** 2))",
        "mape = np.mean(np.abs((y_test - forecast) / y_test))",
        "mae = np.abs(frame['prediction'] - frame['actual']).mean()",
    ],
)
def test_a_metric_written_out_is_an_evaluation(line: str) -> None:
    source = "import numpy as np, tensorflow as tf, torch\n" + line
    assert "evaluate" in {activity for row in facts(source).calls for activity in row.activities}


@pytest.mark.parametrize(
    "line",
    [
        "empty = (frame['price'] == 0).sum()",
        "same = (frame.left == frame.right).sum()",
        "loss = ((outputs - targets) ** 2).mean()",
        "shift = (y_pred - y_test).mean()",
        "total = np.sum(outputs)",
        "spread = np.mean((x - x.mean()) ** 2)",
        "ones = (predictions == 1).sum()",
    ],
)
def test_other_totals_are_none(line: str) -> None:
    assert not any(row.activities for row in facts("import numpy as np\n" + line).calls)


def test_a_function_named_for_it_evaluates_a_model() -> None:
    source = "def {}(model, loader):\n    model.eval()\n    for x in loader:\n        model(x)"
    assert call(source.format("validate"), ".eval").activities == ("evaluate",)
    assert "evaluate" not in call(source.format("embed"), ".eval").activities


def test_a_function_of_a_relative_import_is_not_a_method() -> None:
    row = call("from .train import fit\nfit(x)", ".train.fit")
    assert row.activities == ()


# ---------------------------------------------------------------------------------------------- calls and arguments


def test_arguments_are_told_without_being_evaluated() -> None:
    source = """
        from sklearn.svm import SVC
        SVC(1, -0.5, *rest, C=lr, kernel=f"k{n}", shape=[1, 2], opts={"a": 1.5}, seed=make(3), x=cfg["lr"], **more)
        """
    args = {arg.name: arg.value for arg in call(source, "sklearn.svm.SVC").args}
    assert args["0"] == Value("const", scalar=1)
    assert args["1"] == Value("const", scalar=-0.5)
    assert args["*"] == Value("name", "rest")
    assert args["**"] == Value("name", "more")
    assert args["C"] == Value("name", "lr")
    assert args["kernel"] == Value("fstring", "k{}", items=(Value("name", "n"),), length=3)
    assert args["shape"] == Value("list", items=(Value("const", scalar=1), Value("const", scalar=2)), length=2)
    assert args["opts"].items[0].scalar == "a"
    assert args["opts"].values == (Value("const", scalar=1.5),)
    assert args["seed"] == Value("call", "make", items=(Value("const", scalar=3),))
    assert args["x"] == Value("item", "cfg", items=(Value("const", scalar="lr", length=2),))


def test_what_encloses_a_call_is_told_from_the_outside_in() -> None:
    source = """
        import joblib
        if __name__ == "__main__":
            for path in paths:
                try:
                    with lock:
                        joblib.load(path)
                except OSError:
                    joblib.dump(1, path)
        """
    assert call(source, "joblib.load").context == ("main-guard", "loop", "try", "with")
    assert call(source, "joblib.dump").context == ("main-guard", "loop", "except")


def test_targets_parent_and_end_line() -> None:
    source = """
        import pandas as pd
        from sklearn.model_selection import train_test_split
        a, b = train_test_split(
            pd.read_csv("x.csv"),
        )
        """
    outer = call(source, "sklearn.model_selection.train_test_split")
    assert (outer.targets, outer.line, outer.end_line) == (("a", "b"), 4, 6)
    assert call(source, "pandas.read_csv").parent == "sklearn.model_selection.train_test_split"


def test_with_binds_what_it_opens() -> None:
    assert call("with open('a') as f:\n    pass", "open").targets == ("f",)


def test_awaited_calls_are_marked() -> None:
    source = "import httpx\nasync def f():\n    c = httpx.AsyncClient()\n    r = await c.get(u)"
    assert "await" in call(source, "httpx.AsyncClient.get").context


def test_decorators_are_calls_with_the_function_as_target() -> None:
    source = "from fastapi import FastAPI\napp = FastAPI()\n@app.post('/predict')\ndef predict(x): ..."
    row = call(source, "fastapi.FastAPI.post")
    assert (row.context, row.targets) == (("decorator",), ("predict",))


def test_a_known_decorator_without_brackets_is_a_call() -> None:
    row = call("from prefect import flow\n@flow\ndef pipeline(): ...", "prefect.flow")
    assert (row.context, row.targets) == (("decorator",), ("pipeline",))


def test_prints_are_counted_apart() -> None:
    found = facts("def f():\n    print(1)\nprint(2)")
    assert found.prints == ((2, 1), (3, 0))
    assert found.calls == ()


# ------------------------------------------------------------------------------------------------------------ scopes


def test_scopes_say_what_a_definition_is_like() -> None:
    source = '''
        class Trainer(Base, metaclass=Meta):
            """Trains."""
            lr: float = 0.1
            @property
            def size(self): return 1
            async def fit(self, x, *, epochs: int = 3, **more) -> "Trainer":
                y = x
                def inner():
                    return 1
                assert y
                return y
        '''
    module, trainer, size, fit, inner = facts(source).scopes
    assert (module.kind, module.name, module.statements) == ("module", "", 0)
    assert (trainer.kind, trainer.bases, trainer.documented) == ("class", ("Base",), True)
    assert size.trivial
    assert size.decorators == (Value("name", "property"),)
    assert (fit.name, fit.parent, fit.is_async, fit.asserts, fit.statements) == ("Trainer.fit", 1, True, 1, 3)
    assert [param.name for param in fit.params] == ["self", "x", "epochs", "**more"]
    assert fit.params[2].default == Value("const", scalar=3)
    assert fit.returns == "Trainer"
    assert (inner.name, inner.parent) == ("Trainer.fit.inner", 3)


def test_types_of_parameters_are_kept_where_a_model_is_served() -> None:
    source = "from pydantic import BaseModel\n@app.post('/')\ndef predict(rows: list[dict], n: int = 1): ..."
    assert [param.annotation for param in facts(source).scopes[1].params] == ["list[dict]", "int"]


def test_refs_name_what_may_be_the_projects_own() -> None:
    source = """
        import numpy as np
        from .utils import seed
        import mypkg.data
        def helper(): ...
        def main(df):
            np.array(1)
            seed()
            mypkg.data.load(helper)
            [helper for _ in df]
        """
    assert set(facts(source).scopes[2].refs) == {".utils.seed", "mypkg.data.load", "helper"}


def test_fields_of_a_class() -> None:
    source = "from pydantic import BaseModel, Field\nclass Row(BaseModel):\n    age: int = Field(ge=0)\n    name: str\n    k = 3"
    rows = {row.name: row for row in facts(source).fields}
    assert (rows["age"].annotation, rows["age"].default) == ("int", Value("call", "pydantic.Field"))
    assert (rows["name"].annotation, rows["name"].default) == ("str", None)
    assert rows["k"].default == Value("const", scalar=3)


BODY = """
    def clean({a}):
        {b} = {a}.fillna(0)
        {b}["x"] = {b}["x"].clip(0, 1)
        {c} = {b}.drop_duplicates()
        return {c}
    """


def body_hash(source: str) -> str:
    return facts("import pandas as pd\n" + dedent(source)).scopes[1].body_hash


def test_equal_bodies_have_equal_hashes_whatever_their_names_comments_and_layout() -> None:
    first = body_hash(BODY.format(a="df", b="out", c="res"))
    renamed = body_hash(BODY.format(a="frame", b="t", c="u"))
    laid_out = body_hash("""
        def prepare(df):
            '''Doc.'''
            out = df.fillna(
                0,
            )  # comment
            out['x'] = out["x"].clip(0, 1)

            res = out.drop_duplicates()
            return res
        """)
    other = body_hash(BODY.format(a="df", b="out", c="res").replace("clip(0, 1)", "clip(0, 2)"))
    assert first
    assert first == renamed == laid_out
    assert first != other


# ----------------------------------------------------------------------------------------------------------- imports


def test_imports_tell_optional_from_needed() -> None:
    source = """
        from __future__ import annotations
        import os, numpy as np
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            import pandas
        try:
            import torch
        except ImportError:
            torch = None
        if is_flax_available():
            import flax
        try:
            import json
        except KeyError:
            pass
        def f():
            from . import x as y
        """
    rows = {row.alias or row.name or row.module: row for row in facts(source).imports}
    assert (rows["np"].module, rows["np"].optional, rows["np"].typing_only) == ("numpy", False, False)
    assert rows["pandas"].typing_only
    assert rows["torch"].optional
    assert rows["flax"].optional
    assert not rows["json"].optional
    assert (rows["y"].module, rows["y"].name, rows["y"].level, rows["y"].scope) == ("", "x", 1, 1)


# ------------------------------------------------------------------------------------------------- values and texts


def test_assignments_keep_what_can_be_told() -> None:
    source = """
        SEED = 42
        COLUMNS = ["a", "b"]
        params = {"lr": 0.1}
        a, b = 1, 2
        torch.backends.cudnn.deterministic = True
        def f(cfg):
            lr = cfg.lr
            depth = cfg["depth"]
            tmp = lr
        """
    rows = {row.name: row.value for row in facts("import torch, os\n" + dedent(source)).assigns}
    assert rows["SEED"].scalar == 42
    assert [item.scalar for item in rows["COLUMNS"].items] == ["a", "b"]
    assert rows["params"].values[0].scalar == 0.1
    assert (rows["a"].scalar, rows["b"].scalar) == (1, 2)
    assert rows["torch.backends.cudnn.deterministic"].scalar is True
    assert rows["lr"] == Value("name", "cfg.lr")
    assert rows["depth"].text == "cfg"
    assert "tmp" not in rows


def test_an_environment_variable_that_is_set_is_an_assignment() -> None:
    rows = facts("import os\nos.environ['PYTHONHASHSEED'] = '0'").assigns
    assert (rows[0].name, rows[0].value.scalar) == ("os.environ['PYTHONHASHSEED']", "0")


SECRET = "hunter2-hunter2"
TOKEN = "ghp_" + "a1B2c3D4e5" * 4


@pytest.mark.parametrize(
    "source",
    [
        f"password = '{SECRET}'",
        f"connect(password='{SECRET}')",
        f"config = {{'api_key': '{SECRET}'}}",
        f"url = 'postgresql://me:{SECRET}@db/x'",
        f"def f(token='{SECRET}'): ...",
        f"class C:\n    secret: str = '{SECRET}'",
        f"x = '{TOKEN}'",
        f"f'https://me:{SECRET}@h/{{x}}/y.csv'.split(',')",
        f"os.system('curl -H token={SECRET}')",
    ],
)
def test_no_row_holds_a_credential(source: str) -> None:
    found = repr(facts("import os\n" + source))
    assert SECRET not in found
    assert TOKEN not in found


def texts(source: str) -> dict[str, Text]:
    return {row.value: row for row in facts(source).texts}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("/home/me/data.csv", "absolute-path"),
        ("C:\\\\Users\\\\me\\\\x.csv", "absolute-path"),
        ("~/data/train.csv", "absolute-path"),
        ("/content/drive/MyDrive/x", "absolute-path"),
        ("/dbfs/mnt/x", "absolute-path"),
        ("data/train.csv", "path"),
        ("model.pkl", "path"),
        ("../raw/", "path"),
        ("s3://bucket/key", "url"),
        ("https://example.org/x.csv", "url"),
        ("SELECT a, b FROM t WHERE x > 1", "sql"),
        ("with x as (select 1) select * from x", "sql"),
        ("You are a helpful assistant that answers questions.", "prompt"),
    ],
)
def test_strings_of_interest(text: str, kind: str) -> None:
    [row] = facts(f'x = "{text}"').texts
    assert (row.kind, row.use) == (kind, "assign")


@pytest.mark.parametrize(
    "text",
    ["/api/v1/predict", "application/json", "bert-base/uncased", "%Y/%m/%d", "text/html; charset=utf-8", "hello", "accuracy",
     r"^/home/(\\w+)$", "a/b", "n/a", "select the best model", "update the weights", ".csv", "and/or", "//", "e.g. this"],
)  # fmt: skip
def test_strings_of_no_interest(text: str) -> None:
    assert facts(f'x = "{text}"').texts == ()


def test_what_a_string_is_used_for() -> None:
    source = """
        import os, argparse
        os.getenv("DATA", "/data/x.csv")
        p = argparse.ArgumentParser()
        p.add_argument("--data", help="like /home/me/x.csv", default="/home/you/x.csv")
        if path == "/home/him/x.csv": ...
        os.system("pip install x")
        def f(path="/home/her/x.csv"):
            return "/home/it/x.csv"
        """
    uses = {value: (row.kind, row.use) for value, row in texts(source).items()}
    assert uses["/data/x.csv"] == ("absolute-path", "env-default")
    assert uses["/home/you/x.csv"][1] == "argparse.ArgumentParser.add_argument(default=)"
    assert "like /home/me/x.csv" not in uses or uses["like /home/me/x.csv"][1] == "help"
    assert uses["/home/him/x.csv"][1] == "compare"
    assert uses["pip install x"] == ("shell", "os.system")
    assert uses["/home/her/x.csv"][1] == "default"
    assert uses["/home/it/x.csv"][1] == "return"


def test_docstrings_are_no_texts() -> None:
    assert facts('"""/home/me/x.csv"""\ndef f():\n    "/home/me/y.csv"').texts == ()


def test_long_strings_are_cut_and_keep_their_length() -> None:
    [row] = facts(f"x = '{'word ' * 100}'").texts
    assert (len(row.value), row.length) == (200, 500)


# --------------------------------------------------------------------------------------------------------- the others


def test_subscripts_that_choose_columns_or_cut_rows() -> None:
    source = """
        import pandas as pd, os
        df = pd.read_csv("a")
        df.iloc[:, 3]
        df.values[:, 0:4]
        df[["a", "b"]]
        df["y"] = 1
        df[:1000]
        df[:3]
        xs[0]
        os.environ["HOME"]
        """
    rows = [(row.base, row.index, row.store, row.base_type) for row in facts(source).subscripts]
    frame = "pandas.DataFrame"
    assert rows == [
        ("df.iloc", ":, 3", False, frame),
        ("df.values", ":, 0:4", False, frame),
        ("df", "['a', 'b']", False, frame),
        ("df", "'y'", True, frame),
        ("df", ":1000", False, frame),
        ("os.environ", "'HOME'", False, ""),
    ]


def test_handlers() -> None:
    source = """
        try: x()
        except: pass
        try: x()
        except (KeyError, json.JSONDecodeError) as e:
            logger.exception("no")
            raise
        try: x()
        except Exception:
            if y:
                raise ValueError from None
        """
    bare, named, inner = facts("import json\n" + dedent(source)).handlers
    assert (bare.types, bare.silent, bare.reraises, bare.logs) == ((), True, False, False)
    assert (named.types, named.silent, named.reraises, named.logs) == (
        ("KeyError", "json.JSONDecodeError"),
        False,
        True,
        True,
    )
    assert inner.reraises


def test_main_guard_exports_and_lines() -> None:
    found = facts("__all__ = ['a']\n__all__ += ['b']\n\n# comment\nif __name__ == '__main__':\n    a()\n")
    assert (found.main_guard, found.exports, found.lines, found.code_lines) == (5, ("a", "b"), 6, 4)


def test_asserting_calls_count_as_assertions() -> None:
    source = "import pytest\ndef test_a(self):\n    self.assertEqual(1, 1)\n    with pytest.raises(ValueError): ...\n    assert x"
    assert facts(source).scopes[1].asserts == 3


def test_walrus_match_lambda_and_comprehensions_are_walked() -> None:
    source = """
        import joblib
        if (m := joblib.load("a")): ...
        match joblib.load("b"):
            case {"x": [y, *rest]} if joblib.load("c"):
                joblib.load("d")
        f = lambda p: joblib.load(p)
        [joblib.load(p) for p in ps if joblib.load(q)]
        {k: joblib.load(k) for k in ps}
        """
    assert names(source).count("joblib.load") == 8
