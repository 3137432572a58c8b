"""Checks of factor 3: hyperparameters are no literals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Call, Value
from mlready.findings import Site, Verdict, hazard
from mlready.project.project import Project, ProjectFile, Use

_NEVER = frozenset(
    ("random_state", "seed", "n_jobs", "verbose", "verbosity", "num_workers", "n_splits", "cv", "device", "gpus", "axis", "nthread",
     "n_threads", "workers", "thread_count", "silent", "pin_memory", "shuffle", "copy", "cache_size", "log_every_n_steps", "accelerator",
     "devices", "precision", "early_stopping_rounds_verbose", "refit", "return_train_score", "warm_start", "fit_intercept",
     "max_evals", "n_iter", "n_trials")
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


_MEASURES = re.compile(
    r"(^|_)(bench(mark(s|ing)?)?|time(it|_test)|timing|profil(e|er|ing)|speed(_?test)?)(_|\.)", re.IGNORECASE
)
"""Scripts that measure how fast something is: what they step trains nothing."""


def _hyper_calls(project: Project) -> Iterator[Use]:
    """Calls that take hyperparameters: makers of estimators and optimizers, splits, training loops."""
    traits = project.vocabulary.traits
    trained = project.has("train", "fit", "tune", "fine-tune", reached="training", notebooks=False)
    for file in project.code_files if trained else project.work_files:
        if _MEASURES.search(file.name):
            continue
        for call in file.calls:
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
    bound = {row.name for row in python.assigns if row.scope == use.call.scope}
    bound |= {param.name for param in use.scope.params}
    if use.call.scope and name in bound:
        return False  # A name of the function's own.
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
        for call in file.calls
    )
