"""Checks of factor 10: models are evaluated apart, alike, and beside others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlready.facts.rows import Call, PythonFacts
from mlready.findings import Site, Verdict, met, met_best, unknown
from mlready.project.graph import Node
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import (
    NO_TRAINING,
    argument,
    constant,
    literal_path,
    missing_in_code,
    nothing_judged,
    nothing_trains,
    strings,
    written_metrics,
)

_EVALUATES = re.compile(
    r"(^|[_./])(eval(uate|uation|uator)?|validate|validation|test|score|metrics?|assess|benchmark|infer(ence)?)([_./]|$)",
    re.IGNORECASE,
)


_FITS = {*TRAIN_ACTIVITIES, "fit"}


def _metric_uses(project: Project) -> list[Use]:
    return list(project.uses("evaluate"))


def evaluation_separate(project: Project) -> Verdict:
    """CMP001: evaluation is a function or stage of its own, which every model goes through."""
    for file, stage in project.stages:
        if _EVALUATES.search(stage.name):
            return met(Site(1.0, f"stage {stage.name} evaluates", file.at(stage.line), key=stage.name))
    for command in project.commands:
        if command.origin in ("pipeline", "task", "ci") and re.search(r"\beval(uate|uation)?(\.py)?\b", command.text):
            return met(Site(1.0, f"runs {command.text[:60]}", command.where, key="command"))
    sites = [*evaluating_functions(project), *_measuring_functions(project)]
    sites += _mixed_measures(project) if not sites else []
    if sites:
        return met_best(sites, 3)
    if nothing_trains(project):
        return unknown(NO_TRAINING)
    if not evaluates(project) and not _speaks_of_measures(project):
        return missing_in_code(project, "nothing evaluates the model that is trained")
    return missing_in_code(project, "evaluation is mixed into training: another model cannot go through it")


_MEASURES = re.compile(
    r"(^|[_.])(eval\w*|valid(ation|ate)?|scores?|acc(uracy)?|errors?|metrics?|rmse|mse|mae|test_loss)(_|$)", re.I
)


def _speaks_of_measures(project: Project) -> bool:
    """Whether a name in the code speaks of an evaluation that no known call makes."""
    for file in project.work_files:
        assert file.python is not None
        names = [scope.name for scope in file.python.scopes] + [row.name for row in file.python.assigns]
        names += [target for call in file.calls for target in call.targets]
        if any(_MEASURES.search(name) for name in names):
            return True
    return False


_CONSTRUCTS = ("__init__", "setup", "configure", "setUp", "build", "objective")
"""Functions that make what measures later, or judge a trial of a search."""


def _measuring_functions(project: Project) -> Iterator[Site]:
    """Functions that compute a metric and train nothing."""
    for use in _metric_uses(project):
        scope = use.scope
        aside = use.file.facts.notebook is not None or not use.call.scope or scope.kind == "class"
        if aside or scope.name.rpartition(".")[2] in _CONSTRUCTS or _fits_in(use.file, use.call.scope):
            continue
        if _may_run(project, use.node):
            yield Site(1.0, f"{scope.name} evaluates", use.where, key=scope.name)
            return
        yield Site(0.5, f"{scope.name} evaluates, and no entry point reaches it", use.where, key=scope.name)


def _may_run(project: Project, node: Node) -> bool:
    """Whether an entry point reaches it, or no start of training is known that could fail to."""
    return project.reaches(node, "any") or not project.training_entries


def _mixed_measures(project: Project) -> list[Site]:
    """The first measure outside any function that evaluates, in a file that trains where there is one."""
    uses = sorted(_metric_uses(project), key=lambda use: not _fits(use.file))
    for use in uses:
        credit = 0.25 if use.file.facts.notebook is not None else 0.5
        place = "in the middle of what trains" if _fits(use.file) else "outside of any function that evaluates"
        return [Site(credit, f"{use.call.name.rpartition('.')[2]} measures, {place}", use.where, key=use.call.name)]
    return []


_NAMED = re.compile(
    r"^_?((eval(uate|uation|uator)?|validate|validation_(epoch|step)|compute_metrics|score_model|assess|estimate_loss)(_\w+)?|"
    r"test(_(step|model|net|epoch|loop))?)$"
)
_EVALUATE = re.compile(
    r"^(\w+\.)?_?(eval(uate)?(_(model|net|network|epoch|loop|step|fn))?|estimate_loss|(test|validation)_step)$"
)
_TAKES_MODEL = re.compile(
    r"^(model|net|network|classifier|clf|estimator|val_?set|(val|test|valid|eval)\w*_?(loader|dl|iter)|(data_?)?loader|criterion)$"
)
_JUDGING_FILE = re.compile(r"(^|/)((\w+_)?eval(uate|uation)?|test|validate|test_model)\.py$")
_MEASURING_FILE = re.compile(r"(^|/)(compute|calc(ulate)?|measure)_(\w+_)?(metrics|scores?|accuracy|errors?)\.py$")
"""A script that measures predictions which another one wrote."""


def evaluating_functions(project: Project, *, unreached: bool = True) -> Iterator[Site]:
    """Functions and scripts of the project's own that judge a model, whatever they compute it with."""
    for file in project.work_files:
        assert file.python is not None
        notebook = file.facts.notebook is not None
        for number, scope in enumerate(file.python.scopes):
            if scope.kind != "function" or scope.trivial or not _NAMED.match(scope.name.rpartition(".")[2]):
                continue
            if not _computes_metric(project, file, number) or _fits_in(file, number):
                continue
            if notebook:
                yield Site(0.5, f"{scope.name} evaluates, in a notebook", file.at(scope.line), key=scope.name)
            elif _may_run(project, (file.path, number)):
                yield Site(1.0, f"{scope.name} evaluates", file.at(scope.line), key=scope.name)
            elif unreached:
                words = f"{scope.name} evaluates, and no entry point reaches it"
                yield Site(0.5, words, file.at(scope.line), key=scope.name)
    for file in project.python_files:
        if (
            file.role in ("source", "script", "test")
            and _JUDGING_FILE.search(file.path)
            and _judges(file, "load-model")
        ):
            yield Site(1.0, f"{file.path} evaluates a model that it loads", file.at(0), key=file.path)
        elif file.role in ("source", "script") and _MEASURING_FILE.search(file.path) and _judges(file):
            yield Site(1.0, f"{file.path} measures what was predicted", file.at(0), key=file.path)


