"""Checks of factor 5: code, data and model are tested."""

from __future__ import annotations

import re
from itertools import chain

from mlready.facts.rows import Scope
from mlready.findings import Location, Site, Verdict, hazard, met, met_best, missing, unknown
from mlready.project.commands import Command
from mlready.project.entries import start_nodes
from mlready.project.graph import Node
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.assertions import (
    alive,
    asserting_helpers,
    collected,
    helped,
    runs_doctests,
    skipped,
    test_functions,
    vacuous,
)
from mlready.rules.checks.batch import compared_by_test, run_by_test, serves
from mlready.rules.checks.common import strings
from mlready.rules.checks.schemas import checks_data, own_validation

_PREDICTING = (*TRAIN_ACTIVITIES, "fit", "predict", "evaluate", "load-model", "call-llm")


def tests_exist(project: Project) -> Verdict:
    """TST001: there are tests that assert something."""
    living = alive(project)
    if living:
        file, _, scope = living[0]
        said = f"{len(living)} tests assert something, {scope.name} for one" if living[1:] else f"{scope.name} asserts"
        return met(Site(1.0, said, file.at(scope.line), key="tests"))
    if runs_doctests(project):
        return met(Site(0.5, "doctests are run", key="doctest"))
    script = next(filter(_asserts_as_script, (*project.test_files, *project.code_files)), None)
    if script is not None:
        return met(
            Site(
                0.5,
                f"{script.path} asserts when it is started, and pytest finds no test in it",
                script.at(1),
                key="script",
            )
        )
    if project.test_files and any(file.facts.problem for file in project.files if "test" in file.path):
        return unknown("test files could not be read")
    if any(test_functions(project)):
        file, _, scope = next(test_functions(project))
        return missing("there are test functions, but none that runs asserts anything", file.at(scope.line))
    return missing("there are no tests")


def _asserts_as_script(file: ProjectFile) -> bool:
    """Whether a file that is named a test asserts something when it is started, without a test function."""
    python = file.python
    if python is None or file.facts.notebook is not None or not (python.main_guard or python.scopes[0].statements):
        return False
    return _NAMED_TEST.search(file.name) is not None and any(scope.asserts for scope in python.scopes)


_NAMED_TEST = re.compile(r"^test_\w+\.py$|_tests?\.py$")


_RUNS_TESTS = re.compile(
    r"(^|[ /])(pytest|py\.test|unittest|nosetests|nose2|tox|nox|trial|nbmake|behave|robot)\b|manage\.py test|setup\.py test|coverage run"
)


def tests_run_in_ci(project: Project) -> Verdict:
    """TST002: CI runs the tests on push or pull request."""
    sites = [_ci_site(command) for command in project.commands if command.origin == "ci" and runs_tests(command)]
    if sites:
        return met_best(sites, 3)
    script = next((command for command in project.commands if command.origin == "ci" and _may_test(command)), None)
    if script is not None:
        return unknown(f"CI runs {script.text[:60]} ({script.where}), and what that runs cannot be followed")
    opaque = [(f, job) for f, automation in project.automations for job in automation.jobs if job.calls]
    included = [f for f, automation in project.automations if automation.includes]
    if opaque or included:
        place = opaque[0][0].path if opaque else included[0].path
        return unknown(f"{place} calls jobs that stand outside of this repository")
    return missing("no CI job runs the tests")


_TEST_SCRIPT = re.compile(
    r"(^|[\s/])[\w.-]*(tests?|checks?)[\w.-]*\.sh\b|^(inv|invoke)\b|(^|\s)\./([\w.-]+/)*(\w+[_-])?(tests?|checks?)([_-]\w+)?$"
)


def _may_test(command: Command) -> bool:
    """Whether CI runs a script or task that may run the tests: `bash bin/test.sh`, `invoke checks`."""
    found = _TEST_SCRIPT.search(" ".join(command.words))
    return found is not None and "install" not in command.text


