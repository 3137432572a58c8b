"""Checks of factor 2: what the input must look like is declared, enforced and constrained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlready.facts.rows import Call, Scope, Text, Value
from mlready.findings import Site, Verdict, met, met_best, missing, not_applicable, unknown
from mlready.project.graph import Node
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.inputs import forms_in_configuration, models_tables

# ---------------------------------------------------------------------------------------------------------- schemas

_SCHEMA_BASES = re.compile(
    r"(^|\.)(DataFrameModel|SchemaModel|BaseModel|FeatureView|TypedDict|NamedTuple|Model|Schema|SQLModel|Struct|BatchFeatureView|FeatureGroup|LanceModel)$"
)

_TABLE_OF_APP = re.compile(r"(^|\.)(db|models)\.Model$")
"""Bases of tables that an application keeps its users, models and runs in."""


_ROW_WORDS = re.compile(
    r"row|record|input|request|feature|sample|example|schema|data|customer|passenger|applicant|trip|house|item|instance|payload|observation",
    re.IGNORECASE,
)


_OTHER_WORDS = re.compile(
    r"config|settings|param|args|option|hyper|result|response|output|report|split|scan|backlog|summary|statistic|stats|state"
    r"|resource|metric|event|log|auth|user|token|session|health|job|task|error|cache|plan|loader|module|batch|pool|store$|read$|out$|prediction(?!.*(request|input|payload))",
    re.IGNORECASE,
)
_PLAIN_TYPE = re.compile(
    r"int|float|str|bool|date|time|Literal|Enum|Decimal|Annotated|Series|Optional|None|con(int|float|str)", re.I
)
_HOLDER_TYPE = re.compile(
    r"ndarray|DataFrame|Tensor|Path|Dict|dict|Callable|Any|Dataset|Loader|Logger|Lock|list\[|List\[", re.I
)


@dataclass(frozen=True, slots=True)
class Schema:
    """A declaration of what a row holds: a class with fields, or a call that makes a schema."""

    name: str
    file: ProjectFile
    line: int
    node: Node
    fields: tuple[str, ...] = ()
    call: Call | None = None


_JOB_WORDS = re.compile(
    r"train(ing|er)?_?(request|input|payload)|retrain|pipeline|run_?request|outreach|mail|message|chat|notif|webhook|login|search|upload|analy[sz]e|"
    r"info$|diagnos|evidence|transformation|binding|profile|importance|anomal|date_?range|experiment|estimator$|metadata|provenance|status|deploy|promot|simulat|refresh|drift|backfill|export|report",
    re.IGNORECASE,
)
"""Names of what starts a job, sends or looks something up: no rows of a model's input."""


def schemas(project: Project) -> Iterator[Schema]:
    """Everything in code that declares the columns of the model's input and their types."""
    for schema in _declared(project):
        if schema.call is not None or _is_of_model(project, schema):
            yield schema


def _is_of_model(project: Project, schema: Schema) -> bool:
    """Whether a class describes what a model is given: not a job's request, and near to a prediction or to training."""
    assert schema.file.python is not None
    if any(re.search(r"DataFrameModel|SchemaModel", base) for base in schema.file.python.scopes[schema.node[1]].bases):
        return True
    if _JOB_WORDS.search(schema.name):
        return False
    if schema.node in project.training_nodes or not schema.fields:
        return True
    nodes = project.nodes("predict", "train", "fit", "load-model", "preprocess", "read-data")
    near = {path for path, _ in nodes} | {path for path, _ in project.training_nodes}
    for file in project.code_files:
        assert file.python is not None
        holds = file.path == schema.file.path or any(row.name == schema.name for row in file.python.imports)
        if holds and (file.path in near or any(_ASKS.search(scope.name) for scope in file.python.scopes)):
            return True
    return False


_ASKS = re.compile(r"(^|[._])(predict|infer|score|classify|forecast|recommend|generate)", re.IGNORECASE)


