"""Checks of factor 2: the features that a model depends on are explicit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlready.facts.rows import Call, Param, Scope, Value
from mlready.findings import Site, Verdict, each, hazard, met, missing, not_applicable, unknown
from mlready.project.entries import is_handler
from mlready.project.graph import Node
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import argument, literal_path, spreads_keywords

# ---------------------------------------------------------------------------------------------------------- schemas

_SCHEMA_BASES = re.compile(
    r"(^|\.)(DataFrameModel|SchemaModel|BaseModel|FeatureView|TypedDict|NamedTuple|Model|Schema|SQLModel|Struct|BatchFeatureView|FeatureGroup|LanceModel)$"
)
_ROW_WORDS = re.compile(
    r"row|record|input|request|feature|sample|example|schema|data|customer|passenger|applicant|trip|house|item|instance|payload|observation",
    re.IGNORECASE,
)
_CONFIG_WORDS = re.compile(r"config|settings|param|args|option|hyper|result|response|output", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Schema:
    """A declaration of what a row holds: a class with fields, or a call that makes a schema."""

    name: str
    file: ProjectFile
    line: int
    node: Node
    fields: tuple[str, ...] = ()
    call: Call | None = None


def schemas(project: Project) -> Iterator[Schema]:
    """Everything in code that declares the columns of the data and their types."""
    for file in project.code_files:
        assert file.python is not None
        for number, scope in enumerate(file.python.scopes):
            if scope.kind == "class" and _declares_rows(file, number, scope):
                fields = tuple(row.name for row in file.python.fields if row.scope == number)
                yield Schema(scope.name, file, scope.line, (file.path, number), fields)
    for use in project.uses("declare-schema", "feature-store", notebooks=False):
        yield Schema(
            use.call.targets[0] if use.call.targets else use.call.name, use.file, use.call.line, use.node, call=use.call
        )


def _declares_rows(file: ProjectFile, number: int, scope: Scope) -> bool:
    assert file.python is not None
    fields = [row for row in file.python.fields if row.scope == number and row.annotation]
    pandera = any(re.search(r"DataFrameModel|SchemaModel", base) for base in scope.bases)
    if not pandera and (len(fields) < 2 or _CONFIG_WORDS.search(scope.name)):
        return False
    dataclass_ = any(
        decorator.text.endswith(("dataclass", "dataclasses.dataclass", "define", "frozen"))
        for decorator in scope.decorators
    )
    if pandera:
        return True
    typed = any(_SCHEMA_BASES.search(base) for base in scope.bases) or dataclass_
    return typed and bool(_ROW_WORDS.search(scope.name) or _ROW_WORDS.search(file.name))


_SHAPE_WORDS = re.compile(r"check|valid|verify|assert|ensure", re.IGNORECASE)


def input_schema_declared(project: Project) -> Verdict:
    """FEA001: what the input must look like is declared, and something uses the declaration."""
    sites = [_schema_site(project, schema) for schema in schemas(project)]
    sites += [
        Site(1.0, f"{use.call.name} checks the data", use.where, key=use.call.name)
        for use in project.uses("validate-data", notebooks=False)
        if project.reaches(use.node, "any")
    ]
    sites += list(_declared_elsewhere(project))
    sites += [*_own_validation(project), *_asserted_inputs(project)]
    if not sites:
        return missing("nothing declares which columns the data has, and of which types")
    return met(*sorted(sites, key=lambda site: -site.credit)[:4])


def _schema_site(project: Project, schema: Schema) -> Site:
    place = schema.file.at(schema.line)
    if project.reaches(schema.node, "any") and (schema.call is None or _is_used(project, schema)):
        return Site(1.0, f"{schema.name} declares the input", place, key=schema.name)
    return Site(0.5, f"{schema.name} declares the input, and nothing calls it", place, key=schema.name)


def _is_used(project: Project, schema: Schema) -> bool:
    """A schema object whose name is used again: `schema.validate`, `@check_input(schema)`, an import of it."""
    name = schema.name.rpartition(".")[2]
    for file in project.code_files:
        assert file.python is not None
        for call in file.python.calls:
            if call is schema.call:
                continue
            if call.receiver.rpartition(".")[2] == name or any(_names(arg.value, name) for arg in call.args):
                return True
        if file.path != schema.file.path and any(row.name == name for row in file.python.imports):
            return True
    return schema.call is not None and not schema.call.targets


def _names(value: Value, name: str, depth: int = 4) -> bool:
    if value.kind in ("name", "call") and value.text.rpartition(".")[2] == name:
        return True
    return depth > 0 and any(_names(item, name, depth - 1) for item in (*value.items, *value.values))


def _declared_elsewhere(project: Project) -> Iterator[Site]:
    """Schemas in files: Great Expectations suites, TFDV, dbt, Feast, Avro, JSON Schema; a schema section in configuration."""
    for file in project.matching(
        "*great_expectations/*.json",
        "*expectations/*.json",
        "*/gx/*.json",
        "schema.pbtxt",
        "*.avsc",
        "*feature_store.yaml",
        "*schema.yml",
        "*schema.yaml",
        "*schema.json",
        "schema.y*ml",
    ):
        if file.role in ("docs", "example", "test", "vendored") or not file.size or "{{" in file.path:
            continue
        name = file.name.rpartition(".")[0]
        used = (
            any(
                name in text.value
                for other in project.code_files
                for text in (other.python.texts if other.python else ())
            )
            or file.name == "feature_store.yaml"
        )
        yield Site(
            1.0 if used else 0.5,
            f"{file.path} declares the input" + ("" if used else ", and no code names it"),
            file.at(0),
            key=file.path,
        )


def _own_validation(project: Project) -> Iterator[Site]:
    """A function of the project that checks columns or types and raises."""
    for file in project.code_files:
        assert file.python is not None
        for number, scope in enumerate(file.python.scopes):
            name = scope.name.rpartition(".")[2]
            if (
                scope.kind == "function"
                and _SHAPE_WORDS.search(name)
                and re.search(r"data|schema|input|column|frame|feature|df|dtypes?", name, re.IGNORECASE)
                and not re.search(r"database|file|path|dir|exist|arg", name, re.IGNORECASE)
            ):
                reached = project.reaches((file.path, number), "any")
                yield Site(
                    0.75 if reached else 0.4,
                    f"{scope.name} checks the input" + ("" if reached else ", and nothing calls it"),
                    file.at(scope.line),
                    key=scope.name,
                )


_READING_CLASS = re.compile(r"Dataset|DataModule|DataLoader|Sequence$")


def _asserted_inputs(project: Project) -> Iterator[Site]:
    """Asserts on what is read (sizes, channels, labels of images, audio and text), on the way to training."""
    for file in project.code_files:
        assert file.python is not None
        scopes = file.python.scopes
        reading = {call.scope for call in file.python.calls if "read-data" in call.activities}
        for number, scope in enumerate(scopes):
            named = scope.kind == "function" and not scope.name.endswith(">")
            if not named or not scope.asserts or (file.path, number) not in project.training_nodes:
                continue
            reads = number in reading or any(_READING_CLASS.search(base) for base in scopes[scope.parent].bases)
            if reads:
                said = f"{scope.name} asserts what it reads"
                yield Site(0.75, said, file.at(scope.line), key=scope.name)


def schema_enforced_in_training(project: Project) -> Verdict:
    """FEA002: validation is on the way from reading to training."""
    for use in project.uses("validate-data", notebooks=False):
        if project.reaches(use.node, "training") or "decorator" in use.call.context:
            return met(Site(1.0, f"training validates with {use.call.name}", use.where, key=use.call.name))
    for schema in schemas(project):
        if schema.node in project.training_nodes and schema.call is None:
            return met(Site(0.75, f"training uses {schema.name}", schema.file.at(schema.line), key=schema.name))
    for site in _own_validation(project):
        if site.credit > 0.5 and site.where and any(path == site.where.path for path, _ in project.training_nodes):
            return met(Site(1.0, site.message, site.where, key=site.key))
    for site in _asserted_inputs(project):
        return met(site)
    for use in project.uses("feature-store", notebooks=False):
        if project.reaches(use.node, "training"):
            return met(Site(1.0, f"training reads typed features from {use.call.name}", use.where, key=use.call.name))
    for file, stage in project.stages:
        if re.search(r"valid|check|expect|schema", stage.name, re.IGNORECASE):
            return met(Site(1.0, f"stage {stage.name} validates the data", file.at(stage.line), key=stage.name))
    return missing("training takes the data as it comes")


# -------------------------------------------------------------------------------------------------------------- FEA003

_UNTYPED = re.compile(
    r"^(dict|Dict|Any|list|List|object|Request|Mapping|bytes|str)?(\[.*(Any|object).*\]|\[str, (Any|float|object)\])?$|(^|\.)(Request|Any)$"
)


def schema_enforced_in_serving(project: Project) -> Verdict:
    """FEA003: requests are typed, so that a wrong one is refused before the model sees it."""
    sites = [site for file in project.code_files for site in _handler_sites(project, file)]
    sites += _platform_schemas(project)
    if not sites:
        if project.has("endpoint", "serve", notebooks=False):
            return unknown("how requests are parsed cannot be told")
        return missing("no service checks what it is asked")
    return each(*sites) if any(s.credit < 1 for s in sites) and len(sites) > 1 else met(*sites)


def _handler_sites(project: Project, file: ProjectFile) -> Iterator[Site]:
    assert file.python is not None
    for number, scope in enumerate(file.python.scopes):
        if scope.kind != "function" or not is_handler(project, scope.decorators):
            continue
        if not _predicts(project, file, number, scope):
            continue
        yield _handler_site(file, number, scope)


def _predicts(project: Project, file: ProjectFile, number: int, scope: Scope) -> bool:
    if re.search(r"predict|infer|score|classify|recommend|generate|forecast", scope.name, re.IGNORECASE):
        return True
    assert file.python is not None
    return any(call.scope == number and "predict" in call.activities for call in file.python.calls)


def _handler_site(file: ProjectFile, number: int, scope: Scope) -> Site:
    assert file.python is not None
    place = file.at(scope.line)
    reads = [
        call
        for call in file.python.calls
        if call.scope == number
        and re.search(
            r"(request|req)\.(json|get_json|form|args|data|values|body|get_data)",
            f"{call.receiver}.{call.name.rpartition('.')[2]}",
        )
    ]
    validated = any(
        call.scope == number and re.search(r"model_validate|parse_obj|validate|Schema\(\)\.load|\.load$", call.name)
        for call in file.python.calls
    )
    typed = [
        param
        for param in scope.params
        if param.annotation
        and not _UNTYPED.match(param.annotation.strip("'\""))
        and param.name not in ("self", "request", "db", "background_tasks", "response")
    ]
    uploads = any(re.search(r"UploadFile|File", param.annotation) for param in scope.params)
    loose = _loose_field(file, typed)
    if loose and not validated:
        return Site(0.5, f"{scope.name} takes a typed request whose {loose} may hold anything", place, key=scope.name)
    if typed or validated or uploads:
        return Site(1.0, f"{scope.name} takes typed requests", place, key=scope.name)
    if reads or any(param.annotation for param in scope.params):
        return Site(0.0, f"{scope.name} takes whatever it is sent", place, key=scope.name)
    return Site(0.0, f"{scope.name} has no typed request", place, key=scope.name)


def _loose_field(file: ProjectFile, typed: list[Param]) -> str:
    """A field of the request's class, of the same file, that is a free dictionary or anything at all; "" if none is."""
    assert file.python is not None
    wanted = {word for param in typed for word in re.findall(r"\w+", param.annotation)}
    classes = {i for i, s in enumerate(file.python.scopes) if s.kind == "class" and s.name in wanted}
    loose = re.compile(r"\b(Any|object)\b|^(list|List)\[(dict|Dict)\b|^(dict|Dict)\b")
    return next((f.name for f in file.python.fields if f.scope in classes and loose.search(f.annotation)), "")