def runs_tests(command: Command) -> bool:
    """Whether a command runs a test suite."""
    text = " ".join(command.words) or command.text
    if re.match(r"^(python[\d.]* -m )?(pip3?|uv pip|poetry|conda|apt|apt-get|brew|uv)\b.*\b(install|add|sync)\b", text):
        return False
    return bool(_RUNS_TESTS.search(text)) or bool(
        re.match(r"^(hatch test|hatch run test|pdm test|make test|just test|rye test)", command.text)
    )


def _ci_site(command: Command) -> Site:
    on_change = {"push", "pull-request"} & set(command.triggers)
    through = f" through {command.through}" if command.through else ""
    said = f"runs {command.text[:50]}{through}"
    if on_change:
        return Site(1.0, said, command.where, key="tests in ci")
    return Site(0.5, f"{said}, but not on push or pull request", command.where, key="tests in ci")


# ---------------------------------------------------------------------------------------------------- what tests reach


def tested_nodes(project: Project) -> frozenset[Node]:
    """Scopes that living tests reach."""
    starts = [(file.path, number) for file, number, _ in alive(project)]
    fixtures = [
        (file.path, number)
        for file in project.test_files
        for number, scope in enumerate(file.python.scopes if file.python else ())
        if any("fixture" in decorator.text for decorator in scope.decorators)
        or scope.name.rpartition(".")[2] in ("setUp", "setUpClass", "setup_method")
    ]
    started = (node for path in sorted(_started_by_tests(project)) for node in start_nodes(project.by_path[path]))
    return project.graph.reach([*starts, *fixtures, *((path, 0) for path, _ in starts), *started])


def _started_by_tests(project: Project) -> frozenset[str]:
    """Scripts that living tests start as commands: `run_command(["train.py", "--fast"])`."""
    scripts = {file.path for file in project.code_files if file.facts.notebook is None}
    named = {
        text.value.removeprefix("./")
        for file, number, _ in alive(project)
        for text in (file.python.texts if file.python else ())
        if text.scope == number and text.value.endswith(".py")
    }
    return frozenset(path for path in scripts if path in named or any(path.endswith(f"/{name}") for name in named))


def _reached_use(project: Project, *activities: str) -> Use | None:
    nodes = tested_nodes(project)
    for use in project.uses(*activities, notebooks=False):
        if use.node in nodes and use.call.scope and not _PICTURES.search(use.scope.name):
            return use
    return None


_PICTURES = re.compile(r"plot|visuali|tsne|diagnos|draw|figure|chart", re.IGNORECASE)


def preprocessing_tested(project: Project) -> Verdict:
    """TST003: tests reach the code that prepares the data."""
    use = _reached_use(project, "preprocess", "resample", "select-features", "augment")
    if use is not None:
        return met(Site(1.0, f"tests reach {use.scope.name}, which prepares data", use.where, key=use.scope.name))
    named = _named_scope(
        project, r"preprocess|feature|clean|transform|encode|impute|tokeniz|normali[sz]|prepare|process"
    )
    if named is not None:
        file, scope = named
        return met(Site(1.0, f"tests reach {scope.name}, which prepares data", file.at(scope.line), key=scope.name))
    return missing("no test reaches the code that prepares the data", _preparation(project))


_PREPARES_IN = re.compile(r"pre_?process|feature|clean|transform|prepar|encod|data|impute|train", re.IGNORECASE)
_LOOKS_IN = re.compile(r"(^|[/_])(eda|explor\w*|analy\w*|eval\w*|plots?|visuali\w*|compare\w*)([/_.]|$)", re.IGNORECASE)


def _preparation(project: Project) -> Location | None:
    """Where data is prepared, on the way of training if possible; not where one looks at it, or applies what was fitted."""
    uses = [
        use
        for use in project.uses("preprocess", notebooks=False)
        if not _LOOKS_IN.search(use.file.path) and not use.call.name.endswith(".transform")
    ]
    named = [use for use in uses if _PREPARES_IN.search(f"{use.file.name} {use.scope.name}")]
    reached = (use for use in named if project.reaches(use.node, "training"))
    found = next(chain(reached, named), None)
    return found.where if found is not None else None