def _declared(project: Project) -> Iterator[Schema]:
    """Every class with fields that may be a row's, and every call that makes a schema."""
    for file in project.code_files:
        assert file.python is not None
        for number, scope in enumerate(file.python.scopes):
            if scope.kind == "class" and _declares_rows(file, number, scope):
                fields = tuple(row.name for row in file.python.fields if row.scope == number)
                yield Schema(scope.name, file, scope.line, (file.path, number), fields)
    for use in project.uses("declare-schema", "feature-store", notebooks=False):
        if _RECORD_FEATURE.search(use.call.name) or use.scope.kind == "class":
            continue  # Parsed records have sites of their own; `age = fields.Integer()` is a field of its class.
        yield Schema(
            use.call.targets[0] if use.call.targets else use.call.name, use.file, use.call.line, use.node, call=use.call
        )


def _declares_rows(file: ProjectFile, number: int, scope: Scope) -> bool:
    """Whether a class says what one row holds: a table's schema, a request, a record of plain values."""
    assert file.python is not None
    if any(re.search(r"DataFrameModel|SchemaModel", base) for base in scope.bases):
        return True
    if _OTHER_WORDS.search(scope.name) or any(_TABLE_OF_APP.search(base) for base in scope.bases):
        return False
    own = [row for row in file.python.fields if row.scope == number]
    fields = [row for row in own if row.annotation]
    if any(_SCHEMA_BASES.search(base) for base in scope.bases):
        declared = fields or [row for row in own if row.default is not None and row.default.kind == "call"]
        if len(declared) < 2:
            return False
        return bool(_ROW_WORDS.search(scope.name) or _ROW_WORDS.search(file.name))
    dataclass_ = any(
        decorator.text.endswith(("dataclass", "dataclasses.dataclass", "define", "frozen"))
        for decorator in scope.decorators
    )
    plain = sum(bool(_PLAIN_TYPE.search(f.annotation)) and not _HOLDER_TYPE.search(f.annotation) for f in fields)
    many = len(fields) >= 2 and plain >= 0.7 * len(fields)
    return dataclass_ and many and bool(_ROW_WORDS.search(scope.name))


_SHAPE_WORDS = re.compile(r"check|valid|verify|assert|ensure", re.IGNORECASE)


def input_schema_declared(project: Project) -> Verdict:
    """FEA001: what the input must look like is declared, and something uses the declaration."""
    sites = [_schema_site(project, schema) for schema in schemas(project)]
    sites += [
        Site(1.0, f"{use.call.name} checks the data", use.where, key=use.call.name)
        for use in project.uses("validate-data", notebooks=False)
        if project.reaches(use.node, "any") and checks_data(use.call)
    ]
    sites += list(_declared_elsewhere(project))
    sites += [*own_validation(project), *_asserted_inputs(project), *_parsed_records(project)]
    sites += [site for _, site in refusals(project)]
    tables = models_tables(project)
    if not sites and not tables:
        sites += list(forms_in_configuration(project))
    if not sites:
        doubtful = next((schema for schema in _declared(project) if schema.fields), None)
        if doubtful is not None:
            said = f"{doubtful.name} ({doubtful.file.path}:{doubtful.line}) declares fields"
            return unknown(f"{said}, and whether the model is given them cannot be told")
        named = next(_named_checks(project), None)
        if named is not None:
            file, _, scope = named
            return unknown(f"what {scope.name} ({file.path}:{scope.line}) refuses cannot be told")
        declared = "which columns the data has, and of which types"
        return missing(
            f"nothing declares {declared if tables else 'what the input looks like: its form, size or length'}"
        )
    return met_best(sites, 4)


def _parsed_records(project: Project) -> Iterator[Site]:
    """Records of TensorFlow that are parsed by declared features."""
    for use in project.uses("declare-schema", notebooks=False):
        if _RECORD_FEATURE.search(use.call.name):
            credit = 1.0 if project.reaches(use.node, "any") else 0.5
            said = f"{use.scope.name or use.file.name} parses records by declared features"
            yield Site(credit, said, use.where, key=use.call.name)


_RECORD_FEATURE = re.compile(r"(^|\.)(FixedLen|VarLen|FixedLenSequence|RaggedF|SparseF)\w*eature$")


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
        if file.role in ("docs", "example", "test", "vendored", "infra", "ci") or not file.size or "{{" in file.path:
            continue
        name = file.name.rpartition(".")[0]
        if _OF_SETTINGS.search(name):
            continue
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
    for file, names in typed_columns(project):
        used = any(file.name in text.value for other in project.work_files for text in _texts(other))
        words = f"{file.path} gives {len(names)} columns their types" + ("" if used else ", and no code names it")
        yield Site(1.0 if used else 0.5, words, file.at(0), key=file.path)


