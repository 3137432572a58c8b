"""DVC: dvc.yaml, dvc.lock, *.dvc and .dvc/config. Paths come out relative to the project's root."""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlready.facts.ci.common import text
from mlready.facts.masking import mask_text
from mlready.facts.reading import Unreadable, clean
from mlready.facts.rows import FileFacts, PipelineStage, Remote, Resource, Tracked
from mlready.facts.yamltree import MISSING, Node, load_yaml

MAX_STAGES = 500
_EXPRESSION = re.compile(r"\$\{\s*([\w.\[\]-]+)\s*\}")
_HASHES = ("md5", "etag", "checksum", "hash")

Known = dict[str, str]


def read_stages(path: str, source: str) -> FileFacts:
    """A dvc.yaml: `foreach` and `matrix` over values of the file are written out, over others kept as "name@*"."""
    tree = load_yaml(source)
    root = tree.root
    if root.kind != "map":
        raise Unreadable(tree.problem or "not a dvc.yaml: a map was expected")
    folder = posixpath.dirname(path)
    known = _variables(root.get("vars"))
    stages = [
        stage
        for key, node in root.get("stages").pairs
        for name, body, values in _expanded(key.text, node, known)
        for stage in [_stage(name, key.line, body, values, folder)]
    ]
    resources = [*_artifacts(root, folder), *_shared(root, folder)]
    return FileFacts(problem=tree.problem, stages=tuple(stages[:MAX_STAGES]), resources=tuple(resources[:MAX_STAGES]))


def _variables(node: Node) -> Known:
    """Inline values of `vars`; files that it names are not read here."""
    return {name: value for item in node.items for name, value in _leaves(item)}