def _named_scope(project: Project, pattern: str, *, files: bool = True) -> tuple[ProjectFile, Scope] | None:
    """A function of the project's code, by its name or (with `files`) its module's, that tests reach."""
    nodes = tested_nodes(project)
    for file in project.code_files:
        assert file.python is not None
        for number, scope in enumerate(file.python.scopes):
            named = re.search(pattern, scope.name.lower()) or (files and re.search(pattern, file.name.lower()))
            apart = scope.kind != "function" or scope.name.endswith(">") or _PICTURES.search(scope.name)
            if named and not apart and (file.path, number) in nodes:
                return file, scope
    return None


def model_tested(project: Project) -> Verdict:
    """TST004: tests reach training or prediction, and assert on behavior or a metric."""
    use = _reached_use(project, *_PREDICTING)
    if use is not None:
        return met(
            Site(
                1.0,
                f"tests reach {use.scope.name or use.file.path}, which trains or predicts",
                use.where,
                key=use.scope.name,
            )
        )
    for file, number, _scope in alive(project):
        assert file.python is not None
        for call in file.python.calls:
            if call.scope == number and {*TRAIN_ACTIVITIES, "fit", "predict", "evaluate"} & set(call.activities):
                return met(Site(1.0, f"a test calls {call.name}", file.at(call.line), key=call.name))
    named = _named_scope(project, r"^(.*\.)?(train|predict|forward|infer|score|evaluate)", files=False)
    if named is not None:
        file, scope = named
        return met(Site(1.0, f"tests reach {scope.name}", file.at(scope.line), key=scope.name))
    asked = max(serving_tested(project).sites, key=lambda site: site.credit, default=None)
    predicts = project.has("predict", reached="serving", notebooks=False) or _asks_for_predictions(project)
    if asked is not None and asked.credit >= 1 and predicts:
        return met(Site(1.0, f"{asked.message}, and the service predicts", asked.where, key="service"))
    named_test = next((row for row in alive(project) if _OF_MODEL.search(row[2].name.rpartition(".")[2])), None)
    if named_test is not None:
        file, _, test = named_test
        return unknown(f"what {test.name} ({file.at(test.line)}) reaches cannot be followed")
    return missing("no test reaches training or prediction")


_OF_MODEL = re.compile(
    r"^test_?(\w+_)?(train(s|er|ing|_?stage|_?step|_?model|_?loop)?|predicts?|prediction|inference|forward)(_|$)",
    re.IGNORECASE,
)


_PREDICTING_ROUTE = re.compile(
    r"/(v\d+/)?(models?/)?(predict|score|infer|classify|forecast|invocations)", re.IGNORECASE
)


def _asks_for_predictions(project: Project) -> bool:
    """Whether a test names the address of an endpoint that predicts."""
    return any(
        _PREDICTING_ROUTE.search(text)
        for file, number, _ in alive(project)
        for call in file.calls
        if call.scope in (number, 0)
        for arg in call.args
        for text in strings(arg.value)
    ) or any(
        _PREDICTING_ROUTE.search(text.value)
        for file, number, _ in alive(project)
        for text in (file.python.texts if file.python else ())
        if text.scope in (number, 0)
    )


_DATA_CHECKS = re.compile(
    r"\b(great_expectations|gx|soda scan|dbt test|pandera|deepchecks|tfdv|validate[-_]data|data[-_]?(validation|quality|check|test)s?)\b"
)