def _judges(file: ProjectFile, *activities: str) -> bool:
    """Whether a file starts on its own, does what is asked and trains nothing."""
    python = file.python
    if python is None or not (python.main_guard or python.scopes[0].statements):
        return False
    meant = {activity for call in python.calls for activity in call.activities}
    return meant.issuperset(activities) and not _FITS & meant


def _computes_metric(project: Project, file: ProjectFile, number: int) -> bool:
    """Whether a metric is computed in what the function reaches; `evaluate(model, loader)` may compute its own."""
    assert file.python is not None
    scope = file.python.scopes[number]
    if _EVALUATE.match(scope.name) or any(_TAKES_MODEL.match(param.name) for param in scope.params):
        return True
    measuring = project.nodes("evaluate", "track-metrics")
    return not measuring.isdisjoint(project.graph.reach([(file.path, number)]))


def evaluates(project: Project) -> bool:
    """Whether a model is judged where anything runs: by a metric, a tracker, a function of its own, or validation data of a fit."""
    if project.has("evaluate", "track-metrics", reached="any"):
        return True
    if next(evaluating_functions(project, unreached=False), None) is not None:
        return True
    wanted = ("validation_data", "validation_split", "eval_set", "eval_dataset", "val_dataloaders", "valid_sets")
    return any(argument(use.call, *wanted) is not None for use in project.uses(*_FITS))


def _fits(file: ProjectFile) -> bool:
    return any(_FITS & set(call.activities) for call in file.calls)


def _fits_in(file: ProjectFile, number: int) -> bool:
    assert file.python is not None
    return any(call.scope == number and _FITS & set(call.activities) for call in file.python.calls)


