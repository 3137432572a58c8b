"""Checks of factor 2: columns are named, typed, joined and listed explicitly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlready.facts.rows import Subscript, Value
from mlready.findings import Site, Verdict, hazard, met_best, missing, not_applicable, unknown
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import argument, literal_path, spreads_keywords
from mlready.rules.checks.inputs import TEXT_READERS, fits_what_it_reads, models_tables, reads_pictures
from mlready.rules.checks.schemas import Schema, schemas, typed_columns

# ------------------------------------------------------------------------------------------------------ FEA004 .. FEA006

_POSITION = re.compile(r"^[^,]*,\s*(\[?\s*-?\d+|-?\d*\s*:\s*-?\d+|-?\d+\s*:)")


def features_by_name(project: Project) -> Verdict:
    """FEA004: columns are chosen by name, not by position. The unit is the file."""
    broken, units = [], 0
    for file in project.work_files:
        assert file.python is not None
        if not any(call.system in ("pandas", "polars") or "read-data" in call.activities for call in file.python.calls):
            continue
        if not any({"train", "fit", "tune", "predict", "split"} & set(call.activities) for call in file.python.calls):
            continue  # Columns of results and of what is only looked at are no features.
        units += 1
        site = _positional(project, file)
        if site is not None:
            broken.append(site)
    return hazard(broken, units=units)


_NO_FEATURES = re.compile(
    r"(^|[_.])(pca|principal|princip\w*|components?|proba\w*|preds?|predict\w*|results?|metrics?|scores?|corr\w*|importances?"
    r"|loadings?|embeddings?|submission|sub|y|y_\w+|target\w*|labels?)([_.]|$)",
    re.IGNORECASE,
)
_ONE_COLUMN = re.compile(r"^[^,]*,\s*-?\d+$")
_INPUT = re.compile(r"^(x|x_\w+|\w*_x|features?|\w+_features|inputs?|predictors)$", re.IGNORECASE)
_LOOKS = re.compile(
    r"\.(corr|cov|plot|hist|boxplot|describe|head|tail|sum|mean|median|std|min|max|isna|isnull|nunique|value_counts|info"
    r"|count|astype|rename|display)$"
)


def _positional(project: Project, file: ProjectFile) -> Site | None:
    assert file.python is not None
    for row in file.python.subscripts:
        if row.store or not _POSITION.match(row.index) or re.match(r"^-?\d+\s*,\s*-?\d+$", row.index):
            continue
        base = row.base
        if base.endswith(".iloc") or (
            base.endswith((".values", ".to_numpy()")) and "DataFrame" in (row.base_type or "DataFrame")
        ):
            if file.facts.notebook is None and not project.reaches((file.path, row.scope), "any"):
                continue
            if not _chooses_features(file, row):
                continue
            said = f"takes columns by position: {base.rpartition('.')[2]}[{row.index}]"
            return Site(0.0, said, file.at(row.line), key="by position")
    return _positional_read(file)


def _chooses_features(file: ProjectFile, row: Subscript) -> bool:
    """Whether columns become inputs: not one column of a target or of probabilities, not a look at a table."""
    assert file.python is not None
    whole = row.base.rpartition(".")[0]
    targets = {a.name for a in file.python.assigns if a.line == row.line and a.scope == row.scope}
    if _NO_FEATURES.search(whole) or any(_NO_FEATURES.search(name) for name in targets):
        return False
    if any(c.line == row.line and c.receiver.endswith("[]") and _LOOKS.search(c.name) for c in file.python.calls):
        return False
    return not _ONE_COLUMN.match(row.index) or any(_INPUT.match(name) for name in targets)


def _positional_read(file: ProjectFile) -> Site | None:
    assert file.python is not None
    for call in file.python.calls:
        value = argument(call, "usecols") if "read-data" in call.activities else None
        if (
            value is not None
            and value.kind == "list"
            and value.items
            and all(isinstance(i.scalar, int) and not isinstance(i.scalar, bool) for i in value.items)
        ):
            return Site(0.0, f"{call.name} takes columns by position (usecols)", file.at(call.line), key="usecols")
    return None


_TYPES = ("dtype", "dtypes", "schema", "schema_overrides", "converters", "names_dtype", "parse_dates")


def read_types_explicit(project: Project) -> Verdict:
    """FEA005: text tables are read with types, or checked by a schema straight after. The unit is the call."""
    broken, units = [], 0
    for use in project.uses("read-data"):
        if not TEXT_READERS.search(use.call.name) or "read-bundled-data" in use.call.activities:
            continue
        if use.file.facts.notebook is None and not project.reaches(use.node, "any"):
            continue
        units += 1
        names = {arg.name for arg in use.call.args}
        if names & set(_TYPES) or spreads_keywords(use.call) or _validated_after(use):
            continue
        path = literal_path(use.call)
        broken.append(
            Site(
                0.0, f"{use.call.name} guesses the types of {path or 'the table'}", use.where, key=path or use.call.name
            )
        )
    return hazard(broken, units=units)


def _validated_after(use: Use) -> bool:
    python = use.file.python
    assert python is not None
    return any(
        call.line >= use.call.line
        and (call.scope == use.call.scope or "decorator" in call.context)
        and ("validate-data" in call.activities or call.name.endswith((".astype", "validate")))
        for call in python.calls
    )


_JOINS = re.compile(
    r"^(pandas\.merge|pandas\.(core\.frame\.)?DataFrame\.(merge|join)|polars\.(DataFrame|LazyFrame)\.join|pyspark\.sql(\.dataframe)?\.DataFrame\.join|\.merge)$"
)


def joins_explicit(project: Project) -> Verdict:
    """FEA006: joins name their keys and their kind; `validate` too for full credit. The unit is the join."""
    broken, units = [], 0
    for use in project.uses("join-tables"):
        if not _JOINS.match(use.call.name) or (
            use.file.facts.notebook is None and not project.reaches(use.node, "any")
        ):
            continue
        names = {arg.name for arg in use.call.args}
        positional = sum(arg.name.isdigit() for arg in use.call.args)
        extra = positional - (2 if use.call.name == "pandas.merge" else 1)
        units += 1
        if spreads_keywords(use.call):
            continue
        keyed = (
            bool(names & {"on", "left_on", "left_index", "by", "right_on"})
            or extra >= 2
            or use.call.name.endswith(".join")
        )
        kind = "how" in names or extra >= 1
        if not keyed or not kind:
            lacks = " and ".join(word for word, there in (("on", keyed), ("how", kind)) if not there)
            broken.append(
                Site(0.0 if not keyed else 0.5, f"{use.call.name} does not say {lacks}", use.where, key=use.call.name)
            )
        elif "validate" not in names and "merge" in use.call.name:
            broken.append(
                Site(0.9, f"{use.call.name} does not validate its keys", use.where, key=f"{use.call.name} validate")
            )
    return hazard(broken, units=units)


# -------------------------------------------------------------------------------------------------------------- FEA007

_FEATURE_LIST = re.compile(r"feature|column|col(s)?$|numeric|categor|predictors|inputs|x_cols", re.IGNORECASE)


_OTHER_COLUMNS = re.compile(
    r"exclud|drop|ignor|skip|omit|leak|non_?feature|(^|_)(raw|expected|required|report|source|all|date|sort|index|join|group|display|show"
    r"|output|out|sub|submission|preds?|prob\w*|results?|malicious|test|ids?|keys?)(_|\.|$)|target|label|class(es)?(_|$)|"
    r"ground_?truth|^categories$",
    re.IGNORECASE,
)
"""Names of lists of columns that are no features, or not the features themselves."""


_NOT_FEATURES = frozenset(("id", "index", "target", "label", "y"))


@dataclass(frozen=True, slots=True)
class Names:
    """A list of column names in code."""

    name: str
    file: ProjectFile
    line: int
    columns: frozenset[str]


def features_declared_once(project: Project) -> Verdict:
    """FEA007: one list of features feeds training and serving; a request has the fields that training uses."""
    lists = [row for row in _feature_lists(project) if len(row.columns) >= 3 and not _OTHER_COLUMNS.search(row.name)]
    requests = [schema for schema in schemas(project) if len(schema.fields) >= 3 and _is_request(project, schema)]
    if not lists and not requests:
        return not_applicable("no list of features was found")
    broken = [*_repeated(project, lists), *_mismatched(project, lists, requests)]
    return hazard(broken, units=max(len(lists) + len(requests), len(broken)))


def _feature_lists(project: Project) -> list[Names]:
    found = []
    for file in project.code_files:
        assert file.python is not None
        for row in file.python.assigns:
            columns = [item.scalar for item in row.value.items if item.kind == "const" and isinstance(item.scalar, str)]
            if (
                row.value.kind == "list"
                and len(columns) == len(row.value.items)
                and len(columns) >= 3
                and _FEATURE_LIST.search(row.name)
            ):
                found.append(Names(row.name, file, row.line, frozenset(str(c) for c in columns)))
        for sub in file.python.subscripts:
            if any(
                c.line == sub.line and _LOOKS.search(c.name) and c.receiver.endswith("[]") for c in file.python.calls
            ):
                continue
            names = re.findall(r"'([^']+)'|\"([^\"]+)\"", sub.index) if sub.index.startswith("[") else []
            if len(names) >= 2 and not sub.store and project.reaches((file.path, sub.scope), "any"):
                found.append(Names(f"{sub.base}[…]", file, sub.line, frozenset(a or b for a, b in names)))
    return found


def _repeated(project: Project, lists: list[Names]) -> Iterator[Site]:
    """The features of training, typed again where predictions are made or watched."""
    fits = {use.file.path for use in project.uses("train", "fit", "tune", reached="any", notebooks=False)}
    asks = {use.file.path for use in project.uses("predict", "load-model", "detect-drift", "endpoint", notebooks=False)}
    asks |= {path for path, _ in project.serving_nodes}
    trained = {row.columns: row for row in lists if row.file.path in fits}
    for row in lists:
        first = trained.get(row.columns)
        if first is not None and first.file.path != row.file.path and row.file.path in asks - fits:
            said = f"types the features of {first.file.path}:{first.line} again ({len(row.columns)} names)"
            yield Site(0.0, said, row.file.at(row.line), key=f"repeats {first.file.path}")


def _is_request(project: Project, schema: Schema) -> bool:
    return schema.node in project.serving_nodes and any(
        "BaseModel" in b or "Model" in b or "Struct" in b for b in _bases(schema)
    )


def _bases(schema: Schema) -> tuple[str, ...]:
    assert schema.file.python is not None
    return schema.file.python.scopes[schema.node[1]].bases


_FEATURES = re.compile(r"feature|predictor|x_cols|numeric|categor|inputs?(_|$)|\[…\]$", re.IGNORECASE)


def _mismatched(project: Project, lists: list[Names], requests: list[Schema]) -> Iterator[Site]:
    """A request that lacks a feature that training uses (close matches only: half of the names must agree)."""
    trained = {path for path, _ in project.training_nodes}
    training = [row for row in lists if row.file.path in trained and _FEATURES.search(row.name)]
    for schema in requests:
        fields = frozenset(schema.fields)
        best = max(training, key=lambda row: len(row.columns & fields), default=None)
        if best is None or len(best.columns & fields) < max(3, 0.5 * len(best.columns)):
            continue
        lacking = sorted(best.columns - fields - _NOT_FEATURES - _renamed(schema.file))
        if lacking:
            said = f"the request {schema.name} has {len(fields)} fields and training uses {len(best.columns)}: {', '.join(lacking[:3])} missing"
            yield Site(0.0, said, schema.file.at(schema.line), key=f"missing {lacking[0]}")


def _renamed(file: ProjectFile) -> frozenset[str]:
    """New names that a file gives to columns: `rows.rename(columns={"hr": "hour"})`."""
    found = []
    for call in file.calls:
        value = argument(call, "columns", "0", "mapper") if call.name.endswith(".rename") else None
        if value is not None and value.kind == "dict":
            found += [str(item.scalar) for item in value.values if isinstance(item.scalar, str)]
    return frozenset(found)


# -------------------------------------------------------------------------------------------------------------- FEA010

_FEATURE_KEY = re.compile(
    r"(^|[._])(\w*(features?|columns|cols|numerical|categorical|predictors|vars|variables))\[\d+\]$", re.IGNORECASE
)


_NO_FEATURE_KEY = re.compile(r"drop|exclude|ignore|requirement|target", re.IGNORECASE)


def features_named(project: Project) -> Verdict:
    """FEA010: training picks its inputs by an explicit list of names: in code, configuration or a feature store."""
    sites = [*_named_in_code(project), *_named_in_notebooks(project), *_named_in_configuration(project)]
    for use in project.uses("feature-store", notebooks=False):
        sites.append(Site(1.0, f"{use.call.name} names the features", use.where, key=use.call.name))
    if not any(site.credit >= 1 for site in sites):
        if not models_tables(project):
            return not_applicable(
                "no model of tables is trained here: pictures, sound and text have no columns to name"
            )
        if reads_pictures(project) and not fits_what_it_reads(project):
            return unknown(
                "pictures or sound are read beside tables, and which of them the model learns from cannot be told"
            )
    if sites:
        return met_best(sites, 3)
    doubtful = next((row for row in _feature_lists(project) if _is_kept(row) and _is_doubtful(project, row)), None)
    if doubtful is not None:
        where = f"{doubtful.file.path}:{doubtful.line}"
        return unknown(f"{doubtful.name} lists columns ({where}), and whether the model is given them cannot be told")
    return missing("nothing lists the features by name: the model takes whatever columns the file has")


def _named_in_code(project: Project) -> Iterator[Site]:
    for row in _feature_lists(project):
        if not _names_features(row) or _is_doubtful(project, row):
            continue
        credit = 1.0 if any(path == row.file.path for path, _ in project.training_nodes) else 0.5
        yield Site(credit, f"{row.name} names {len(row.columns)} features", row.file.at(row.line), key=row.name)
    yield from _lists_joined(project)
    for use in project.uses("train", "fit", "split"):
        if any(_lists_columns(arg.value) for arg in use.call.args):
            reached = use.file.facts.notebook is None and project.reaches(use.node, "any")
            yield Site(1.0 if reached else 0.5, f"{use.call.name} is given named columns", use.where, key=use.call.name)
    for use in project.uses("preprocess", notebooks=False):
        if use.call.name.endswith("ColumnTransformer") and project.reaches(use.node, "any"):
            yield Site(1.0, "a ColumnTransformer is bound to named columns", use.where, key=use.call.name)


def _named_in_notebooks(project: Project) -> Iterator[Site]:
    """Notebooks that train on columns by name, as a share of those that train; half where code trains too."""
    fits = {use.file.path for use in project.uses("train", "fit", "tune", notebooks=True)}
    notebooks = [file for file in project.work_files if file.path in fits]
    lines = {file: line for file in notebooks if (line := _picks_by_name(file))}
    if not lines:
        return
    first = next(iter(lines))
    in_code = any(entry.kind != "notebook" for entry in project.training_entries)
    words = f"{len(lines)} of {len(notebooks)} notebooks that train pick their inputs by name"
    credit = len(lines) / len(notebooks) * (0.5 if in_code else 1.0)
    yield Site(credit, words, first.at(lines[first]), key="notebooks")


def _picks_by_name(file: ProjectFile) -> int:
    """The line of `X = table[["rooms", "area"]]`, or of `table[features]` after a list of names; 0 without one."""
    python = file.python
    assert python is not None
    listed = {row.name for row in python.assigns if row.value.kind == "list" and len(row.value.items) > 1}
    listed |= {row.name for row in python.assigns if row.value.kind == "name" and row.value.text in listed}
    lists = {name for name in listed if _names_inputs(name)}
    for row in python.assigns:
        for value in _items(row.value):
            named = any(item.kind == "name" and item.text in lists for item in value.items)
            if named or (_lists_columns(value) and _INPUT.match(row.name)):
                return row.line
    for call in python.calls:
        if {"train", "fit", "split"} & set(call.activities):
            chosen = (value for arg in call.args for value in _items(arg.value))
            if any(item.kind == "name" and item.text in lists for value in chosen for item in value.items):
                return call.line
    return 0


def _names_inputs(name: str) -> bool:
    return bool(_FEATURES.search(name)) and not _OTHER_COLUMNS.search(name)


def _items(value: Value, depth: int = 4) -> Iterator[Value]:
    """Every subscript in a value, itself included."""
    if value.kind == "item":
        yield value
    for inner in (*value.items, *value.values) if depth else ():
        yield from _items(inner, depth - 1)


_NOT_THE_INPUTS = re.compile(
    r"(^|_)(not|non|no|without|fill|db|sql|insert|table|plot|fig|legend|box|bbox|xyxy|corner|csv|export|upsert)(_|$)",
    re.IGNORECASE,
)


def _names_features(row: Names) -> bool:
    """Whether a list may name inputs: not what is left out, drawn, inserted or written."""
    other = _OTHER_COLUMNS.search(row.name) or _NOT_THE_INPUTS.search(row.name.rpartition(".")[2])
    return not other and not row.name.endswith(".columns")


def _is_doubtful(project: Project, row: Names) -> bool:
    """Whether a list of columns, whose name speaks of no features, stands where no model is made or asked."""
    if not _names_features(row) or (_FEATURES.search(row.name) and not row.name.endswith("[…]")):
        return False
    calls = row.file.calls
    if row.name.endswith("[…]"):
        return not _goes_to_model(row)
    wanted = {"train", "fit", "tune", "split", "predict", "endpoint"}
    return not any(wanted & set(call.activities) for call in calls)


def _goes_to_model(row: Names) -> bool:
    """Whether columns that are picked by name become inputs where they stand: `X = rows[["rooms", "area"]]`, `model.fit(rows[[…]], y)`."""
    python = row.file.python
    assert python is not None
    if any(made.line == row.line and _INPUT.match(made.name) for made in python.assigns):
        return True
    wanted = {"train", "fit", "tune", "split", "predict"}
    return any(
        call.line <= row.line <= max(call.line, call.end_line) and wanted & set(call.activities)
        for call in python.calls
    )


def _is_kept(row: Names) -> bool:
    """Whether columns that are picked get a name; others are saved, joined or drawn where they stand."""
    python = row.file.python
    assert python is not None
    return not row.name.endswith("[…]") or any(made.line == row.line for made in python.assigns)


_JOINED_NAME = re.compile(r"(^|_)features?(_(cols|columns|names|list))?$", re.IGNORECASE)


def _lists_joined(project: Project) -> Iterator[Site]:
    """`FEATURES = VITALS + LABS`, `rows[categorical + numerical]`: lists of names that are laid end to end."""
    trained = {path for path, _ in project.training_nodes}
    for file in project.code_files:
        for row in file.python.assigns if file.python else ():
            if row.value.kind == "expr" and row.value.text == "BinOp" and _JOINED_NAME.search(row.name):
                credit = 1.0 if file.path in trained else 0.5
                yield Site(credit, f"{row.name} names the features", file.at(row.line), key=row.name)
        for sub in file.python.subscripts if file.python else ():
            names = sub.index.split(" + ")
            if len(names) > 1 and all(name.isidentifier() and _names_inputs(name) for name in names):
                credit = 1.0 if file.path in trained else 0.5
                said = f"{sub.base}[{sub.index}] names the features"
                yield Site(credit, said, file.at(sub.line), key=sub.index)


def _lists_columns(value: Value) -> bool:
    """`data[["rooms", "area"]]` among the arguments of what fits."""
    lists = [item for item in value.items if item.kind == "list" and item.items]
    return value.kind == "item" and any(all(isinstance(i.scalar, str) for i in row.items) for row in lists)


def _named_in_configuration(project: Project) -> Iterator[Site]:
    for file, names in typed_columns(project):
        yield Site(1.0, f"{file.path} lists {len(names)} features", file.at(0), key=file.path)
    for file in project.files:
        known = re.search(r"config|conf|param|settings|feature|schema|train", file.path, re.IGNORECASE)
        if file.role != "config" or not known or not file.path.endswith((".yaml", ".yml", ".toml", ".json")):
            continue
        for row in file.facts.settings:
            listed = row.key.endswith("[2]") and isinstance(row.value, str) and _FEATURE_KEY.search(row.key)
            if listed and not _NO_FEATURE_KEY.search(row.key):
                yield Site(1.0, f"{file.path} lists the features", file.at(row.line), key=row.key)
                break