def _platform_schemas(project: Project) -> list[Site]:
    found = []
    for use in project.calls(
        "mlflow.models.infer_signature", "mlflow.models.signature.infer_signature", "mlflow.models.ModelSignature"
    ):
        found.append(Site(1.0, "the model carries a signature", use.where, key="signature"))
    for file in project.matching("*config.pbtxt", "*model-settings.json"):
        found.append(Site(1.0, f"{file.path} types the inputs", file.at(0), key=file.path))
    return found


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
            return Site(
                0.0,
                f"takes columns by position: {base.rpartition('.')[2]}[{row.index}]",
                file.at(row.line),
                key="by position",
            )
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


_TEXT_READERS = re.compile(r"(^|\.)(read_csv|read_table|read_excel|read_fwf|scan_csv|read_html)$")
_TYPES = ("dtype", "dtypes", "schema", "schema_overrides", "converters", "names_dtype", "parse_dates")


def read_types_explicit(project: Project) -> Verdict:
    """FEA005: text tables are read with types, or checked by a schema straight after. The unit is the call."""
    broken, units = [], 0
    for use in project.uses("read-data"):
        if not _TEXT_READERS.search(use.call.name) or "read-bundled-data" in use.call.activities:
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
    lists = [row for row in _feature_lists(project) if len(row.columns) >= 3]
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