_METRIC_FILE = re.compile(
    r"(metrics?|scores?|results?|evaluation|report|performance)[^/]*\.(json|ya?ml|csv|tsv|parquet|jsonl|xlsx)$",
    re.IGNORECASE,
)
_SURELY = re.compile(r"metrics?|eval|scores?", re.IGNORECASE)
_SQL_METRICS = re.compile(
    r"\b(insert\s+into|update)\b.*(accuracy|metric|f1|precision|recall|rmse|\bauc\b)", re.I | re.DOTALL
)


def metrics_machine_readable(project: Project) -> Verdict:
    """CMP002: metrics go to a tracker or to a metrics file."""
    for use in sorted(project.uses("track-metrics", "autolog"), key=lambda use: use.file.facts.notebook is not None):
        return met(
            Site(
                1.0 if use.file.facts.notebook is None else 0.5,
                f"{use.call.name} keeps metrics",
                use.where,
                key=use.call.name,
            )
        )
    for file, stage in project.stages:
        if stage.metrics:
            return met(Site(1.0, f"stage {stage.name} writes {stage.metrics[0]}", file.at(stage.line), key=stage.name))
    for use in project.uses("write-data", "serialize", "open-file"):
        path = literal_path(use.call) or next((t for a in use.call.args for t in strings(a.value)), "")
        if _METRIC_FILE.search(path) and _is_of_metrics(path, use.file):
            return met(Site(1.0 if use.file.facts.notebook is None else 0.5, f"writes {path}", use.where, key=path))
    for file in project.code_files:
        for text in file.python.texts if file.python else ():
            reached = project.reaches((file.path, text.scope), "any")
            if reached and text.kind == "sql" and _SQL_METRICS.search(text.value):
                return met(Site(1.0, "metrics are written to a database", file.at(text.line), key="sql"))
            if not reached or "read" in text.use or "load" in text.use or "input" in text.value:
                continue
            if _METRIC_FILE.search(text.value) and _is_of_metrics(text.value, file):
                return met(Site(1.0, f"writes {text.value}", file.at(text.line), key=text.value))
    written = next(written_metrics(project), None)
    if written is not None:
        return met(Site(1.0, f"{written.call.name} writes metrics to a file", written.where, key=written.call.name))
    if nothing_judged(project):
        return unknown(NO_TRAINING)
    if not evaluates(project) and not _speaks_of_measures(project):
        return missing_in_code(project, "no metric of the model is computed that could be kept")
    return missing_in_code(project, "metrics are printed or lost: no tracker and no metrics file has them")


def _is_of_metrics(path: str, file: ProjectFile) -> bool:
    """Whether a report or a result is one of a model: it says so, or its file judges or trains one."""
    if _SURELY.search(path.replace("\\", "/").rpartition("/")[2]):
        return True
    meant = {activity for call in file.calls for activity in call.activities}
    return bool({"evaluate", "predict", "fit", *TRAIN_ACTIVITIES} & meant)


def evaluation_data_fixed(project: Project) -> Verdict:
    """CMP003: the test part is the same for every model: seeded, by key, by date, or a file."""
    if project.has(*_FITS) and not evaluates(project):
        return missing_in_code(
            project, "nothing is evaluated: a part that is set aside and never scored compares nothing"
        )
    splits = list(project.uses("split"))
    sites = [*(_split_site(project, use) for use in splits), *_splits_by_hash(project)]
    sites += list(_test_files(project))
    if not sites:
        return unknown(
            NO_TRAINING if nothing_trains(project) else "how the data for evaluation is chosen cannot be told"
        )
    return met_best(sites, 3)


def _split_site(project: Project, use: Use) -> Site:
    from mlready.rules.checks.randomness import random_without_seed

    name = use.call.name
    if random_without_seed(project, use):
        return Site(0.0, f"{name} cuts the data anew in each run", use.where, key=name)
    return Site(1.0, f"{name} cuts the data the same way each time", use.where, key=name)


_HASHES = re.compile(
    r"(^|[._])(hash_pandas_object|hash_array|crc32|adler32|md5|sha1|sha256|farm_fingerprint|xxh(32|64))$"
)


def _splits_by_hash(project: Project) -> Iterator[Site]:
    """A function that splits rows by a hash of their key or content: each row stays in its part."""
    for file in project.work_files:
        for call in file.calls:
            use = Use(file, call)
            if _HASHES.search(call.name) and re.search(r"split|test_set|holdout", use.scope.name, re.IGNORECASE):
                said = f"{use.scope.name} splits by a hash ({call.name}): a row stays in its part"
                yield Site(1.0, said, use.where, key=call.name)


