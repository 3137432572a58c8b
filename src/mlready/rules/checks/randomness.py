"""Checks of factor 4: randomness is seeded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlready.facts.rows import Call, Value
from mlready.findings import Site, Verdict, hazard, met, not_applicable, unknown
from mlready.project.entries import MAIN, Entry
from mlready.project.graph import Node
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import argument, constant, spreads_keywords

# -------------------------------------------------------------------------------------------------------------- REP004

_WORKS = frozenset((*TRAIN_ACTIVITIES, "fit", "split", "evaluate"))


@dataclass(frozen=True, slots=True)
class Source:
    """A place where learning draws random numbers: a call, or training with a framework that draws by itself."""

    use: Use
    what: str
    how: str
    seeded: bool | None
    """None where the seed may be among keywords that cannot be told."""


def randomness_seeded(project: Project) -> Verdict:
    """REP004: each source of randomness is seeded, by its own argument or by a global seed in the same process."""
    sources = list(_sources(project))
    broken = [
        Site(0.0, f"{source.what} {source.how}", source.use.where, key=source.what)
        for source in sources
        if source.seeded is False
    ]
    return hazard(broken, units=len(sources))


def seeds_set(project: Project) -> Verdict:
    """REP013: of the sources of randomness on the way of training, the share that is seeded."""
    found = list(_sources(project))
    in_code = [source for source in found if source.use.file.facts.notebook is None]
    trained = any(entry.kind != "notebook" for entry in project.training_entries)
    sources = _on_the_way(project, in_code if trained and in_code else found)
    if not sources:
        return not_applicable("nothing random was found")
    told = [source for source in sources if source.seeded is not None]
    if not told:
        return unknown(f"seeds may be among the keywords of {sources[0].use.call.name} ({sources[0].use.where})")
    held = [source for source in told if source.seeded]
    unseeded = [source for source in told if not source.seeded]
    free = next(
        (source for source in unseeded if _WORKS_BY_NAME.search(source.use.file.name)), next(iter(unseeded), None)
    )
    said = f"{len(held)} of {len(told)} sources of randomness are seeded"
    if len(told) < len(sources):
        said += f", of {len(sources) - len(told)} more it cannot be told"
    if free is not None:
        said += f"; here {free.what} without a seed"
    return met(Site(len(held) / len(told), said, (free or told[0]).use.where, key="seeded"))


_BESIDE_TRAINING = re.compile(
    r"(^|/)(old|archived?|deprecated|legacy|exercises?|notes|other_notes|tutorials?|ingestion)/"
    r"|(^|[/_])(eval|evaluate|evaluation|inference|predict|submission)(_|\.|$)",
    re.IGNORECASE,
)


def _on_the_way(project: Project, sources: list[Source]) -> list[Source]:
    """The sources that training meets; those of exercises, old and evaluation scripts only where there are no others."""
    own = [source for source in sources if not source.use.file.shared]
    reached = [source for source in own if project.reaches(source.use.node, "training")] or own
    return [source for source in reached if not _BESIDE_TRAINING.search(source.use.file.path)] or reached


def _sources(project: Project) -> Iterator[Source]:
    """Every source of randomness that has a part in learning; what only a module's trial run draws has none."""
    trials = _trial_nodes(project)
    yield from (source for source in (*_calls(project), *_frameworks(project)) if source.use.node not in trials)


def _trial_nodes(project: Project) -> frozenset[Node]:
    """What only the main guards of modules reach that show how their classes are used, where something else trains."""
    trials = [entry for entry in project.training_entries if _is_trial_run(project, entry)]
    others = [entry for entry in project.training_entries if entry not in trials]
    if not trials or not others:
        return frozenset()
    reached = (project.graph.reach(node for e in entries for node in e.nodes) for entries in (trials, others))
    return next(reached) - next(reached)


def _is_trial_run(project: Project, entry: Entry) -> bool:
    """Whether the main guard of a module of classes shows how they are used: on made-up rows, without options."""
    if entry.kind != "script" or "guard" not in entry.reason or not _is_module(project.by_path[entry.path]):
        return False
    reach = project.graph.reach(entry.nodes)
    return not any(
        use.node in reach for use in project.uses("read-data", "split", "parse-args", "configure", "save-model")
    )