def _mismatched(project: Project, lists: list[Names], requests: list[Schema]) -> Iterator[Site]:
    """A request that lacks a feature that training uses (close matches only: half of the names must agree)."""
    training = [row for row in lists if any(path == row.file.path for path, _ in project.training_nodes)]
    for schema in requests:
        fields = frozenset(schema.fields)
        best = max(training, key=lambda row: len(row.columns & fields), default=None)
        if best is None or len(best.columns & fields) < max(3, 0.5 * len(best.columns)):
            continue
        lacking = sorted(best.columns - fields - _NOT_FEATURES)
        if lacking:
            said = f"the request {schema.name} has {len(fields)} fields and training uses {len(best.columns)}: {', '.join(lacking[:3])} missing"
            yield Site(0.0, said, schema.file.at(schema.line), key=f"missing {lacking[0]}")


# ------------------------------------------------------------------------------------------------------ FEA008, FEA009

_CONSTRAINTS = frozenset(
    (
        "ge",
        "gt",
        "le",
        "lt",
        "min_length",
        "max_length",
        "pattern",
        "regex",
        "isin",
        "in_range",
        "min_value",
        "max_value",
        "multiple_of",
        "unique",
        "nullable",
        "str_matches",
        "checks",
    )
)
_CHECKS = re.compile(
    r"Check(\.|$)|in_range|isin|greater_than|less_than|expect_column_values|expect_|Field$|annotated_types|between|conint|confloat|constr"
)


