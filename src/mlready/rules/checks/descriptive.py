"""Checks of factor 3: code is descriptive, configuration stands apart from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from mlready.facts.rows import Call, Scope, Value
from mlready.findings import Location, Site, Verdict, hazard, met, missing, not_applicable, unknown
from mlready.project.commands import Command
from mlready.project.entries import started_files
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import argument, constant, literal_path, strings

# ------------------------------------------------------------------------------------------------------ DES001, DES010

_FORMATTERS = re.compile(r"\b(ruff format|black|yapf|autopep8|blue|isort)\b|(^|[-_])(ruff-format|black|yapf)(-|$)")
_LINTERS = re.compile(
    r"\b(ruff( check)?|flake8|pylint|pycodestyle|pyflakes|prospector|pylama)\b|(^|[-_])(ruff|flake8|pylint)(-|$)"
)
_TYPES = re.compile(r"\b(mypy|pyright|basedpyright|pytype|pyre|ty check|pyrefly)\b")


def style_enforced(project: Project) -> Verdict:
    """DES001: a formatter and a linter run by pre-commit or CI."""
    formats, lints = _enforced(project, _FORMATTERS), _enforced(project, _LINTERS)
    if formats and lints:
        return met(Site(1.0, f"{formats.message}; {lints.message}", lints.where, key="style"))
    one = formats or lints
    if one is not None:
        lacks = "linter" if formats else "formatter"
        return met(Site(0.6, f"{one.message}, and no {lacks} is", one.where, key="style"))
    configured = _configured(project)
    if configured is not None:
        return met(configured)
    return missing("no formatter and no linter is configured")


def _enforced(project: Project, tools: re.Pattern[str]) -> Site | None:
    for file, hook in project.hooks:
        if tools.search(hook.id) or tools.search(hook.entry):
            return Site(1.0, f"pre-commit runs {hook.id}", file.at(hook.line), key=hook.id)
    for command in project.commands:
        if (
            command.origin == "ci"
            and tools.search(_said(command))
            and not re.search(r"\binstall\b|\badd\b", command.text)
        ):
            return Site(1.0, f"CI runs {command.text[:40]}", command.where, key=command.text[:40])
        if command.origin == "ci" and "pre-commit" in command.text and "install" not in command.text:
            hooked = next((hook.id for _, hook in project.hooks if tools.search(hook.id)), "")
            if hooked:
                return Site(1.0, f"CI runs pre-commit with {hooked}", command.where, key=hooked)
    return None


def _said(command: Command) -> str:
    return f"{' '.join(command.words)} {command.text if ' ' not in command.text.strip() else ''}"


def _configured(project: Project) -> Site | None:
    for name in ("tool.ruff", "tool.black", "tool.flake8", "tool.pylint", "tool.isort"):
        for file, row in project.settings("pyproject.toml", key=name):
            return Site(0.4, f"{name} is configured, and nothing runs it", file.at(row.line), key=name)
    for file in project.matching("ruff.toml", ".ruff.toml", ".flake8", ".pylintrc", "pylintrc", ".style.yapf"):
        return Site(0.4, f"{file.path} is configured, and nothing runs it", file.at(0), key=file.path)
    for command in project.commands:
        if command.origin == "task" and (_LINTERS.search(_said(command)) or _FORMATTERS.search(_said(command))):
            return Site(0.4, f"{command.text[:40]} is a task, and nothing runs it", command.where, key="task")
    return None


def types_checked(project: Project) -> Verdict:
    """DES010: a type checker is run by CI or pre-commit."""
    site = _enforced(project, _TYPES)
    if site is not None:
        return met(site)
    for name in ("tool.mypy", "tool.pyright", "tool.basedpyright", "tool.ty"):
        for file, row in project.settings("pyproject.toml", key=name):
            return met(Site(0.4, f"{name} is configured, and nothing runs it", file.at(row.line), key=name))
    for file in project.matching("mypy.ini", ".mypy.ini", "pyrightconfig.json"):
        return met(Site(0.4, f"{file.path} is configured, and nothing runs it", file.at(0), key=file.path))
    return missing("no type checker is run")


# -------------------------------------------------------------------------------------------------------------- DES002

_PER_THOUSAND = 40.0
"""So many violations in 1,000 lines break the rule altogether: one line in 25."""
_NOT_COUNTED = frozenset(("F821", "E902"))


def style_kept(project: Project) -> Verdict:
    """DES002: violations per thousand lines, from ruff with an explicit selection. The unit is the file."""
    findings = project.external.get("ruff")
    if findings is None:
        return unknown("ruff did not run")
    if isinstance(findings, str):
        return unknown(findings)
    files = [
        f
        for f in project.python_files
        if f.role in ("source", "script", "notebook", "test") and f.python and f.python.code_lines
    ]
    by_file: dict[str, list[Any]] = {}
    for finding in findings:
        if finding.code not in _NOT_COUNTED:
            by_file.setdefault(finding.path, []).append(finding)
    broken = []
    for file in files:
        found = by_file.get(file.path, [])
        if not found:
            continue
        rate = 1000.0 * len(found) / max(50, file.python.code_lines if file.python else 1)
        credit = max(0.0, 1.0 - rate / _PER_THOUSAND)
        first = found[0]
        said = f"{len(found)} violations, {first.code} {first.message} for one"
        broken.append(Site(credit, said, _place(first), key="style"))
    return hazard(broken, units=len(files))


def _place(finding: Any) -> Location:
    if finding.cell:
        return Location(finding.path, finding.line, finding.cell, None, finding.raw_line or None)
    return Location(finding.path, finding.line)


# ------------------------------------------------------------------------------------------------------ DES003, DES004


def functions_described(project: Project) -> Verdict:
    """DES003: public functions and classes of code have a docstring. The unit is the definition."""
    broken, units = [], 0
    for file in project.code_files:
        assert file.python is not None
        for scope in file.python.scopes[1:]:
            if not _is_public(file, scope):
                continue
            units += 1
            if not scope.documented:
                broken.append(Site(0.0, f"{scope.name} says not what it does", file.at(scope.line), key=scope.name))
    return hazard(broken, units=units)


_PLAIN_DECORATORS = re.compile(r"(^|\.)(overload|property|setter|override|cached_property|abstractmethod)$")


def _is_public(file: ProjectFile, scope: Scope) -> bool:
    assert file.python is not None
    name = scope.name.rpartition(".")[2]
    if name.startswith(("_", "<", "visit_")) or scope.trivial or scope.statements < 2:
        return False
    parent = file.python.scopes[scope.parent] if scope.parent > 0 else None
    if parent is not None and (parent.kind == "function" or parent.name.startswith("_")):
        return False
    if name in ("main", "forward", "configure_optimizers", "training_step", "validation_step", "test_step"):
        return False
    return not any(_PLAIN_DECORATORS.search(decorator.text) for decorator in scope.decorators)


_LONG_FUNCTION, _LONG_MODULE, _LONG_CELL = 80, 60, 60


def modular_code(project: Project) -> Verdict:
    """DES004: no function over 80 statements, no module or cell that does everything at its top. The unit is the file."""
    broken = []
    for file in project.work_files:
        fault = next(_oversized(file), None)
        if fault is not None:
            line, said = fault
            broken.append(Site(0.0, said, file.at(line), key=said.partition(" has")[0]))
    return hazard(broken, units=len(project.work_files))


def _oversized(file: ProjectFile) -> Iterator[tuple[int, str]]:
    assert file.python is not None
    for scope in file.python.scopes[1:]:
        if scope.kind == "function" and scope.statements > _LONG_FUNCTION:
            yield scope.line, f"{scope.name} has {scope.statements} statements"
    if file.facts.notebook is None:
        top = file.python.scopes[0]
        if top.statements > _LONG_MODULE and not _is_constants(file):
            yield 1, f"the module has {top.statements} statements at its top level"
        return
    for cell in file.facts.notebook.cells:
        if cell.statements > _LONG_CELL:
            yield cell.start, f"cell {cell.number} has {cell.statements} statements"


def _is_constants(file: ProjectFile) -> bool:
    """A settings module: nearly all of its top level are assignments."""
    assert file.python is not None
    top = file.python.scopes[0].statements
    return sum(row.scope == 0 for row in file.python.assigns) > 0.8 * top


# ------------------------------------------------------------------------------------------------------ DES005, DES006

_CONFIG_FILE = re.compile(r"\.(ya?ml|toml|json|ini|cfg|env)$")


def configuration_apart(project: Project) -> Verdict:
    """DES005: the training entry point takes its parameters from a file, the environment or the command line."""
    reached = [
        use
        for use in project.uses("configure", "parse-args", "read-environment")
        if project.reaches(use.node, "training")
    ]
    reached += [
        use
        for use in project.uses("configure", "parse-args")
        if use not in reached and _decorates_training(project, use)
    ]
    reached = [use for use in reached if not _addresses_only(project, use)]
    strong = [
        use
        for use in reached
        if {"configure", "parse-args"} & set(use.call.activities) and use.file.facts.notebook is None
    ]
    if strong and all("parse-args" in use.call.activities for use in strong) and _paths_only(project):
        read = _reads_config(project)
        said = f"{strong[0].call.name} takes paths, and no parameter of the training"
        return met(read or Site(0.25, said, strong[0].where, key="paths only"))
    if strong:
        return met(
            Site(1.0, f"training is configured through {strong[0].call.name}", strong[0].where, key=strong[0].call.name)
        )
    read = _reads_config(project)
    if read is not None:
        return met(read)
    for file, stage in project.stages:
        if stage.params:
            return met(
                Site(
                    1.0,
                    f"stage {stage.name} takes parameters from {stage.params[0]}",
                    file.at(stage.line),
                    key=stage.name,
                )
            )
    settings = _settings_module(project)
    if settings is not None:
        return met(settings)
    if reached:
        use = reached[0]
        return met(Site(0.5, f"only {use.call.name} reads a setting", use.where, key=use.call.name))
    elsewhere = next(project.uses("configure", "parse-args"), None)
    if elsewhere is not None:
        return met(
            Site(
                0.25,
                f"{elsewhere.call.name} reads settings, and training does not use them",
                elsewhere.where,
                key="not used",
            )
        )
    return missing("parameters stand in the code: each experiment is an edit")


_NO_PARAMETER = re.compile(
    r"^(RANK|LOCAL_RANK|WORLD_SIZE|CUDA_\w+|MASTER_\w+|HOME|PATH|USER|\w*(_URI|_URL|_KEY|_TOKEN|_PASSWORD))$"
)


def _addresses_only(project: Project, use: Use) -> bool:
    """The address of a tracker, a rank, a .env file: settings, though no parameters of training."""
    system = project.vocabulary.systems.get(use.call.system)
    if use.call.name.endswith("load_dotenv") or (system is not None and system.kind == "tracking"):
        return True
    name = constant(use.call, "0", "key")
    return isinstance(name, str) and bool(_NO_PARAMETER.match(name))


_PLACE_OPTION = re.compile(
    r"path|dir|folder|file|input|output|data|url|uri|host|port|bucket|artifact|name|dest|root|help|verbose",
    re.IGNORECASE,
)


def _paths_only(project: Project) -> bool:
    """Whether each option of the command line that training reads says where something lies."""
    names = [
        text
        for use in project.calls(".add_argument", reached="training")
        for arg in use.call.args
        if arg.name.isdigit()
        for text in strings(arg.value)
        if text.startswith("--") or re.match(r"^\w+$", text)
    ]
    return bool(names) and all(_PLACE_OPTION.search(name) for name in names)


def _decorates_training(project: Project, use: Use) -> bool:
    """`@hydra.main` or `@click.command` on a function that trains: the call belongs to the module, the function is reached."""
    if "decorator" not in use.call.context:
        return False
    return any(path == use.file.path and number for path, number in project.training_nodes)


def _reads_config(project: Project) -> Site | None:
    """`yaml.safe_load(open("params.yaml"))` and the like on the training path."""
    readers = (
        "yaml.safe_load",
        "yaml.load",
        "yaml.full_load",
        "tomllib.load",
        "toml.load",
        "json.load",
        "configparser.ConfigParser.read",
        "ConfigParser.read",
    )
    for use in project.calls(*readers, reached="training"):
        python = use.file.python
        assert python is not None
        named = [t.value for t in python.texts if _CONFIG_FILE.search(t.value)]
        if use.call.name.startswith(("yaml", "toml", "configparser", "ConfigParser")) or any(
            "config" in n or "param" in n for n in named
        ):
            credit = 1.0 if use.file.facts.notebook is None else 0.5
            return Site(credit, f"{use.call.name} reads the configuration", use.where, key=use.call.name)
    return None


def _settings_module(project: Project) -> Site | None:
    """A config.py of constants that training imports: apart from the code, though not from the repository."""
    for file in project.code_files:
        assert file.python is not None
        if (
            re.search(r"(^|/)(config|settings|params|constants|conf|hparams|cfg)\.py$", file.path)
            and (file.path, 0) in project.training_nodes
        ):
            fields = any(scope.kind == "class" for scope in file.python.scopes)
            return Site(
                0.6 if fields or file.python.assigns else 0.4,
                f"training imports {file.path}",
                file.at(1),
                key=file.path,
            )
    return None


def places_apart(project: Project) -> Verdict:
    """DES011: paths and addresses that training uses come from outside of the code. Credit: the share that does."""
    calls = [use for use in _placed_calls(project) if argument(use.call, *_PLACE_ARGUMENTS) is not None]
    for file, stage in project.stages:
        if stage.tool == "dvc" and stage.deps and stage.outs and file.name == "dvc.yaml":
            said = f"stage {stage.name} of {file.path} names what goes in and out"
            return met(Site(1.0, said, file.at(stage.line), key="dvc.yaml"))
    if not calls:
        return not_applicable("training reads and writes nothing by a path")
    fixed = [use for use in calls if _is_fixed(use)]
    if not _takes_settings(project):
        where = fixed[0].where if fixed else None
        return missing("nothing from outside says where data and models lie", where)
    if not fixed:
        said = f"all {len(calls)} paths of training come from outside"
        return met(Site(1.0, said, calls[0].where, key="outside"))
    text = literal_path(fixed[0].call) or "a path"
    said = f"{text} is written in the code ({len(fixed)} of {len(calls)} paths are)"
    return met(Site(1.0 - len(fixed) / len(calls), said, fixed[0].where, key=text))


_PLACE_ARGUMENTS = ("0", "path", "filepath_or_buffer", "path_or_buf", "filename", "file", "fname", "f")


def _placed_calls(project: Project) -> Iterator[Use]:
    seen = set()
    for use in project.uses(
        "read-data",
        "write-data",
        "save-model",
        "load-model",
        "open-file",
        "database",
        reached="training",
        notebooks=False,
    ):
        if use.node not in seen or literal_path(use.call):
            seen.add(use.node)
            yield use


def _is_fixed(use: Use) -> bool:
    """Whether the path begins with a literal, at the call or in the name that it is given."""
    if literal_path(use.call) and not literal_path(use.call).startswith("{"):
        return True
    value = argument(use.call, *_PLACE_ARGUMENTS)
    python = use.file.python
    assert python is not None
    if value is None or value.kind != "name":
        return False
    return any(
        row.name == value.text and row.scope in (0, use.call.scope) and isinstance(row.value.scalar, str)
        for row in python.assigns
    )


def _takes_settings(project: Project) -> bool:
    if any(stage.params or stage.deps for _, stage in project.stages if stage.tool == "dvc"):
        return True
    if next(project.uses("configure", "parse-args", "read-environment", reached="training", notebooks=False), None):
        return True
    if any(_decorates_training(project, use) for use in project.uses("configure", "parse-args")):
        return True
    return _reads_config(project) is not None or _settings_module(project) is not None


_NEVER = frozenset(
    ("random_state", "seed", "n_jobs", "verbose", "verbosity", "num_workers", "n_splits", "cv", "device", "gpus", "axis", "nthread",
     "n_threads", "workers", "thread_count", "silent", "pin_memory", "shuffle", "copy", "cache_size", "log_every_n_steps", "accelerator",
     "devices", "precision", "early_stopping_rounds_verbose", "refit", "return_train_score", "warm_start", "fit_intercept")
)  # fmt: skip
_SPLIT_ARGUMENTS = ("test_size", "train_size", "validation_split", "val_size")
_LOOP_ARGUMENTS = (
    "epochs",
    "batch_size",
    "num_epochs",
    "max_epochs",
    "num_train_epochs",
    "num_boost_round",
    "per_device_train_batch_size",
    "max_steps",
    "early_stopping_rounds",
    "patience",
)
_OPTIMIZER_ARGUMENTS = ("lr", "learning_rate", "weight_decay", "momentum", "betas", "eps", "alpha")
_CHOSEN = ("classifier", "regressor", "optimizer", "tuner")


def hyperparameters_not_hardcoded(project: Project) -> Verdict:
    """DES006: hyperparameters on the training path are no number literals at the call. The unit is the call."""
    broken, units = [], 0
    for use in _hyper_calls(project):
        judged = _hyper_site(project, use)
        if judged is None:
            continue
        units += 1
        if judged.credit < 1:
            broken.append(judged)
    broken += [site for file in project.work_files for site in _shadowing(project, file)]
    return hazard(broken, units=max(units, len(broken)))


def _hyper_calls(project: Project) -> Iterator[Use]:
    """Calls that take hyperparameters: makers of estimators and optimizers, splits, training loops."""
    traits = project.vocabulary.traits
    trained = project.has("train", "fit", "tune", "fine-tune", reached="training", notebooks=False)
    for file in project.code_files if trained else project.work_files:
        for call in file.python.calls if file.python else ():
            if not call.args or not project.reaches((file.path, call.scope), "training"):
                continue
            if {"split", "train", "fine-tune"} & set(call.activities) or set(traits(call.name)) & set(_CHOSEN):
                yield Use(file, call)


def _hyper_site(project: Project, use: Use) -> Site | None:
    names = _hyper_names(use.call)
    if not names:
        return None
    literal = [(name, value) for name, value in names if _is_number(value)]
    if not literal:
        constants = [name for name, value in names if value.kind == "name" and _is_module_constant(use, value.text)]
        if constants and len(constants) == len(names):
            return Site(
                0.5,
                f"{use.call.name} takes {constants[0]} from a constant in the same file",
                use.where,
                key=f"{use.call.name} constant",
            )
        return Site(1.0, "", use.where)
    shown = ", ".join(f"{name}={_number(value)}" for name, value in literal[:3])
    return Site(
        0.0,
        f"{use.call.name.rpartition('.')[2]}({shown}) is written at the call",
        use.where,
        key=f"{use.call.name} {literal[0][0]}",
    )


def _hyper_names(call: Call) -> list[tuple[str, Value]]:
    allowed: tuple[str, ...] | None = None
    if "split" in call.activities:
        allowed = _SPLIT_ARGUMENTS
    elif call.name.rpartition(".")[2] in ("fit", "train", "fit_generator"):
        allowed = (*_LOOP_ARGUMENTS, *_OPTIMIZER_ARGUMENTS)
    found = []
    for arg in call.args:
        if arg.name in _NEVER or arg.name.isdigit() or arg.name.startswith("*"):
            continue
        if allowed is not None and arg.name not in allowed:
            continue
        if arg.value.kind in ("const", "name", "item", "call", "expr") and not isinstance(arg.value.scalar, str | bool):
            found.append((arg.name, arg.value))
    return found


def _is_number(value: Value) -> bool:
    return value.kind == "const" and isinstance(value.scalar, int | float) and not isinstance(value.scalar, bool)


def _number(value: Value) -> str:
    return f"{value.scalar:g}" if isinstance(value.scalar, float) else str(value.scalar)


def _is_module_constant(use: Use, name: str) -> bool:
    python = use.file.python
    assert python is not None
    return any(row.name == name and row.scope == 0 and row.value.kind == "const" for row in python.assigns)


def _shadowing(project: Project, file: ProjectFile) -> Iterator[Site]:
    """A key of a configuration file that nothing reads, while the code writes another value for it."""
    if file.facts.notebook is not None or file.python is None:
        return
    keys = _config_numbers(project)
    if not keys or _config_is_read(project):
        return
    for call in file.python.calls:
        if not project.reaches((file.path, call.scope), "training"):
            continue
        for arg in call.args:
            known = keys.get(arg.name)
            if known is not None and _is_number(arg.value) and arg.value.scalar != known[1]:
                said = f"{known[0]} says {arg.name} {known[1]}, nothing reads it, and {call.name.rpartition('.')[2]} has {_number(arg.value)}"
                yield Site(0.0, said, file.at(call.line), key=f"shadow {arg.name}")


def _config_numbers(project: Project) -> dict[str, tuple[str, object]]:
    """Hyperparameters in configuration files: name -> (file, value)."""
    found: dict[str, tuple[str, object]] = {}
    wanted = {*_LOOP_ARGUMENTS, *_OPTIMIZER_ARGUMENTS, *_SPLIT_ARGUMENTS, "n_estimators", "max_depth", "C", "gamma"}
    for file in project.files:
        if (
            file.role == "config"
            and re.search(r"config|param|train|settings|hyper", file.path, re.IGNORECASE)
            and file.path.endswith((".yaml", ".yml", ".toml", ".json"))
        ):
            for row in file.facts.settings:
                last = row.key.rpartition(".")[2]
                if last in wanted and isinstance(row.value, int | float) and not isinstance(row.value, bool):
                    found[last] = (file.path, row.value)
    return found


def _config_is_read(project: Project) -> bool:
    return project.has("configure") or any(
        call.name.startswith(("yaml.", "toml", "json.load", "configparser"))
        for file in project.code_files
        for call in (file.python.calls if file.python else ())
    )


# ------------------------------------------------------------------------------------------------------ DES007, DES008

_USER_PATH = re.compile(
    r"^(/home/[^/]+|/Users/[^/]+|/root(/|$)|[A-Za-z]:[\\/]+|/content/(drive|gdrive)|/content/[\w.-]+|/kaggle/(input|working)|~/|/export/home/|/gdrive/|/data\d*/[^/]+/|/scratch/|\\\\)"
)
_FINE_PATH = re.compile(
    r"^(/dev/|/usr/|/bin/|/etc/|/opt/|/mnt|/dbfs|/tmp|/var/|/proc/|/sys/|/app(/|$)|/workspace|/srv/|~/\.cache|~/\.aws|~/\.ssh|~/\.config|~/\.kaggle)"
)
_NO_PATH_USE = re.compile(
    r"^(env-default|help|docstring|regex|compare|re\..*)$|\.(get|post|put|delete|patch|route|websocket|mount|add_url_rule|include_router|api_route)$"
)
"""Uses of a text that make it no path: defaults of the environment, help, patterns, routes."""


def no_absolute_paths(project: Project) -> Verdict:
    """DES007: no path of one person's machine or one platform's notebook in code. The unit is the file."""
    broken = []
    for file in project.work_files:
        found = [
            text
            for text in (file.python.texts if file.python else ())
            if _is_personal(text.kind, text.value) and not _NO_PATH_USE.search(text.use)
        ]
        if found:
            more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
            broken.append(
                Site(
                    0.0,
                    f"path {found[0].value[:60]} is of one machine{more}",
                    file.at(found[0].line),
                    key="absolute path",
                )
            )
    return hazard(broken, units=len(project.work_files))


def _is_personal(kind: str, value: str) -> bool:
    return kind in ("path", "absolute-path") and bool(_USER_PATH.match(value)) and not _FINE_PATH.match(value)


def no_secrets(project: Project) -> Verdict:
    """DES008: no credentials in code, notebooks, configuration or CI, and no .env in git. Values are never shown."""
    findings = project.external.get("secrets", project.external.get("detect-secrets"))
    if findings is None:
        return unknown("the secrets scanner did not run")
    if isinstance(findings, str):
        return unknown(findings)
    aside = {"test", "docs", "example", "vendored", "generated"}
    broken = []
    for finding in findings:
        file = project.by_path.get(finding.path)
        if file is None:
            continue
        certain = finding.certain and file.role not in aside
        if not finding.certain and file.role in aside:
            continue
        broken.append(Site(0.0, finding.message, _place(finding), key=finding.code, certain=certain))
    return hazard(_ordered(broken), units=max(1, len(broken), len(project.work_files)))


def _ordered(sites: Sequence[Site]) -> list[Site]:
    return sorted(sites, key=lambda site: not site.certain)


# -------------------------------------------------------------------------------------------------------------- DES009

_INSTALLS = re.compile(
    r"\b(pip3?|uv|poetry|conda|mamba|pdm|pipenv|pixi|make (setup|install|env|init|venv)|docker( |-)(build|compose)|hatch|just (setup|install))\b",
    re.IGNORECASE,
)


def readme_runs(project: Project) -> Verdict:
    """DES009: the README says how to install, train and serve or predict, with commands that exist."""
    readmes = [
        (f, d)
        for f, d in project.documents
        if re.match(r"readme", f.name, re.IGNORECASE) and f.role not in ("vendored", "test", "example")
    ]
    if not readmes:
        return missing("there is no README")
    readmes.sort(key=lambda pair: pair[0].path.count("/"))
    file, document = readmes[0]
    commands = [c for c in project.commands if c.origin == "document" and c.where.path == file.path]
    wrong = [c for c in commands if _names_missing(project, c)]
    if wrong:
        text = wrong[0].text[:60]
        return met(Site(0.25, f"the README's command does not exist: {text}", wrong[0].where, key=text))
    installs = any(_INSTALLS.search(command.text) for command in commands)
    runs = any(_starts_something(project, command) for command in commands)
    credit = {2: 1.0, 1: 0.6, 0: 0.0}[int(installs) + int(runs)]
    if not commands:
        said = "the README shows no command" if document.words else "the README is empty"
        return met(Site(0.0, said, file.at(1), key="no command"))
    lacks = [word for word, there in (("install", installs), ("run", runs)) if not there]
    said = "says how to install and run" if not lacks else f"does not say how to {' or '.join(lacks)}"
    return met(Site(credit, f"{file.path} {said}", file.at(1), key="readme"))


def _names_missing(project: Project, command: Command) -> bool:
    """Whether a README command starts a script or a make target that is not there."""
    words = command.words
    if not words:
        return False
    tool = words[0].rpartition("/")[2]
    if tool.startswith("python") and len(words) > 1 and re.match(r"^[\w./-]+\.py$", words[1]):
        return not _file_exists(project, words[1])
    if tool == "make" and len(words) > 1 and re.match(r"^[\w-]+$", words[1]):
        makefiles = [task for _, task in project.tasks if task.tool == "make"]
        return bool(makefiles) and words[1] not in {task.name for task in makefiles}
    return False


def _file_exists(project: Project, name: str) -> bool:
    plain = name.removeprefix("./").lstrip("/")
    return any(
        path == plain or path.endswith("/" + plain) or path.rpartition("/")[2] == plain.rpartition("/")[2]
        for path in project.by_path
    )


def _starts_something(project: Project, command: Command) -> bool:
    if next(started_files(project, command), None) is not None:
        return True
    return bool(
        re.search(
            r"\b(make (run|train|serve|api|all|predict|demo|pipeline)|dvc repro|mlflow run|kedro run|docker(-compose| compose)? (up|run)|uvicorn|streamlit|bentoml serve|jupyter|just (train|run|serve)|kubectl apply|terraform apply|zenml|prefect|airflow)\b",
            command.text,
        )
    ) or any(task.name in command.words for _, task in project.tasks if task.tool == "console")