def _leaves(node: Node, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in node.entries():
        if value.kind == "map" and prefix.count(".") < 10:
            yield from _leaves(value, f"{prefix}{name}.")
        elif value.kind == "scalar":
            yield prefix + name, value.text


def _expanded(name: str, node: Node, known: Known) -> Iterator[tuple[str, Node, Known]]:
    """(name, body, values of its variables) of each stage that a template stands for."""
    if each := node.get("foreach"):
        items = list(_items(each))
        for label, values in items[:MAX_STAGES] or [("*", {})]:
            yield f"{name}@{label}", node.get("do"), known | values
    elif matrix := node.get("matrix"):
        for label, values in list(_combinations(matrix))[:MAX_STAGES] or [("*", {})]:
            yield f"{name}@{label}", node, known | values
    else:
        yield name, node, known


def _items(each: Node) -> Iterator[tuple[str, Known]]:
    for index, item in enumerate(each.items):
        if item.kind == "scalar":
            yield item.text, {"item": item.text}
        else:
            yield str(index), dict(_leaves(item, "item."))
    for key, value in each.pairs:
        values = {"item": value.text} if value.kind == "scalar" else dict(_leaves(value, "item."))
        yield key.text, {"key": key.text, **values}


def _combinations(matrix: Node) -> Iterator[tuple[str, Known]]:
    """Products of the lists of a matrix, as `dvc` names them: "train@a-1"."""
    found: list[tuple[str, Known]] = [("", {})]
    for axis, node in matrix.entries():
        if node.kind != "seq" or len(found) * len(node.items) > MAX_STAGES:
            return
        found = [
            (f"{label}-{_label(axis, item, index)}".lstrip("-"), values | _value(axis, item))
            for label, values in found
            for index, item in enumerate(node.items)
        ]
    yield from found


def _label(axis: str, item: Node, index: int) -> str:
    return item.text if item.kind == "scalar" else f"{axis}{index}"


def _value(axis: str, item: Node) -> Known:
    return {f"item.{axis}": item.text} if item.kind == "scalar" else dict(_leaves(item, f"item.{axis}."))


def _filled(value: str, known: Known) -> str:
    return _EXPRESSION.sub(lambda match: known.get(match.group(1), match.group())[:500], value[:5_000])


@dataclass(frozen=True, slots=True)
class _Paths:
    """Turns paths of a stage into paths of the project."""

    folder: str
    known: Known

    def __call__(self, path: str) -> str:
        filled = _filled(path, self.known)
        if "://" in filled or filled.startswith("/"):
            return clean(mask_text(filled))
        return clean(posixpath.normpath(posixpath.join(self.folder, filled)))


def _stage(name: str, line: int, node: Node, known: Known, folder: str) -> PipelineStage:
    at = _Paths(posixpath.normpath(posixpath.join(folder, _filled(node.get("wdir").text, known))), known)
    outs, metrics, plots = (list(_outputs(node.get(key))) for key in ("outs", "metrics", "plots"))
    command = "\n".join(_filled(item, known) for item in node.get("cmd").texts())
    return PipelineStage(
        "dvc",
        clean(name),
        clean(mask_text(command), limit=5_000),
        line,
        deps=tuple(at(item) for item in node.get("deps").texts()),
        outs=tuple(at(item) for item, _ in (*outs, *metrics, *plots)),
        params=tuple(_params(node.get("params"), at)),
        metrics=tuple(at(item) for item, _ in metrics),
        uncached=tuple(at(item) for item, cached in (*outs, *metrics, *plots) if not cached),
    )


def _outputs(node: Node) -> Iterator[tuple[str, bool]]:
    """(path, cached) of outputs that are texts or maps of options."""
    for item in node.listed():
        if item.kind == "scalar":
            yield item.text, True
        for name, options in item.entries():
            yield name, options.get("cache").text.lower() != "false"


def _params(node: Node, at: _Paths) -> Iterator[str]:
    """As "params.yaml:train.lr"; "other.yaml:" for a whole file."""
    for item in node.listed():
        if item.kind == "scalar":
            yield f"{at('params.yaml')}:{_filled(item.text, at.known)}"
        for file, keys in item.entries():
            yield from (f"{at(file)}:{clean(key)}" for key in keys.texts() or ("",))


def _artifacts(root: Node, folder: str) -> Iterator[Resource]:
    for key, node in root.get("artifacts").pairs:
        details = tuple((name, text(value)) for name, value in node.entries() if value.kind == "scalar")
        yield Resource("dvc", "artifact", clean(key.text), key.line, details)


def _shared(root: Node, folder: str) -> Iterator[Resource]:
    """Metrics, plots and parameter files that are declared for the whole file."""
    at = _Paths(folder, {})
    for kind in ("metrics", "plots", "params"):
        for item in root.get(kind).listed():
            names = item.texts() or tuple(name for name, _ in item.entries())
            # Plots may have a title in place of a path.
            yield from (Resource("dvc", kind, at(name) if "." in name else clean(name), item.line) for name in names)


def read_lock(path: str, source: str) -> FileFacts:
    """A dvc.lock: tracked outputs, and its stages under the tool "dvc.lock"."""
    tree = load_yaml(source)
    if tree.root.kind != "map":
        raise Unreadable(tree.problem or "not a dvc.lock: a map was expected")
    at = _Paths(posixpath.dirname(path), {})
    stages = tree.root.get("stages") or tree.root
    entries = [(key, node) for key, node in stages.pairs if node.kind == "map"][:MAX_STAGES]
    tracked = tuple(row for key, node in entries for row in _tracked(node, at, stage=clean(key.text)))
    return FileFacts(
        problem=tree.problem, tracked=tracked[:5_000], stages=tuple(_locked(key, node, at) for key, node in entries)
    )


def _locked(key: Node, node: Node, at: _Paths) -> PipelineStage:
    command = clean(mask_text("\n".join(node.get("cmd").texts())), limit=5_000)
    deps, outs = (tuple(at(item.get("path").text) for item in node.get(part).items) for part in ("deps", "outs"))
    params = tuple(
        f"{at(file)}:{clean(name)}" for file, values in node.get("params").entries() for name, _ in values.entries()
    )
    return PipelineStage("dvc.lock", clean(key.text), command, key.line, deps=deps, outs=outs, params=params)


def read_pointer(path: str, source: str) -> FileFacts:
    """A *.dvc file."""
    tree = load_yaml(source)
    root = tree.root
    if not root.get("outs"):
        raise Unreadable(tree.problem or "not a .dvc file: `outs` is missing")
    folder = posixpath.join(posixpath.dirname(path), root.get("wdir").text)
    return FileFacts(problem=tree.problem, tracked=tuple(_tracked(root, _Paths(folder, {}), stage="")))


def _tracked(node: Node, at: _Paths, *, stage: str) -> Iterator[Tracked]:
    for item in node.get("outs").items:
        size = item.get("size").scalar
        found = next((item.get(key) for key in _HASHES if item.get(key) and item.get(key).text != "md5"), MISSING)
        known_size = size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**60 else None
        yield Tracked(at(item.get("path").text), text(found), known_size, stage)


def read_config(source: str) -> FileFacts:
    """A .dvc/config: its remotes, addresses without passwords."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    problem = ""
    try:
        parser.read_string(source)
    except configparser.Error as error:
        # What stands before and behind a broken line has been read all the same.
        problem = f"not a DVC configuration: {clean(str(error).splitlines()[0], limit=160)}"
    default = parser.get("core", "remote", fallback="") or ""
    remotes = []
    for section in parser.sections():
        match = re.fullmatch(r"'?remote \"([^\"]+)\"'?", section)
        if match:
            url = clean(mask_text(parser.get(section, "url", fallback="") or ""))
            remotes.append(Remote(clean(match.group(1)), url, match.group(1) == default))
    return FileFacts(problem=problem, remotes=tuple(remotes[:100]))