def schema_constrains_and_fails(project: Project) -> Verdict:
    """FEA008: the schema states ranges, categories or nullability, and a violation stops the step."""
    best: Site | None = None
    for schema in schemas(project):
        constraint = _constraint(schema)
        if constraint:
            site = Site(
                1.0, f"{schema.name} constrains values ({constraint})", schema.file.at(schema.line), key=schema.name
            )
            best = site if best is None or site.credit > best.credit else best
    for use in project.uses("validate-data", notebooks=False):
        if use.call.name.rpartition(".")[2].startswith("expect_"):
            best = best or Site(1.0, f"{use.call.name} constrains values", use.where, key=use.call.name)
    for file in project.matching("*expectations/*.json", "*great_expectations/*.json", "schema.pbtxt"):
        best = best or Site(1.0, f"{file.path} constrains values", file.at(0), key=file.path)
    if best is None:
        return missing("the schema knows types alone: minus eight bedrooms pass")
    swallowed = _swallows(project)
    if swallowed:
        return met(Site(0.5, f"{best.message}, but a violation is only noted ({swallowed})", best.where, key=best.key))
    return met(best)


def _constraint(schema: Schema) -> str:
    """The first range, category or check in a schema."""
    python = schema.file.python
    assert python is not None
    if schema.call is not None:
        return _constraint_in_call(schema.call) or _constraint_near(schema)
    for row in python.fields:
        if row.scope != schema.node[1]:
            continue
        if re.search(
            r"Literal\[|Enum|Annotated\[.*(Ge|Gt|Le|Lt|Interval|Field)|conint|confloat|constr|Positive|NonNegative|EmailStr",
            row.annotation,
        ):
            return f"{row.name}: {row.annotation[:40]}"
        if row.default is not None and row.default.kind == "call" and _CHECKS.search(row.default.text):
            limited = _fields_with_limits(schema, row.line)
            if limited:
                return f"{row.name} {limited}"
    return ""


def _fields_with_limits(schema: Schema, line: int) -> str:
    python = schema.file.python
    assert python is not None
    for call in python.calls:
        if call.line == line and _CHECKS.search(call.name):
            named = sorted({arg.name for arg in call.args} & _CONSTRAINTS)
            if named:
                return named[0]
    return ""


def _constraint_in_call(call: Call) -> str:
    for arg in call.args:
        if arg.name in _CONSTRAINTS:
            return arg.name
        found = _check_inside(arg.value)
        if found:
            return found
    return ""