def data_tested(project: Project) -> Verdict:
    """TST005: data checks run as tests, or as a step of the pipeline."""
    nodes = tested_nodes(project)
    for use in project.uses("validate-data", notebooks=False):
        if not checks_data(use.call):
            continue
        if use.node in nodes:
            return met(Site(1.0, f"tests run {use.call.name}", use.where, key=use.call.name))
        if project.reaches(use.node, "training"):
            return met(Site(1.0, f"{use.call.name} runs in the pipeline", use.where, key=use.call.name))
    for file in project.test_files:
        for call in file.calls:
            if "validate-data" in call.activities and checks_data(call):
                return met(Site(1.0, f"a test calls {call.name}", file.at(call.line), key=call.name))
    for command in project.commands:
        if re.search(r"\binstall\b", command.text):
            continue
        if command.origin in ("ci", "pipeline", "task") and _DATA_CHECKS.search(command.text):
            return met(Site(1.0, f"runs {command.text[:60]}", command.where, key="command"))
    site = _data_assertions(project)
    own_checks = own_validation(project) if site is None else ()
    checked = [own for own in own_checks if own.credit > 0.5 and not _PRESENCE.search(own.key)]
    if checked:
        return met(Site(0.75, f"{checked[0].message} as part of the run", checked[0].where, key=checked[0].key))
    return met(site) if site is not None else missing("nothing tests the data")


_PRESENCE = re.compile(r"(^|_)ensure_(data|dataset)$|exists?|available|download|if_dataframe|metadata")
"""Functions that see whether there is anything, or of which type: what the data holds they do not look at."""


def _data_assertions(project: Project) -> Site | None:
    """A test that reads the data and asserts on its columns, ranges or missing values."""
    for file, number, scope in alive(project):
        assert file.python is not None
        words = f"{file.name} {scope.name}".lower()
        reads = any("read-data" in call.activities and call.scope == number for call in file.python.calls)
        about = re.search(r"data|schema|column|missing|null|range|dtype|dataset", words)
        looks = any(
            call.scope == number
            and call.name.rpartition(".")[2]
            in ("isna", "isnull", "notna", "nunique", "between", "isin", "value_counts", "min", "max")
            for call in file.python.calls
        )
        if about and reads and (looks or scope.asserts):
            return Site(1.0, f"{scope.name} asserts on the data", file.at(scope.line), key=scope.name)
    named = _named_scope(
        project, r"valid.*(data(set|frame)?|schema|columns)$|check_(data|schema|columns)|data_(validation|quality)"
    )
    if named is not None:
        file, scope = named
        return Site(0.5, f"tests reach {scope.name}", file.at(scope.line), key=scope.name)
    return None


_CLIENTS = re.compile(
    r"TestClient|test_client|AsyncClient|APIClient|ASGITransport|app\.test|LiveServer|RequestFactory|bentoml\.(Sync|Async)HTTPClient|InferenceServerClient|serve\.run"
)


def serving_tested(project: Project) -> Verdict:
    """TST006: an integration test calls the service, in process or over a port."""
    for file in project.test_files:
        for call in file.calls:
            if _CLIENTS.search(call.name) or _CLIENTS.search(call.receiver):
                return met(
                    Site(1.0, f"a test calls the service through {call.name}", file.at(call.line), key=call.name)
                )
    for file in project.test_files:
        for call in file.calls:
            if "http-call" in call.activities:
                return met(Site(1.0, f"a test sends a request with {call.name}", file.at(call.line), key=call.name))
    nodes = tested_nodes(project)
    for file in project.code_files:
        if not any({"endpoint", "serve"} & set(call.activities) for call in file.calls):
            continue
        if any(path == file.path and number for path, number in nodes):
            return met(Site(0.5, f"tests call functions of {file.path} without a request", file.at(0), key=file.path))
    job = None if serves(project) else run_by_test(project, alive(project))
    return met(job) if job is not None else missing("no test sends a request to the service")


_TASKS = re.compile(r"(^|/)(tasks?|noxfile|duties|dodo|fabfile|invoke)(/\w+)?\.py$")
"""Modules of what runs tasks: invoke, nox, doit, fabric."""
_COVERAGE = re.compile(r"--cov-fail-under|--fail-under|coverage report .*--fail-under")