def _calls(project: Project) -> Iterator[Source]:
    """Calls that draw."""
    for use in project.uses("random"):
        drawn = project.vocabulary.randomness(use.call.name)
        if drawn is None or not _is_source(project, use):
            continue
        how = f"without {drawn.arguments[0]}" if drawn.arguments else "and nothing seeds its stream"
        yield Source(use, f"{use.call.name} draws random numbers", how, _seeded(project, use))


def _frameworks(project: Project) -> Iterator[Source]:
    """Training that draws weights, order and dropout from the stream of its framework: once for each file."""
    streams = {name: one.random.stream for name, one in project.vocabulary.systems.items() if one.random.trains}
    imported = {target for path, targets in project.graph.imports.items() for target in targets if target != path}
    seen: set[tuple[str, str]] = set()
    for use in project.uses("train", "fit"):
        name = _framework(use, streams)
        place = (use.file.path, name)
        if not name or place in seen or _steps_without_chance(use):
            continue
        if use.file.facts.notebook is None and not project.reaches(use.node, "training"):
            continue
        seen.add(place)
        if use.scope.name == MAIN and (use.file.path in imported or _is_module(use.file)):
            continue  # A module's own trial run.
        held = _seeded_before(project, use, streams[name])
        what = f"training with {project.vocabulary.systems[name].name} draws weights and order"
        yield Source(use, what, "and nothing seeds its stream", held)


def _framework(use: Use, streams: dict[str, str]) -> str:
    """The framework that a training call belongs to: by its name, or `loss.backward()` beside an import of torch."""
    if use.call.system in streams:
        return use.call.system
    imports = use.file.python.imports if use.file.python else ()
    backward = use.call.name.endswith(".backward")
    return "pytorch" if backward and "pytorch" in streams and any(r.module == "torch" for r in imports) else ""


_OPTIMIZER = re.compile(r"\.optim\.(\w+\.)?[A-Z]\w*$")


def _steps_without_chance(use: Use) -> bool:
    """Whether LBFGS fits parameters that are written out one by one: a temperature, say, which draws nothing."""
    python = use.file.python
    assert python is not None
    around = {use.call.scope, use.scope.parent}
    made = [call for call in python.calls if call.scope in around and _OPTIMIZER.search(call.name)]
    given = [argument(call, "0", "params") for call in made]
    return bool(made) and all(
        call.name.endswith(".LBFGS") and value is not None and value.kind == "list"
        for call, value in zip(made, given, strict=True)
    )


# ------------------------------------------------------------------------------------------------- what has no part in it

_TRIAL_INPUT = re.compile(
    r"(export|trace|profile|summary|add_graph|flops|benchmark|forward|warm_?up|display|imshow|print|scatter|plot|hist"
    r"|annotate|text|sleep|info|debug|warning|append_text|writerow)$",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"smoke|demo|bench|profil|visuali[sz]|plot|eda|explor|sanity|dummy|mock|fake|simulat|synthetic|populate|traffic"
    r"|(^|_)(test|tests|check|checks|example|gen|generate|seed|export|serve|app|api)(_|\.|$)",
    re.IGNORECASE,
)
_SHOWS = re.compile(
    r"(^|[._])(demo|show|print|plot|display|visuali[sz]\w*|example|sanity|check|dummy|mock)", re.IGNORECASE
)
_TRIAL_NAMES = re.compile(
    r"dummy|demo|mock|example|sanity|suffix|jitter|delay|uuid|token|port|color|url|name$", re.IGNORECASE
)
_FEW = 5


def _is_source(project: Project, use: Use) -> bool:
    drawn = project.vocabulary.randomness(use.call.name)
    if drawn is None or not _draws(use.call, drawn) or _is_trial(project, use):
        return False
    if use.file.facts.notebook is not None:
        assert use.file.python is not None
        works = any(_WORKS & set(call.activities) for call in use.file.python.calls)
        learns = _learns(project, use) and not use.call.name.endswith(".sample")
        return works and (learns or (project.reaches(use.node, "any") and not _only_shown(use)))
    if _learns(project, use):
        return project.reaches(use.node, "any")
    if _ASIDE.search(use.file.name) or _SHOWS.search(use.scope.name):
        return False
    return project.reaches(use.node, "training") or _prepares(project, use)