def _check_inside(value: Value, depth: int = 5) -> str:
    if value.kind == "call" and _CHECKS.search(value.text) and not value.text.endswith("Field"):
        return value.text.rpartition(".")[2]
    if depth:
        for item in (*value.items, *value.values):
            found = _check_inside(item, depth - 1)
            if found:
                return found
    return ""


def _constraint_near(schema: Schema) -> str:
    """Checks written inside of the schema call: `Column(int, Check.ge(0))`."""
    python = schema.file.python
    assert python is not None
    assert schema.call is not None
    last = schema.call.end_line or schema.call.line
    for call in python.calls:
        if schema.call.line <= call.line <= last and call is not schema.call:
            if re.search(r"(^|\.)Check(\.\w+)?$", call.name):
                return call.name.rpartition(".")[2]
            named = sorted({arg.name for arg in call.args} & _CONSTRAINTS)
            if named:
                return named[0]
    return ""


def _swallows(project: Project) -> str:
    """An except around the validation that only logs."""
    for use in project.uses("validate-data", notebooks=False):
        if "try" not in use.call.context:
            continue
        python = use.file.python
        assert python is not None
        for row in python.handlers:
            if (
                row.scope == use.call.scope
                and row.line > use.call.line
                and not row.reraises
                and (row.silent or row.logs)
            ):
                return str(use.file.at(row.line))
    return ""


def llm_output_structured(project: Project) -> Verdict:
    """FEA009: answers that are parsed follow a schema and are validated."""
    broken, units = [], 0
    for file in project.work_files:
        for flow in file.python.flows if file.python else ():
            if flow.kind in ("llm-parsed-bare", "llm-parsed-checked"):
                units += 1
                if flow.kind == "llm-parsed-bare":
                    broken.append(Site(0.0, flow.message, file.at(flow.line), key=flow.message, certain=flow.certain))
    return hazard(broken, units=units)


# -------------------------------------------------------------------------------------------------------------- FEA010

_FEATURE_KEY = re.compile(
    r"(^|[._])(\w*(features?|columns|cols|numerical|categorical|predictors|vars|variables))\[\d+\]$", re.IGNORECASE
)
_NO_FEATURE_KEY = re.compile(r"drop|exclude|ignore|requirement|target", re.IGNORECASE)


def features_named(project: Project) -> Verdict:
    """FEA010: training picks its inputs by an explicit list of names: in code, configuration or a feature store."""
    sites = [*_named_in_code(project), *_named_in_configuration(project)]
    for use in project.uses("feature-store", notebooks=False):
        sites.append(Site(1.0, f"{use.call.name} names the features", use.where, key=use.call.name))
    if not sites and not project.has("join-tables", "preprocess") and not _reads_tables(project):
        return not_applicable("no tables are read")
    if not sites:
        return missing("nothing lists the features by name: the model takes whatever columns the file has")
    return met(*sorted(sites, key=lambda site: -site.credit)[:3])


def _reads_tables(project: Project) -> bool:
    return any(
        _TEXT_READERS.search(use.call.name) or use.call.name.endswith(("read_parquet", "read_sql"))
        for use in project.uses("read-data")
    )


def _named_in_code(project: Project) -> Iterator[Site]:
    for row in _feature_lists(project):
        if re.search(r"drop|exclude|ignore|index|(^|_)(ids?|keys?)(_|$)|target|label", row.name, re.IGNORECASE):
            continue
        credit = 1.0 if any(path == row.file.path for path, _ in project.training_nodes) else 0.5
        yield Site(credit, f"{row.name} names {len(row.columns)} features", row.file.at(row.line), key=row.name)
    for use in project.uses("preprocess", notebooks=False):
        if use.call.name.endswith("ColumnTransformer") and project.reaches(use.node, "any"):
            yield Site(1.0, "a ColumnTransformer is bound to named columns", use.where, key=use.call.name)


def _named_in_configuration(project: Project) -> Iterator[Site]:
    for file in project.files:
        known = re.search(r"config|conf|param|settings|feature|schema|train", file.path, re.IGNORECASE)
        if file.role != "config" or not known or not file.path.endswith((".yaml", ".yml", ".toml", ".json")):
            continue
        for row in file.facts.settings:
            listed = row.key.endswith("[2]") and isinstance(row.value, str) and _FEATURE_KEY.search(row.key)
            if listed and not _NO_FEATURE_KEY.search(row.key):
                yield Site(1.0, f"{file.path} lists the features", file.at(row.line), key=row.key)
                break