_TYPED_COLUMN = re.compile(r"^(?:\w+\.)*(?:features?|columns|fields)\.([^.]+)\.(?:d?type|kind)$")
_FEW_COLUMNS = 3


def typed_columns(project: Project) -> Iterator[tuple[ProjectFile, frozenset[str]]]:
    """Configuration that lists columns by name, each with its type: `features: {age: {type: numeric}, ...}`."""
    for file in project.files:
        if file.role == "config" and file.path.endswith((".yaml", ".yml", ".toml", ".json")):
            found = (_TYPED_COLUMN.match(row.key) for row in file.facts.settings)
            names = frozenset(match[1] for match in found if match)
            if len(names) >= _FEW_COLUMNS:
                yield file, names


def _texts(file: ProjectFile) -> tuple[Text, ...]:
    return file.python.texts if file.python else ()


_OF_SETTINGS = re.compile(r"config|settings|workflow|manifest|output|response|openapi|package", re.IGNORECASE)
"""Names of schemas of what is set or answered."""


_LAYER = re.compile(r"Config|Settings|Module|Layer|Norm|Conv|Estimator|Mixin|nn\.")
"""Classes that check what they are called with or how they are set, whatever the data."""


_TEST_FILE = re.compile(r"^test_|_tests?\.py$|^conftest")


def refusals(project: Project) -> Iterator[tuple[Node, Site]]:
    """Places that raise where a table lacks columns, with the scope that each stands in."""
    for file in project.code_files:
        if _TEST_FILE.search(file.name) or file.python is None:
            continue
        for guard in file.python.guards:
            node = (file.path, guard.scope)
            if guard.fatal and "missing-columns" in guard.words and project.reaches(node, "any"):
                name = file.python.scopes[guard.scope].name or file.name
                yield node, Site(0.75, f"{name} refuses a table that lacks columns", file.at(guard.line), key=name)


_CHECKED = re.compile(r"data(set|frame)?(_|$)|schema|input|columns|frame|features|(^|_)df|dtypes?", re.IGNORECASE)
_NOT_CHECKED = re.compile(r"database|file|path|dir|exist|arg|metadata_in|modalit|update", re.IGNORECASE)
_TELLS = re.compile(r"bool|list|tuple|Result|Report", re.IGNORECASE)


def own_validation(project: Project) -> Iterator[Site]:
    """A function of the project that checks columns or types, and refuses or tells what is wrong."""
    for file, number, scope in _named_checks(project):
        if not (scope.raises or scope.asserts or _TELLS.search(scope.returns)):
            continue
        reached = project.reaches((file.path, number), "any")
        said = f"{scope.name} checks the input" + ("" if reached else ", and nothing calls it")
        yield Site(0.75 if reached else 0.4, said, file.at(scope.line), key=scope.name)


def _named_checks(project: Project) -> Iterator[tuple[ProjectFile, int, Scope]]:
    """Functions whose name says that they check data."""
    for file in project.code_files:
        assert file.python is not None
        if _TEST_FILE.search(file.name):
            continue
        for number, scope in enumerate(file.python.scopes):
            name = scope.name.rpartition(".")[2]
            if (
                scope.kind == "function"
                and _SHAPE_WORDS.search(name)
                and _CHECKED.search(name)
                and not _NOT_CHECKED.search(name)
                and not _LAYER.search(" ".join(file.python.scopes[scope.parent].bases) + scope.name.rpartition(".")[0])
            ):
                yield file, number, scope


_READING_CLASS = re.compile(r"Dataset|DataModule|DataLoader|Sequence$")


def _is_dataset(scope: Scope) -> bool:
    return any(_READING_CLASS.search(base) for base in scope.bases)


_READS = re.compile(r"load|read|get|item|parse|open|fetch|ingest|prepare|preprocess|collate", re.IGNORECASE)
_DATA_FILE = re.compile(r"^(data_?set|data_?load(er|ing)?|data_?utils|data)s?\.py$", re.IGNORECASE)