def _is_module(file: ProjectFile) -> bool:
    """Whether a file defines classes and is not called after training: its main guard then shows how it is used."""
    python = file.python
    classes = any(scope.kind == "class" for scope in python.scopes) if python else False
    return classes and not _WORKS_BY_NAME.search(file.name)


_WORKS_BY_NAME = re.compile(r"train|main|run|fit|exp|job|pipeline", re.IGNORECASE)


def _only_shown(use: Use) -> bool:
    """Whether the cell of a notebook draws pictures and neither splits nor trains."""
    notebook, python = use.file.facts.notebook, use.file.python
    found = notebook.locate(use.call.line) if notebook else None
    if found is None or python is None:
        return False
    cell = found[0]
    near = [call for call in python.calls if cell.start <= call.line < cell.start + cell.lines]
    shown = any("plot" in call.activities or call.name.endswith(("imshow", "print_example")) for call in near)
    return shown and not any(_WORKS & set(call.activities) for call in near)


def _learns(project: Project, use: Use) -> bool:
    """Whether the call is an estimator, a split or a sampler of a library: not a bare draw from a stream."""
    name = project.vocabulary.canonical(use.call.name)
    return not re.match(
        r"(numpy\.random|random|torch\.(rand|normal|bernoulli|multinomial|poisson)|tensorflow\.random)", name
    )


def _prepares(project: Project, use: Use) -> bool:
    """Whether a bare draw makes a split or a sample of the data outside of training."""
    named = re.search(r"split|fold|sample|shuffl|prepare|augment", f"{use.scope.name} {use.file.name}", re.IGNORECASE)
    return named is not None and project.reaches(use.node, "any")


def _is_trial(project: Project, use: Use) -> bool:
    """Whether the draw is the trial input of a model, a row to look at, the jitter of a plot, a made-up metric."""
    call = use.call
    outer = project.vocabulary.meaning(call.parent)
    tracked = outer is not None and any(name.startswith(("track", "log", "plot")) for name in outer.activities)
    if tracked or _TRIAL_INPUT.search(call.parent) or any(_TRIAL_NAMES.search(name) for name in call.targets):
        return True
    if "main-guard" in call.context and call.system in ("torch", "pytorch"):
        return True
    if _only_in_a_name(use) or _is_fallback(project, use):
        return True
    if _picks(project, use):
        return True
    if not call.name.endswith(".sample") or call.name == "random.sample":
        return False
    count = constant(call, "0", "n")
    return (isinstance(count, int) and count <= _FEW) or (not call.targets and not call.parent)


_PICK = frozenset(("random.choice", "random.choices", "random.sample", "numpy.random.choice"))
_HELD_OUT = re.compile(r"(^|[_.])(test|val|valid|validation|eval)(_|\.|$)", re.IGNORECASE)


def _picks(project: Project, use: Use) -> bool:
    """Whether it picks what is looked at: of rows that are held out, or a few at the top of a notebook's cell."""
    call = use.call
    if project.vocabulary.canonical(call.name) not in _PICK or not call.args:
        return False
    if any(_HELD_OUT.search(name) for name in _names(call.args[0].value)):
        return True
    count = constant(call, "1", "k", "size")
    few = isinstance(count, int) and count <= _FEW
    return few and use.file.facts.notebook is not None and not call.scope and "loop" not in call.context


def _is_fallback(project: Project, use: Use) -> bool:
    """Whether a generator is made for callers that bring none (`if rng is None: rng = default_rng()`), and some bring one."""
    own = {param.name for param in use.scope.params} & set(use.call.targets)
    if not own or "if" not in use.call.context:
        return False
    name = use.scope.name.rpartition(".")[2]
    return any(
        call.name.rpartition(".")[2] == name and own & {arg.name for arg in call.args}
        for file in project.work_files
        for call in file.calls
    )


