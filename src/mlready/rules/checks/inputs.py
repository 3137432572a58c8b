"""What models of a project learn from: tables with columns, or pictures, sound and text, whose form is named instead."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.findings import Site
from mlready.project.project import Project

TEXT_READERS = re.compile(r"(^|\.)(read_csv|read_table|read_excel|read_fwf|scan_csv|read_html)$")

_PICTURES = frozenset(
    ("cv2", "PIL", "skimage", "imageio", "torchvision", "monai", "nibabel", "pydicom", "SimpleITK", "torchio", "albumentations",
     "librosa", "torchaudio", "soundfile", "timm", "segmentation_models_pytorch", "ultralytics", "mahotas", "spectral")
)  # fmt: skip


_NO_TABLES = _PICTURES | {"torch", "tensorflow", "keras"}


def reads_pictures(project: Project) -> bool:
    return any(root.partition(".")[0] in _PICTURES for root in project.imported)


def fits_what_it_reads(project: Project) -> bool:
    """Whether one file reads a table and fits a model of tables, and no pictures: there the columns are the inputs."""
    reads = {use.file.path for use in project.uses("read-data") if TEXT_READERS.search(use.call.name)}
    for use in project.uses("train", "fit", "tune", "preprocess"):
        python = use.file.python
        if use.file.path not in reads or use.call.system not in _OF_TABLES or _NO_MODEL.match(use.call.name):
            continue
        if python is not None and not any(row.module.partition(".")[0] in _NO_TABLES for row in python.imports):
            return True
    return False


_OF_TABLES = frozenset(
    ("sklearn", "xgboost", "lightgbm", "catboost", "statsmodels", "autogluon", "pycaret", "flaml", "tpot", "auto-sklearn",
     "imbalanced-learn", "category-encoders", "feature-engine", "h2o", "cuml", "spark", "pyspark", "lifelines", "lazypredict", "sagemaker")
)  # fmt: skip
_OF_TEXT = re.compile(r"(Tfidf|Count|Hashing)(Vectorizer|Transformer)|[Tt]okenize|Word2Vec|SentenceTransformer")
_OF_COLUMNS = re.compile(r"Scaler|OneHot|Ordinal|TargetEncod|Imputer|ColumnTransformer|Discretizer|get_dummies")
_NO_MODEL = re.compile(r"sklearn\.(manifold|metrics|preprocessing\.(LabelEncoder|LabelBinarizer))|joblib")


def models_tables(project: Project) -> bool:
    """Whether tables are read and a model of tables is fitted: not of text, pictures or sound."""
    if not _reads_tables(project):
        return False
    fitted = [
        use.call.name for use in project.uses("train", "fit", "tune", "preprocess") if use.call.system in _OF_TABLES
    ]
    fitted = [name for name in fitted if not _NO_MODEL.match(name)]
    columns = any(_OF_COLUMNS.search(name) for name in fitted)
    text = any(_OF_TEXT.search(use.call.name) for use in project.uses("preprocess", "embed", "fit", "train"))
    return columns or (bool(fitted) and not text)


def _reads_tables(project: Project) -> bool:
    return any(
        TEXT_READERS.search(use.call.name) or use.call.name.endswith(("read_parquet", "read_sql"))
        for use in project.uses("read-data")
    )


# ------------------------------------------------------------------------------------------- pictures, sound and text

_FORM = re.compile(
    r"^((image|img|input|frame|patch|crop|tile|window|clip)s?_?(size|shape|dims?|height|width|resolution)s?"
    r"|(in|input|num|n)_?channels?|sampl(e|ing)_?rate|(n|num)_?(mels?|frames)|tokenizer(_name|_path)?|(class|label)_?(names|map)"
    r"|max_?((seq|sequence|source|target|input)_?)?len(gth)?|(seq|sequence|context|block)_?(len(gth)?|size))$",
    re.IGNORECASE,
)
"""Settings that say what a picture, a sound or a text must look like for the model to take it."""
_CONFIG_CLASS = re.compile(r"(Config|Configuration|Params|Parameters|Settings|Args|Arguments|HParams)$")


def forms_in_configuration(project: Project) -> Iterator[Site]:
    """Where a configuration names the form of what a model takes that learns from no table."""
    for file in project.files:
        named = (row for row in file.facts.settings if _FORM.match(row.key.partition("[")[0].rpartition(".")[2]))
        row = next(named, None) if file.role == "config" else None
        if row is not None:
            name = row.key.partition("[")[0]
            yield Site(0.5, f"{file.path} names the form of the input ({name})", file.at(row.line), key=name)
    for file in project.code_files:
        scopes = file.python.scopes if file.python else ()
        for field in file.python.fields if file.python else ():
            if _CONFIG_CLASS.search(scopes[field.scope].name) and _FORM.match(field.name):
                said = f"{scopes[field.scope].name} names the form of the input ({field.name})"
                yield Site(0.5, said, file.at(field.line), key=field.name)
                break