def _asserted_inputs(project: Project) -> Iterator[Site]:
    """Asserts on what is read (sizes, channels, labels of images, audio and text), on the way to training."""
    for file in project.code_files:
        assert file.python is not None
        scopes = file.python.scopes
        reading = {call.scope for call in file.python.calls if "read-data" in call.activities}
        for number, scope in enumerate(scopes):
            named = scope.kind == "function" and not scope.name.endswith((">", "__init__"))  # Asks how it is set up.
            if not named or not scope.asserts or (file.path, number) not in project.training_nodes:
                continue
            reads = number in reading and bool(_READS.search(scope.name))
            reads = reads or (scope.name.endswith(".__getitem__") and _is_dataset(scopes[scope.parent]))
            if reads or _DATA_FILE.search(file.name):
                said = f"{scope.name} asserts what it reads"
                yield Site(0.75, said, file.at(scope.line), key=scope.name)


def schema_enforced_in_training(project: Project) -> Verdict:
    """FEA002: validation is on the way from reading to training."""
    for use in project.uses("validate-data", notebooks=False):
        if checks_data(use.call) and (project.reaches(use.node, "training") or "decorator" in use.call.context):
            said = f"training validates with {use.call.name}"
            if _only_warns(use):
                return met(Site(0.5, f"{said}, and a violation only warns", use.where, key=use.call.name))
            return met(Site(1.0, said, use.where, key=use.call.name))
    for schema in schemas(project):
        if schema.node in project.training_nodes and schema.call is None and not schema.name.endswith("Request"):
            return met(Site(0.75, f"training uses {schema.name}", schema.file.at(schema.line), key=schema.name))
    for site in own_validation(project):
        if site.credit > 0.5 and site.where and any(path == site.where.path for path, _ in project.training_nodes):
            return met(Site(1.0, site.message, site.where, key=site.key))
    for node, site in refusals(project):
        if node in project.training_nodes:
            return met(site)
    for site in (*_asserted_inputs(project), *_parsed_records(project)):
        return met(site)
    for use in project.uses("feature-store", notebooks=False):
        if project.reaches(use.node, "training"):
            return met(Site(1.0, f"training reads typed features from {use.call.name}", use.where, key=use.call.name))
    for file, stage in project.stages:
        if re.search(r"valid|check|expect|schema", stage.name, re.IGNORECASE):
            return met(Site(1.0, f"stage {stage.name} validates the data", file.at(stage.line), key=stage.name))
    return missing("training takes the data as it comes")


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
    own = any(site.credit > 0.5 for site in own_validation(project))
    declared = any(True for _ in schemas(project))
    if best is None and not (own or declared or models_tables(project)):
        return not_applicable("no model of tables is trained here: there are no columns to constrain")
    if best is None and (own or not declared):
        return unknown("the data is checked by own code, and which values it refuses cannot be told")
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


def checks_data(call: Call) -> bool:
    """Whether a validating call checks rows: not settings, answers or messages that pydantic parses."""
    if re.search(r"find_label_issues|typeguard|typechecked", call.name):
        return False
    if not re.search(r"model_validate|parse_obj|validate_python|TypeAdapter", call.name):
        return True
    holder = call.name.rpartition(".")[0].rpartition(".")[2]
    return bool(_ROW_WORDS.search(holder)) and not _OTHER_WORDS.search(holder)


_STOPS = re.compile(r"(Error|Exception|Exit|Failed|Failure)$|(^|\.)exit$|raise_|assert")


def _only_warns(use: Use) -> bool:
    """Whether the result of a validation is only logged: a warning under a condition, and nothing in the file that stops."""
    python = use.file.python
    assert python is not None
    after = [call for call in python.calls if call.scope == use.call.scope and call.line > use.call.line]
    warned = any("if" in call.context and call.name.endswith((".warning", ".warn")) for call in after)
    stops = any(_STOPS.search(call.name) for call in python.calls) or any(scope.asserts for scope in python.scopes)
    return bool(use.call.targets) and warned and not stops


def _swallows(project: Project) -> str:
    """An except around the validation that only logs, or a result that is only logged."""
    for use in project.uses("validate-data", notebooks=False):
        if _only_warns(use):
            return str(use.where)
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
