"""What a README or a card tells: headings, commands, links and the terms that rules ask for."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlready.facts import documents
from mlready.facts.rows import Document, FileFacts


def read(path: str, text: str) -> Document:
    facts = documents.read(path, text.encode())
    assert facts.problem == ""
    assert facts.document is not None
    return facts.document


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("README.md", True), ("README", True), ("docs/index.rst", True), ("MODEL_CARD.md", True), ("datasheet.txt", True),
        ("README.txt", True), ("requirements.txt", False), ("train.py", False), ("notes.txt", False),
    ],
)  # fmt: skip
def test_claims(path: str, claimed: bool) -> None:
    assert documents.claims(path) is claimed


def test_markdown() -> None:
    text = """\
# Churn model #

Predicts churn, see [the paper](https://example.org/a_(b)) and <https://x.org>.

Setup
-----

```bash
# a comment
pip install -r requirements.txt
python train.py \\
    --config a.yaml
```

```console
$ make test
3 passed
(venv) me@host:~$ uvicorn app:app
```

```python
# not a heading
import os
```

1. Then

   ```sh
   make train
   ```

~~~
docker build .
some output
~~~

    $ make serve

| a | b |
|---|---|

---

## Metrics
"""
    found = read("README.md", text)
    assert found.headings == ((1, "Churn model"), (5, "Setup"), (44, "Metrics"))
    assert found.commands == (
        (10, "pip install -r requirements.txt"),
        (11, "python train.py --config a.yaml"),
        (16, "make test"),
        (18, "uvicorn app:app"),
        (29, "make train"),
        (33, "docker build ."),
        (37, "make serve"),
    )
    assert found.links == ("https://example.org/a_(b)", "https://x.org")
    assert {"predict", "install", "metrics", "model"} <= set(found.terms)
    assert "license" not in found.terms


def test_restructured_text() -> None:
    text = """\
=====
Churn
=====

Install
-------
See `docs <https://docs.org>`_. Run::

    $ pip install churn
    done

.. code-block:: bash
   :linenos:

   python -m churn.train

.. code-block:: python

   import churn

Trained on data of 2020.
"""
    found = read("README.rst", text)
    assert found.headings == ((2, "Churn"), (5, "Install"))
    assert found.commands == ((9, "pip install churn"), (15, "python -m churn.train"))
    assert found.links == ("https://docs.org",)
    assert "training data" in found.terms


def test_front_matter_of_a_model_card() -> None:
    found = read("README.md", "---\nlicense: mit\ndatasets: [squad]\nmodel-index: []\nbase_model: bert\n---\n# Card\n")
    assert set(found.terms) == {"front matter", "license", "training data", "base model"}
    assert found.headings == ((7, "Card"),)


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert read("README.md", "---\n\n# A\n\n---\n").headings == ((3, "A"),)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("Intended uses & limitations", "limitations"),
        ("**Intended\nuse:** rank customers", "intended use"),
        ("The licence is CC-BY-4.0", "license"),
        ("Data is refreshed nightly", "refresh"),
        ("Contact: data team", "owner"),
        ("We collected it; provenance is known", "source"),
        ("out-of-scope use", "out of scope"),
        ("F1-score of 0.9", "metrics"),
    ],
)
def test_terms(text: str, term: str) -> None:
    assert term in read("MODEL_CARD.md", text).terms


def test_words_inside_words_are_no_terms() -> None:
    assert read("README.md", "constraint testament reserved sourcecode").terms == ()


def test_words_are_counted_outside_of_code() -> None:
    assert read("README.md", "one two\n```\nthree\n```\nfour").words == 3


def test_credentials_are_masked() -> None:
    found = read("README.md", "```bash\nexport API_KEY=abcdef123456\n```\n[x](https://u:passw0rd@h.org/)")
    assert found.commands == ((2, "export API_KEY=***"),)
    assert found.links == ("https://u:***@h.org/",)


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "](" * 100_000, "`" * 200_000, "a@" * 100_000, "<h1" * 70_000, " -" * 100_000]
)
def test_hostile_text_takes_no_time(text: str) -> None:
    start = time.perf_counter()
    read("README.md", f"{text}\n```\n{text}\n```\n")
    assert time.perf_counter() - start < 3


@given(
    path=st.sampled_from(["README.md", "README.rst"]),
    text=st.text(alphabet=" \n\t#=-`~[]()<>:.$\\|ab*\ud800", max_size=80),
)
def test_never_raises(path: str, text: str) -> None:
    facts = documents.read(path, text.encode("utf-8", "surrogatepass"))
    assert msgspec.json.decode(msgspec.json.encode(facts), type=FileFacts) == facts


def test_commands_in_running_text_and_indented_blocks() -> None:
    text = "1. Install: `pip install -r requirements.txt`, or `make`\n\n    python demo/run.py -v\n    make sure that it works\n"
    found = read("README.md", text)
    assert [command for _, command in found.commands] == ["pip install -r requirements.txt", "python demo/run.py -v"]