_TEST_PATH = re.compile(r"(^|[/_\-.])(test|valid(ation)?|eval(uation)?|holdout|hold_out|dev)([/_\-.]|$)", re.IGNORECASE)


def _test_files(project: Project) -> Iterator[Site]:
    for use in project.uses("read-data", "read-bundled-data"):
        path = literal_path(use.call)
        said = next((t for a in use.call.args for t in strings(a.value) if _TEST_PATH.search(t)), "")
        if path and _TEST_PATH.search(path):
            yield Site(1.0, f"reads {path}", use.where, key=path)
        elif said or constant(use.call, "split") in ("test", "validation"):
            yield Site(1.0, f"{use.call.name} reads a test part", use.where, key=use.call.name)
        elif argument(use.call, "train") is not None and constant(use.call, "train") is False:
            yield Site(1.0, f"{use.call.name} reads the test part of a known set", use.where, key=use.call.name)
    yield from _named_parts(project)
    tracked = {file.path for file in project.files if file.tracked}
    for use in project.calls(".add_argument", "click.option", "typer.Option", reached="training"):
        value = argument(use.call, "default", "0")
        text = value.scalar if value is not None else None
        if isinstance(text, str) and text.removeprefix("./") in tracked and _TEST_PATH.search(text):
            yield Site(1.0, f"the list {text} is what it evaluates on", use.where, key=text)
    for file, stage in project.stages:
        for path in (*stage.deps, *stage.outs):
            if _TEST_PATH.search(path) and not path.endswith(".py"):
                yield Site(1.0, f"stage {stage.name} keeps {path}", file.at(stage.line), key=path)


_PARTS = frozenset(("test", "val", "valid", "validation", "dev", "testing"))
_PART_ARGUMENTS = ("split", "image_set", "mode", "phase", "subset", "partition", "stage", "set_name", "fold")
_SWITCHES = ("training", "train", "is_train", "is_training")


def _named_parts(project: Project) -> Iterator[Site]:
    """Calls of own data sets that ask for the test part, and lists of test files in the tree."""
    for file in project.work_files:
        for call in file.calls:
            if "ataset" not in call.name and "oader" not in call.name and "data" not in call.name.lower():
                continue
            part = constant(call, *_PART_ARGUMENTS)
            if (isinstance(part, str) and part in _PARTS) or constant(call, *_SWITCHES) is False:
                yield Site(1.0, f"{call.name} reads a part of its own for tests", file.at(call.line), key=call.name)
                return
    tracked = {
        file.path for file in project.files if file.tracked and file.path.endswith((".txt", ".csv", ".json", ".tsv"))
    }
    for file in project.code_files:
        for text in file.python.texts if file.python else ():
            path = text.value.removeprefix("./")
            if path in tracked and _TEST_PATH.search(path):
                yield Site(1.0, f"the list {path} is what it evaluates on", file.at(text.line), key=path)
                return


_BASELINE = re.compile(
    r"(^|[_.])(baseline|champion|incumbent|majority|production_model|current_model|previous_model)([_.]|$)",
    re.IGNORECASE,
)
_CHOOSES = frozenset(("max", "min", "sorted", "numpy.argmax", "numpy.argmin"))


_SELECTS = re.compile(r"\.(idxmax|idxmin|nlargest|nsmallest|sort_values|search_runs)$|best_(estimator|model|run|trial)")


_DIFFS = re.compile(r"dvc (metrics|params|exp) (diff|show)|\bcml\b|mlflow.*compare")


def baseline_compared(project: Project) -> Verdict:
    """CMP004: something simple, other candidates, or what is in production is evaluated beside the model."""
    sites = [
        *_dummies(project),
        *_named_baselines(project),
        *_own_baselines(project),
        *_candidates(project),
        *_diffs(project),
    ]
    sites += _best_of_runs(project)
    sites += _compared_in_tests(project)
    if not sites and nothing_judged(project):
        return unknown(NO_TRAINING)
    if not sites:
        return missing_in_code(project, "no baseline is evaluated: nothing says whether the model is worth having")
    return met_best(sites, 3)