def _only_in_a_name(use: Use) -> bool:
    """Whether what is drawn stands in the name of a run and is handed to nothing else."""
    python, drawn = use.file.python, set(use.call.targets)
    assert python is not None
    here = [row for row in python.assigns if row.scope == use.call.scope and drawn & set(_names(row.value))]
    if not any(_TRIAL_NAMES.search(row.name) for row in here):
        return False
    handed = [arg.name for call in python.calls for arg in call.args if drawn & set(_names(arg.value))]
    return all(_TRIAL_NAMES.search(row.name) for row in here) and all(_TRIAL_NAMES.search(name) for name in handed)


def _names(value: Value, *, depth: int = 4) -> Iterator[str]:
    """The names inside a value."""
    if value.kind == "name":
        yield value.text
    for item in value.items if depth else ():
        yield from _names(item, depth=depth - 1)


# ----------------------------------------------------------------------------------------------------- what is seeded


def random_without_seed(project: Project, use: Use) -> bool:
    """Whether a call draws random numbers that no argument and no global seed fixes."""
    drawn = project.vocabulary.randomness(use.call.name)
    return drawn is not None and _draws(use.call, drawn) and _seeded(project, use) is False


def _seeded(project: Project, use: Use) -> bool | None:
    """Whether a seed reaches a draw; None where it may be among keywords that are passed on."""
    drawn = project.vocabulary.randomness(use.call.name)
    assert drawn is not None
    if _seeded_itself(use.call, drawn.arguments):
        return True
    if drawn.stream and _seeded_before(project, use, drawn.stream):
        return True
    return _spread_seed(project, use, drawn.arguments) if spreads_keywords(use.call) else False


def _draws(call: Call, drawn: object) -> bool:
    """Whether a call draws at all, by the conditions that the vocabulary states (shuffle=False draws nothing)."""
    from mlready.vocabulary.lookup import Randomness

    assert isinstance(drawn, Randomness)
    if drawn.only_if is not None:
        value = argument(call, drawn.only_if.argument)
        return value is not None and (value.kind != "const" or str(value.scalar) in drawn.only_if.values)
    if drawn.not_if is not None:
        value = argument(call, drawn.not_if.argument)
        return not (value is not None and value.kind == "const" and str(value.scalar) in drawn.not_if.values)
    return True


def _seeded_itself(call: Call, arguments: tuple[str, ...]) -> bool:
    value = argument(call, *arguments) if arguments else None
    return value is not None and not (value.kind == "const" and value.scalar is None)


_OF_A_MODEL = re.compile(
    r"model|param|estimator|classifier|regressor|kwargs|forest|tree|boost|\bsvm\b|init", re.IGNORECASE
)


def _spread_seed(project: Project, use: Use, arguments: tuple[str, ...]) -> bool | None:
    """Whether `**options` hold the seed, as far as the dictionary stands in the same file or in configuration."""
    python = use.file.python
    assert python is not None
    spread = {arg.value.text for arg in use.call.args if arg.name == "**"}
    known = [row.value for row in python.assigns if row.name in spread and row.value.kind == "dict"]
    if any(key.scalar in arguments for value in known for key in value.items):
        return True
    if known:
        return False
    configured = any(
        row.key.rpartition(".")[2] in arguments
        and row.value is not None
        and _OF_A_MODEL.search(row.key.rpartition(".")[0])
        for file in project.files
        if file.role == "config"
        for row in file.facts.settings
    )
    return True if configured else None


def _seeded_before(project: Project, use: Use, stream: str) -> bool:
    """Whether a seed of that stream runs in a process that the use runs in."""
    fitting = [seed for seed, name in project.seeds if name in (stream, "*")]
    if not fitting:
        return False
    if any(seed.file.path == use.file.path or "seed_everything" in seed.call.name for seed in fitting):
        return True
    nodes = {seed.node for seed in fitting}
    runs = [reach for reach in project.entry_reaches if use.node in reach]
    if not runs or any(not nodes.isdisjoint(reach) for reach in runs):
        return True
    return not _is_entry(project, use.file) and not nodes.isdisjoint(project.training_nodes)


def _is_entry(project: Project, file: ProjectFile) -> bool:
    """Whether a run begins in the file: what it draws is then drawn by that run."""
    return any(entry.path == file.path for entry in project.entries)