def tests_proportionate(project: Project) -> Verdict:
    """TST007: a coverage threshold is configured and enforced."""
    for key in (
        "tool.coverage.report.fail_under",
        "report.fail_under",
        "coverage:report.fail_under",
        "tool.pytest.ini_options.addopts",
    ):
        for file, row in project.settings(
            "pyproject.toml", "setup.cfg", ".coveragerc", "tox.ini", "pytest.ini", key=key
        ):
            if key.endswith("addopts") and not _COVERAGE.search(str(row.value)):
                continue
            if key.endswith("fail_under") and str(row.value) in ("0", "0.0"):
                continue  # No run can be below it.
            return met(_enforced(project, Site(1.0, f"{row.key} sets a threshold", file.at(row.line), key=row.key)))
    for command in project.commands:
        if command.origin in ("ci", "task", "hook") and _COVERAGE.search(command.text):
            return met(Site(1.0, f"enforced by {command.text[:60]}", command.where, key="command"))
    for file in project.code_files:
        for call in file.calls if _TASKS.search(file.path) else ():
            said = next((text for arg in call.args for text in strings(arg.value) if _COVERAGE.search(text)), "")
            if said:
                return met(Site(1.0, f"a task runs {said[:60]}", file.at(call.line), key="task"))
    for file, row in project.settings("codecov.yml", ".codecov.yml", "codecov.yaml"):
        if "target" in row.key:
            return met(Site(1.0, f"{row.key} sets a target", file.at(row.line), key=row.key))
    return missing("no coverage threshold is set")


def _enforced(project: Project, site: Site) -> Site:
    measured = any("cov" in command.text for command in project.commands if command.origin in ("ci", "task"))
    measured = measured or any(
        "--cov" in str(row.value) for _, row in project.settings("pyproject.toml", "setup.cfg", "pytest.ini", key="")
    )
    return site if measured else Site(0.5, f"{site.message}, but nothing measures coverage", site.where, key=site.key)


def tests_assert(project: Project) -> Verdict:
    """TST008: each test function checks something."""
    broken, units = [], 0
    helpers, doctests = asserting_helpers(project), runs_doctests(project)
    for file, number, scope in test_functions(project):
        if not collected(file, scope):
            continue
        units += 1
        if doctests and scope.examples:
            continue
        if vacuous(file, number, scope) and not skipped(scope) and not helped(file, number, helpers):
            broken.append(Site(0.0, f"{scope.name} checks nothing", file.at(scope.line), key=scope.name))
    return hazard(broken, units=units)


def serving_parity_tested(project: Project) -> Verdict:
    """TST009: a test compares what the service answers with what the artifact predicts offline, for the same rows."""
    for file, number, scope in alive(project):
        assert file.python is not None
        calls = [call for call in file.python.calls if call.scope == number]
        asks = any(
            re.search(r"\.(post|get|request|predict)$", call.name) and _is_client(file, call.receiver) for call in calls
        )
        offline = any("predict" in call.activities and not _is_client(file, call.receiver) for call in calls)
        offline = offline or any(
            re.search(r"(^|[._])predict(_\w+)?$", call.name) and not _is_client(file, call.receiver) for call in calls
        )
        if asks and offline:
            return met(
                Site(1.0, f"{scope.name} compares the service with the artifact", file.at(scope.line), key=scope.name)
            )
        if asks and re.search(r"parity|same_as|matches_offline|consisten|skew", scope.name):
            return met(
                Site(1.0, f"{scope.name} compares the service with the artifact", file.at(scope.line), key=scope.name)
            )
    job = None if serves(project) else compared_by_test(project, alive(project))
    return met(job) if job is not None else missing("no test compares the service's predictions with the artifact's")


def _is_client(file: ProjectFile, receiver: str) -> bool:
    return "client" in receiver.lower() or receiver in ("requests", "httpx", "session", "http")