def _dummies(project: Project) -> Iterator[Site]:
    for use in project.uses("compare-baseline"):
        reached = use.file.facts.notebook is None and project.reaches(use.node, "any")
        yield Site(1.0 if reached else 0.5, f"{use.call.name} is the baseline", use.where, key=use.call.name)


def _named_baselines(project: Project) -> Iterator[Site]:
    """A baseline by name, whose prediction or metric is computed."""
    for file in project.work_files:
        assert file.python is not None
        scored = {call.scope for call in file.python.calls if "evaluate" in call.activities}
        for call in file.python.calls:
            names = " ".join((*call.targets, call.receiver))
            used = {"evaluate", "predict", "load-model"} & set(call.activities)
            reached = project.reaches((file.path, call.scope), "any")
            if _BASELINE.search(names) and used and call.scope in scored and reached:
                credit = 0.5 if file.facts.notebook is not None else 1.0
                yield Site(credit, f"{names.strip()} is evaluated too", file.at(call.line), key=names)


_BASELINE_CLASS = re.compile(r"Baseline(s|Model|Net|Predictor|Forecaster)?$|^Naive(Model|Forecast\w*|Predictor)$")
_BASELINE_FUNCTION = re.compile(
    r"(^|\.)_?(run|train|fit|eval(uate)?|predict|score|compute|compare)_(\w+_)?(baselines?|naive|persistence|majority)(_\w+)?$"
)
_BASELINE_FILE = re.compile(r"(^|[/_-])baselines?([_-]\w+)?\.py$")


def _own_baselines(project: Project) -> Iterator[Site]:
    """A class, a function or a script of the project that its name calls a baseline of the model."""
    works = {"evaluate", "predict", "load-model", *_FITS}
    if project.imports_trait("learns-by-acting"):
        return  # There a baseline is a part of the algorithm.
    for file in project.code_files:
        assert file.python is not None
        if re.search(r"drift|monitor", file.path, re.IGNORECASE):
            continue
        judged = any(works & set(call.activities) for call in file.calls)
        for number, scope in enumerate(file.python.scopes):
            name = scope.name.rpartition(".")[2]
            of_class = scope.kind == "class" and _BASELINE_CLASS.search(name)
            of_function = scope.kind == "function" and judged and _BASELINE_FUNCTION.search(scope.name)
            of_file = not number and judged and _BASELINE_FILE.search(file.path)
            if (of_class or of_function or of_file) and project.reaches((file.path, number), "any"):
                yield Site(1.0, f"{name or file.path} is a baseline", file.at(scope.line), key=name or file.path)


def _candidates(project: Project) -> Iterator[Site]:
    """Several models scored in the same way; chosen by code for full credit."""
    traits = project.vocabulary.traits
    for file in project.work_files:
        assert file.python is not None
        calls = file.python.calls
        scored = [call for call in calls if "evaluate" in call.activities]
        searched = [call for call in calls if "tune" in call.activities]
        made = [call for call in calls if {"classifier", "regressor"} & set(traits(call.name))]
        alternatives = _alternatives(file.python, made)
        makers = {call.name for call in made} - (set() if searched else alternatives)
        helped = [call for call in calls if "loop" in call.context and _is_measure(project, file, call)]
        if helped and len(makers) < 2:
            makers |= _imported_models(project, file)
        scored += helped
        in_loop = any("loop" in call.context for call in scored)
        own = {call.name for call in calls} & makers
        beside = {call.name for call in calls if call.name in makers and "loop" not in call.context}
        once = sum("loop" not in call.context for call in scored)
        several = len(makers) >= 2 and ((in_loop and len(own - beside) < 2) or once >= 2)
        if not several and not searched:
            continue
        place = file.at((scored or searched)[0].line)
        chosen = _chooses(calls, in_loop=in_loop) or (searched and len(alternatives) > 1)
        if several and file.facts.notebook is None and chosen:
            yield Site(
                1.0, f"{len(makers)} candidates are scored, and the best is chosen by code", place, key="candidates"
            )
        elif several:
            yield Site(0.5, f"{len(makers)} candidates are scored, and compared by eye", place, key="candidates")
        else:
            yield Site(0.25, "a search compares settings of one model", place, key="search")


