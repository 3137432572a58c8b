"""All files of a conversion: the package, the project around it, the thin notebooks and the record."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlready.convert.beside import local_modules
from mlready.convert.changes import Changes
from mlready.convert.emit import shared_module, source_files
from mlready.convert.model import Plan
from mlready.convert.report import conversion, conversion_json, conversion_page
from mlready.convert.shared import with_shared
from mlready.convert.skeleton import MANIFEST, Skeleton, merged_manifest, skeleton
from mlready.convert.thin import thin_notebook
from mlready.convert.tidy import tidy
from mlready.convert.tokens import chosen, named
from mlready.convert.written_tests import written_tests
from mlready.errors import MlreadyError, UsageError

if TYPE_CHECKING:
    from mlready.convert import Conversion, Options
    from mlready.convert.environment import Environment


def project_files(plans: Sequence[Plan], package: str, environment: Environment, options: Options) -> Conversion:
    """Renders everything and checks that every module parses."""
    from mlready.convert import Conversion

    plans = with_shared(plans)
    around = _around(plans, package, environment, options)
    requirements = [dependency.requirement for dependency in environment.dependencies]
    content = conversion(plans, requirements, None if options.package_only else around)
    folder = _package_folder(package, options)
    files: dict[str, str] = {}
    for plan in plans:
        files.update(_package_files(plan, folder, package))
    if len(plans) > 1:
        files[f"{folder}/__init__.py"] = f'"""Made from {len(plans)} notebooks."""\n'
        files.update(_shared_files(plans, folder))
    beside = (
        {}
        if options.package_only
        else {f"src/{path}": text for plan in plans for path, text in local_modules(plan).items()}
    )
    files.update(beside)
    if not options.package_only:
        files.update(around.files)
        files.update(written_tests(plans))
        files.update({f"notebooks/{plan.notebook.name}.ipynb": thin_notebook(plan) for plan in plans})
        files["conversion.json"] = conversion_json(content)
        files["CONVERSION.md"] = conversion_page(plans, content)
    names = chosen(plans)
    files = {path: named(text, names) for path, text in files.items()}
    content = json.loads(named(json.dumps(content), names))
    files = tidy(files, verbatim=frozenset(beside))
    _check(files)
    files, merged = _merged(files, around.files[MANIFEST], options)
    return Conversion(tuple(plans), Changes(options.into, files, merged), content)


def _package_folder(package: str, options: Options) -> str:
    if options.package_only and not (options.into / "src").is_dir():
        return package
    return f"src/{package}"


def _shared_files(plans: Sequence[Plan], folder: str) -> dict[str, str]:
    """The module of what several notebooks had; the first notebook that has all of a name writes it."""
    widest = max(plans, key=lambda plan: len(plan.shared))
    names = frozenset().union(*(plan.shared for plan in plans))
    if not names:
        return {}
    definitions = {name: plan.definitions[name] for plan in plans for name in plan.shared}
    offset = max(widest.needs, default=0) + 1
    imports, needs, moved = list(widest.imports), dict(widest.needs), dict(widest.definitions)
    for plan in plans:
        imports += [line for line in plan.imports if line.text not in {known.text for known in imports}]
    for name, definition in definitions.items():
        owner = next(plan for plan in plans if plan.definitions.get(name) is definition)
        statement = replace(definition.statement, index=offset)
        needs[offset] = owner.needs[definition.statement.index]
        moved[name] = replace(definition, statement=statement)
        offset += 1
    merged = replace(widest, imports=tuple(imports), needs=needs, definitions=moved, shared=names)
    return {f"{folder}/shared.py": shared_module(merged)}


def _package_files(plan: Plan, folder: str, package: str) -> dict[str, str]:
    below = plan.package.removeprefix(package).replace(".", "/")
    return {f"{folder}{below}/{name}.py": text for name, text in source_files(plan).items()}


def _around(plans: Sequence[Plan], package: str, environment: Environment, options: Options) -> Skeleton:
    title = plans[0].notebook.name.replace("_", " ").capitalize() if len(plans) == 1 else package.replace("_", " ")
    around = skeleton(package=package, title=title, plans=plans, environment=environment)
    return around if options.force else around.without_taken(options.into, options.ours)


def _merged(files: dict[str, str], manifest: str, options: Options) -> tuple[dict[str, str], frozenset[str]]:
    """An existing pyproject.toml is added to."""
    path = options.into / MANIFEST
    if not path.is_file():
        return files, frozenset()
    try:
        old = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8") from None
    new = merged_manifest(old, manifest, package_only=options.package_only)
    kept = {name: text for name, text in files.items() if name != MANIFEST}
    return ({**kept, MANIFEST: new} if new != old else kept), frozenset({MANIFEST})


def _check(files: dict[str, str]) -> None:
    """A module that does not parse is a bug of mlready and is never written."""
    for path, text in files.items():
        if path.endswith(".py"):
            try:
                compile(text, path, "exec", flags=ast.PyCF_ONLY_AST, dont_inherit=True)
            except SyntaxError as error:
                raise MlreadyError(f"{path}: the written module does not parse: {error}") from error
