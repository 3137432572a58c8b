"""Single files of the template, for a project that is not made by copier: the same texts, chosen and rendered one by one."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlready.resources import templates_dir

if TYPE_CHECKING:
    from jinja2 import Environment

_WORD = re.compile(r"\{\{ (\w+) \}\}")


def compose(names: Collection[str], *, given: Mapping[str, Any], template: Path | None = None) -> dict[str, str]:
    """Path -> text of the named files, as copier renders them with these answers and values.

    Names that the answers leave out are not in the result. Loading copier for a dozen files would cost more than
    everything else that a conversion does, so this reads the same copier.yml and folders, and renders with the same engine.
    """
    folder = template or templates_dir() / "project"
    settings = _read(folder / "copier.yml")
    engine = _engine(settings)
    values = _values(settings, given, engine)
    suffix = settings["_templates_suffix"]
    sources = dict(_sources(folder / settings["_subdirectory"], values, suffix))
    return {
        name: engine.from_string(text).render(values) if sources[name].name.endswith(suffix) else text
        for name in sorted(sources.keys() & set(names))
        if (text := sources[name].read_text(encoding="utf-8"))
    }


def _read(path: Path) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return dict(yaml.load(path.read_text(encoding="utf-8"), Loader=loader))


def _engine(settings: Mapping[str, Any]) -> Environment:
    """jinja2 as copier.yml asks for it."""
    import jinja2

    options = {**settings["_envops"], "undefined": jinja2.StrictUndefined}
    return jinja2.Environment(**options)


def _values(settings: Mapping[str, Any], given: Mapping[str, Any], engine: Environment) -> dict[str, Any]:
    """What is given, and the default of every other question, in the order in which copier computes them."""
    values = dict(given)
    for name, question in settings.items():
        if not name.startswith("_") and name not in values:
            default = question["default"]
            values[name] = engine.from_string(default).render(values) if isinstance(default, str) else default
    return values


def _sources(skeleton: Path, values: Mapping[str, Any], suffix: str) -> Iterator[tuple[str, Path]]:
    """Path in the project -> file of the template; those under "{{ notebook }}" last, so that they win."""
    found: list[tuple[str, Path]] = []
    for folder, _, names in os.walk(skeleton):
        place = Path(folder).relative_to(skeleton)
        parts = [_WORD.sub(lambda word: str(values[word[1]]), part) for part in place.parts]
        if all(parts) and "__pycache__" not in parts:
            where = "/".join(part for part in parts if part != ".")
            found += [(f"{where}/{name}" if where else name, Path(folder, name)) for name in names]
    for path, source in sorted(found, key=lambda pair: "{{ notebook }}" in pair[1].parts):
        yield path.removesuffix(suffix), source