def _alternatives(python: PythonFacts, made: list[Call]) -> set[str]:
    """Models of which a condition makes one: they are not scored beside each other, unless a loop makes one after the other."""
    looped = {call.name.rpartition(".")[2] for call in python.calls if "loop" in call.context}
    return {
        call.name
        for call in made
        if "if" in call.context and "loop" not in call.context and python.scopes[call.scope].name not in looped
    }


_METRIC_OF_RUNS = re.compile(r"^-?`?(summary_)?metrics[.`]")


def _best_of_runs(project: Project) -> Iterator[Site]:
    """Runs that a tracker puts in the order of a metric: of several models, or of settings of one."""
    for use in project.uses("search-runs", reached="any"):
        order = argument(use.call, "order_by", "order")
        if not any(_METRIC_OF_RUNS.match(text.lstrip("+")) for text in strings(order)):
            continue
        several = len(_models_of(project, use.file) | _imported_models(project, use.file)) > 1
        credit = (1.0 if several else 0.5) * (0.5 if use.file.facts.notebook is not None else 1.0)
        yield Site(credit, f"{use.call.name} puts runs in the order of a metric", use.where, key=use.call.name)


def _imported_models(project: Project, file: ProjectFile) -> set[str]:
    """Models that are made or listed in the modules which a file imports."""
    paths = project.graph.imports.get(file.path, ())
    return {name for path in paths if path in project.by_path for name in _models_of(project, project.by_path[path])}


def _models_of(project: Project, file: ProjectFile) -> set[str]:
    """Classes of models that a file makes, or lists for a loop to make."""
    traits = project.vocabulary.traits
    rows = file.python.assigns if file.python else ()
    listed = (item.text for row in rows for item in (*row.value.items, *row.value.values) if item.kind == "name")
    return {
        name for name in (*(call.name for call in file.calls), *listed) if {"classifier", "regressor"} & traits(name)
    }


def _is_measure(project: Project, file: ProjectFile, call: Call) -> bool:
    """Whether a call is one of a function of the project's own that measures: `evaluate_model(...)`."""
    last = call.name.rpartition(".")[2]
    for path, number in project.graph.edges.get((file.path, call.scope), ()):
        found = project.by_path[path].python
        scope = found.scopes[number] if found else None
        if scope is not None and scope.name == last and not _fits_in(project.by_path[path], number):
            return _computes_metric(project, project.by_path[path], number)
    return False


def _chooses(calls: Sequence[Call], *, in_loop: bool) -> bool:
    return any(
        (in_loop and call.name in _CHOOSES and _of_scores(call))
        or _SELECTS.search(call.name)
        or _SELECTS.search(call.receiver)
        for call in calls
    )


def _of_scores(call: Call) -> bool:
    """Whether what is chosen from are scores or models, and not numbers of another kind."""
    words = " ".join(f"{arg.name} {arg.value.text} " + " ".join(i.text for i in arg.value.items) for arg in call.args)
    return bool(re.search(r"\bkey\b|score|metric|result|acc|auc|f1|rmse|mae|report|perf|eval|model|loss", words))


_OTHER_MODEL = re.compile(
    r"(against|versus|vs|than|with|to)_(an?_|the_)?(other|another|previous|old|published|production|baseline|champion|current)"
)


def _compared_in_tests(project: Project) -> list[Site]:
    """A test that asserts that the model beats, or agrees with, another one."""
    from mlready.rules.checks.assertions import test_functions

    return [
        Site(1.0, f"{scope.name} compares the model with another", file.at(scope.line), key=scope.name)
        for file, _, scope in test_functions(project)
        if scope.asserts and _OTHER_MODEL.search(scope.name.lower()) and re.search(r"model|predict|quality", scope.name)
    ]


def _diffs(project: Project) -> Iterator[Site]:
    for command in project.commands:
        if command.origin == "ci" and _DIFFS.search(command.text):
            yield Site(1.0, f"CI shows the difference: {command.text[:50]}", command.where, key="diff")
