"""Checks of factor 4: randomness is seeded."""

from __future__ import annotations

import re

from mlready.facts.rows import Call
from mlready.findings import Site, Verdict, hazard, met, not_applicable
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, Use
from mlready.rules.checks.common import argument, spreads_keywords

# -------------------------------------------------------------------------------------------------------------- REP004


def randomness_seeded(project: Project) -> Verdict:
    """REP004: each source of randomness is seeded, by its own argument or by a global seed in the same process."""
    broken, units = [], 0
    for use in project.uses("random"):
        drawn = project.vocabulary.randomness(use.call.name)
        if drawn is None or not _is_source(project, use):
            continue
        units += 1
        if not random_without_seed(project, use):
            continue
        what = f"{use.call.name} draws random numbers"
        how = f"without {drawn.arguments[0]}" if drawn.arguments else "and nothing seeds its stream"
        broken.append(Site(0.0, f"{what} {how}", use.where, key=use.call.name))
    return hazard(broken, units=units)


_TRIAL_INPUT = re.compile(
    r"(export|trace|profile|summary|add_graph|flops|benchmark|forward|warm_?up|display|imshow|print)$", re.IGNORECASE
)


_WORKS = frozenset((*TRAIN_ACTIVITIES, "fit", "split", "evaluate"))


def _shapes_results(use: Use) -> bool:
    """False for a trial input of a model, for rows that are only shown, and for notebooks that train nothing."""
    call = use.call
    if _TRIAL_INPUT.search(call.parent) or ("main-guard" in call.context and call.system in ("torch", "pytorch")):
        return False
    if call.name.endswith(".sample") and not call.targets and not call.parent:
        return False
    if use.file.facts.notebook is None:
        return True
    python = use.file.python
    assert python is not None
    return any(_WORKS & set(other.activities) for other in python.calls)


def random_without_seed(project: Project, use: Use) -> bool:
    """Whether a call draws random numbers that no argument and no global seed fixes."""
    drawn = project.vocabulary.randomness(use.call.name)
    if drawn is None or not _draws(use.call, drawn):
        return False
    if _seeded_itself(use.call, drawn.arguments) or spreads_keywords(use.call):
        return False
    return not (drawn.stream and _seeded_before(project, use, drawn.stream, project.seeds))


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


def _seeded_before(project: Project, use: Use, stream: str, seeds: tuple[tuple[Use, str], ...]) -> bool:
    """Whether a seed of that stream runs in a process that the use runs in."""
    fitting = [seed for seed, name in seeds if name in (stream, "*")]
    if not fitting:
        return False
    if any(seed.file.path == use.file.path or "seed_everything" in seed.call.name for seed in fitting):
        return True
    nodes = {seed.node for seed in fitting}
    runs = [reach for reach in project.entry_reaches if use.node in reach]
    if not runs:
        return True
    return any(not nodes.isdisjoint(reach) for reach in runs)


def seeds_set(project: Project) -> Verdict:
    """REP013: of the calls that draw random numbers on the way of training, the share that is seeded."""
    drawn = [use for use in project.uses("random") if _is_source(project, use)]
    if not drawn:
        return not_applicable("nothing random was found")
    free = [use for use in drawn if random_without_seed(project, use)]
    share = 1.0 - len(free) / len(drawn)
    seeds = project.seeds
    where = seeds[0][0].where if seeds else next((use.where for use in drawn if use not in free), None)
    return met(
        Site(share, f"{len(drawn) - len(free)} of {len(drawn)} sources of randomness are seeded", where, key="seeded")
    )


def _is_source(project: Project, use: Use) -> bool:
    if use.file.facts.notebook is None and not project.reaches(use.node, "any"):
        return False
    drawn = project.vocabulary.randomness(use.call.name)
    return drawn is not None and _draws(use.call, drawn) and _shapes_results(use)
