"""Which files define pipelines, and which reader fits each."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlready.facts.reading import Unreadable, decode, guarded
from mlready.facts.rows import FileFacts
from mlready.facts.yamltree import Tree, load_yaml

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("dvc-stages", r"(^|/)dvc\.yaml$"),
        ("dvc-lock", r"(^|/)dvc\.lock$"),
        ("dvc-config", r"(^|/)\.dvc/config(\.local)?$"),
        ("dvc-pointer", r"(^|/)[^/]+\.dvc$"),
        ("snakefile", r"(^|/)(Snakefile[^/]*|[^/]+\.smk)$"),
        ("crontab", r"(^|/)(crontab([._-][^/]*)?|[^/]+\.(cron|crontab)|cron\.d/[^/]+)$"),
        ("timer", r"\.timer$"),
        ("mlproject", r"(^|/)MLproject$"),
        ("cog", r"(^|/)cog\.ya?ml$"),
        ("bento", r"(^|/)bentofile\.ya?ml$"),
        ("valohai", r"(^|/)valohai\.ya?ml$"),
        ("prefect", r"(^|/)prefect\.ya?ml$"),
        ("kedro_catalog", r"(^|/)conf/([^/]+/)*catalog[^/]*\.ya?ml$|(^|/)conf/.*/catalog/[^/]+\.ya?ml$"),
        ("any-yaml", r"\.ya?ml$"),
    )
)
_SNIFFED: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("azureml", (b"azuremlschemas",)),
    ("azureml", (b"azureml/sdk-2-0",)),
    ("kubeflow", (b"pipelineInfo:", b"deploymentSpec:")),
    ("ploomber", (b"tasks:", b"source:", b"product:")),
)


def claims(path: str) -> bool:
    """May it define a pipeline, by its name? Any YAML may: `read` then gives empty facts for what does not."""
    return bool(_kind(path))


@guarded
def read(path: str, data: bytes) -> FileFacts:
    """Stages, tracked data, remotes and schedules of a pipeline file."""
    kind = _kind(path)
    if kind == "any-yaml":
        kind = next((name for name, words in _SNIFFED if all(word in data for word in words)), "")
    if not kind:
        return FileFacts()
    source = decode(data)
    if kind in _TEXT:
        return _TEXT[kind](path, source)
    from mlready.facts import workflows

    tree = load_yaml(source)
    if not tree.documents:
        raise Unreadable(tree.problem or "empty")
    reader: Callable[[Tree], FileFacts] = getattr(workflows, f"read_{kind}")
    return reader(tree)


def _kind(path: str) -> str:
    return next((name for name, pattern in _KINDS if pattern.search(path)), "")


def _dvc_stages(path: str, source: str) -> FileFacts:
    from mlready.facts.dvc import read_stages

    return read_stages(path, source)


def _dvc_lock(path: str, source: str) -> FileFacts:
    from mlready.facts.dvc import read_lock

    return read_lock(path, source)


def _dvc_pointer(path: str, source: str) -> FileFacts:
    from mlready.facts.dvc import read_pointer

    return read_pointer(path, source)


def _dvc_config(_path: str, source: str) -> FileFacts:
    from mlready.facts.dvc import read_config

    return read_config(source)


def _snakefile(_path: str, source: str) -> FileFacts:
    from mlready.facts.workflows import read_snakefile

    return read_snakefile(source)


def _crontab(path: str, source: str) -> FileFacts:
    from mlready.facts.workflows import read_crontab

    return read_crontab(path, source)


def _timer(path: str, source: str) -> FileFacts:
    from mlready.facts.workflows import read_timer

    return read_timer(path, source)


_TEXT: dict[str, Callable[[str, str], FileFacts]] = {
    "dvc-stages": _dvc_stages,
    "dvc-lock": _dvc_lock,
    "dvc-pointer": _dvc_pointer,
    "dvc-config": _dvc_config,
    "snakefile": _snakefile,
    "crontab": _crontab,
    "timer": _timer,
}
