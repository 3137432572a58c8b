"""Which test functions run, and which of them check anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Scope
from mlready.project.project import Project, ProjectFile


def test_functions(project: Project) -> Iterator[tuple[ProjectFile, int, Scope]]:
    """(file, index, scope) of each test function that a runner would collect."""
    for file in project.test_files:
        assert file.python is not None
        for number, scope in enumerate(file.python.scopes):
            if scope.kind == "function" and is_test(file, scope):
                yield file, number, scope


def is_test(file: ProjectFile, scope: Scope) -> bool:
    """Whether the name makes it a test: `test_x` at the top, or in a class; not a function that the file hands its arguments."""
    assert file.python is not None
    name = scope.name.rpartition(".")[2]
    parent = file.python.scopes[scope.parent] if scope.parent >= 0 else None
    nested = parent is not None and parent.kind == "function" and not parent.name.endswith(">")
    fixture = any("fixture" in decorator.text for decorator in scope.decorators)
    return name.startswith("test") and not nested and not fixture and not _called_with_arguments(file, scope)


def _called_with_arguments(file: ProjectFile, scope: Scope) -> bool:
    """`test_model(args.rows, args.labels)`: what a script calls so finds no such fixtures in pytest."""
    own = (call for call in file.calls if call.name == scope.name and "decorator" not in call.context)
    return len(scope.params) > 0 and any(call.args for call in own)


def collected(file: ProjectFile, scope: Scope) -> bool:
    """Whether pytest collects it: a class without bases has to be called Test... and to have no __init__."""
    assert file.python is not None
    scopes = file.python.scopes
    owner = scopes[scope.parent] if scope.parent >= 0 else None
    if owner is None or owner.kind != "class" or owner.bases:
        return True
    made = any(other.parent == scope.parent and other.name.endswith(".__init__") for other in scopes)
    return owner.name.rpartition(".")[2].startswith("Test") and not made


_ASSERTS = re.compile(r"(^|[._])(assert|check|verify|validate|expect|raises|warns|compare|ensure)")
_ASSERTING_DECORATORS = re.compile(r"(^|\.)(parametrize_with_checks|image_comparison|check_figures_equal|raises)$")
"""Decorators that bring the assertion: estimator checks of scikit-learn, figures that are compared, errors that are expected."""


def asserts_something(file: ProjectFile, number: int, scope: Scope) -> bool:
    """Whether a test checks anything: by itself, through a helper, or through a fixture that does."""
    if scope.asserts or any(_ASSERTING_DECORATORS.search(decorator.text) for decorator in scope.decorators):
        return True
    assert file.python is not None
    if any(_ASSERTS.search(name) for name in _run_by(file, number, scope)):
        return True
    if any(
        re.search(r"assert|check|verify|snapshot|regression|benchmark", ref.rpartition(".")[2]) for ref in scope.refs
    ):
        return True
    return any(
        re.search(r"snapshot|regression|benchmark|image_comparison|golden", param.name) for param in scope.params
    )


def _run_by(file: ProjectFile, number: int, scope: Scope) -> Iterator[str]:
    """Names of what a test calls: in its body, or handed to it (`@parametrize("check", [check_shape])`)."""
    plain = scope.name.rpartition(".")[2]
    for call in file.calls:
        if call.scope == number:
            yield call.name
        elif call.scope == scope.parent and "decorator" in call.context and plain in call.targets:
            yield from (item.text for arg in call.args for item in arg.value.items if item.kind == "name")


def asserting_helpers(project: Project) -> frozenset[str]:
    """Names of functions and fixtures of the tests that assert."""
    return frozenset(
        scope.name.rpartition(".")[2]
        for other in project.test_files
        for scope in (other.python.scopes if other.python else ())
        if scope.asserts and scope.kind == "function" and not is_test(other, scope)
    )


def helped(file: ProjectFile, number: int, helpers: frozenset[str]) -> bool:
    """Whether a helper or fixture of the tests, or a function inside the test, asserts for it."""
    python = file.python
    assert python is not None
    scope = python.scopes[number]
    calls = [call for call in python.calls if call.scope == number]
    used = {name.rpartition(".")[2] for name in (*scope.refs, *(param.name for param in scope.params))}
    used |= {call.name.rpartition(".")[2] for call in calls}
    inner = any(s.parent == number and s.asserts for s in python.scopes)
    passed = any("expect" in arg.name or "assert" in arg.name for call in calls for arg in call.args)
    return inner or passed or bool(used & helpers)


def skipped(scope: Scope) -> bool:
    return any("skip" in decorator.text and "skipif" not in decorator.text for decorator in scope.decorators)


def alive(project: Project) -> list[tuple[ProjectFile, int, Scope]]:
    """Tests that run and check something."""
    doctests, helpers = runs_doctests(project), asserting_helpers(project)
    return [
        (f, n, s)
        for f, n, s in test_functions(project)
        if not skipped(s) and (not vacuous(f, n, s) or helped(f, n, helpers) or (doctests and s.examples))
    ]


def runs_doctests(project: Project) -> bool:
    """Whether the examples in docstrings are run, by a command or by the configuration of pytest."""
    if any("--doctest-modules" in c.text or "-m doctest" in c.text for c in project.commands if c.origin != "document"):
        return True
    configured = project.settings("pyproject.toml", "pytest.ini", ".pytest.ini", "setup.cfg", "tox.ini")
    return any("addopts" in row.key and "--doctest-modules" in str(row.value) for _, row in configured)


def vacuous(file: ProjectFile, number: int, scope: Scope) -> bool:
    """`assert True`, `pass`, a look at what comes out: a test that checks nothing."""
    return not asserts_something(file, number, scope) and not _expects_no_error(file, number, scope)


_NO_ERROR = re.compile(
    r"accept|allow|swallow|ignor|toler|surviv|valid|pars|import|compil|no_?(error|op|exception|raise|fail|crash)"
    r"|no_(\w+_)?(errors?|warnings?|exceptions?)(_|$)|smoke|recogni[sz]e|not_?(raise|fail|crash)|does_?nt|succeed|graceful|handles?_|fail(ure|s)?$",
    re.IGNORECASE,
)
_FAILS_BY_ITSELF = re.compile(
    r"(^|[._])(execute_notebook|check_estimator|check_call|raise_for_status|load_notebook|fail|gradcheck|testbook)$"
    r"|(^|\.)(json|yaml|toml|tomllib|ast)\.(loads?|safe_load|parse)$|_test$"
)


def _expects_no_error(file: ProjectFile, number: int, scope: Scope) -> bool:
    """Whether a test is there to see that nothing is raised: by its name, a failing double, or what fails by itself."""
    python = file.python
    assert python is not None
    calls = [call for call in python.calls if call.scope == number]
    doubles = any(inner.parent == number and inner.kind == "function" for inner in python.scopes)
    rigged = any(row.scope == number and row.name.endswith("side_effect") for row in python.assigns)
    rigged = rigged or any(arg.name == "side_effect" for call in calls for arg in call.args)
    named = _NO_ERROR.search(scope.name.rpartition(".")[2].removeprefix("test"))
    asked = calls and (named or scope.harmless)
    raises = any("AssertionError" in name for name in (*scope.refs, *(call.name for call in calls)))
    return bool(asked or raises or rigged or (doubles and calls)) or any(_FAILS_BY_ITSELF.search(c.name) for c in calls)
