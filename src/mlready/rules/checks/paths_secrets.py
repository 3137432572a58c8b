"""Checks of factor 3: no paths of one machine, no credentials."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlready.findings import Site, Verdict, hazard, unknown
from mlready.project.project import Project, ProjectFile
from mlready.rules.checks.common import constant, strings
from mlready.rules.checks.style import place

# ------------------------------------------------------------------------------------------------------ DES007, DES008

_USER_PATH = re.compile(
    r"^(/home/[^/{]+|/Users/[^/{]+|/root(/|$)|[A-Za-z]:[\\/]+|/content/(drive|gdrive)|/content/[\w.-]+|/kaggle/(input|working)|~/|/export/home/|/gdrive/|/data\d*/[^/]+/|/scratch/|\\\\)"
)


_FINE_PATH = re.compile(
    r"^(/home/jovyan(/|$)|/dev/|/usr/|/bin/|/etc/|/opt/|/mnt|/dbfs|/tmp|/var/|/data/(raw|processed|interim|external|inputs?|outputs?|train|test|val|fallback|cache|models?|artifacts|features|staging)(/|$)|/proc/|/sys/|/app(/|$)|/workspace|/srv/|~/\.\w|[A-Za-z]:[\\/]+(Program|Windows))"
)
"""Places that every machine of a kind has: of the system, of installed programs, of the Jupyter images, hidden folders of a home."""


_NO_PATH_USE = re.compile(
    r"^(env-default|help|docstring|regex|compare|re\..*)$|\.(get|post|put|delete|patch|route|websocket|mount|add_url_rule|include_router|api_route)$"
)


"""Uses of a text that make it no path: defaults of the environment, help, patterns, routes."""


def no_absolute_paths(project: Project) -> Verdict:
    """DES007: no path of one person's machine or one platform's notebook in code. The unit is the file."""
    broken, mounted = [], _mounted(project)
    for file in project.work_files:
        found = [
            text
            for text in (file.python.texts if file.python else ())
            if _is_personal(text.kind, text.value)
            and not _NO_PATH_USE.search(text.use)
            and not _in_sandbox(file, text.value)
            and not (_OF_PLATFORM.match(text.value) and _asks_for_platform(file))
            and not text.value.startswith(mounted)
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


_OF_PLATFORM = re.compile(r"^/(kaggle|content)(/|$)")
_PLATFORM_NAME = re.compile(r"^_?(in|is|on|running_on)_?(google_?)?(colab|kaggle)", re.IGNORECASE)
_PLATFORM_MARKS = frozenset(
    ("google.colab", "KAGGLE_KERNEL_RUN_TYPE", "KAGGLE_URL_BASE", "COLAB_GPU", "COLAB_RELEASE_TAG")
)
_ASKS_FOR_FOLDER = re.compile(r"(^|\.)(exists|isdir|is_dir)$")


def _asks_for_platform(file: ProjectFile) -> bool:
    """Whether code asks if it runs on Kaggle or Colab: their paths are for there, and it has others for elsewhere."""
    python = file.python
    assert python is not None
    named = any(_PLATFORM_NAME.match(row.name.rpartition(".")[2]) for row in python.assigns)
    named = named or any(_PLATFORM_NAME.match(scope.name.rpartition(".")[2]) for scope in python.scopes)
    if named or any(text.value in _PLATFORM_MARKS for text in python.texts):
        return True
    return any(
        text.value.rstrip("/").count("/") <= _FOLDER_DEPTH
        and _OF_PLATFORM.match(text.value)
        and _ASKS_FOR_FOLDER.search(text.use)
        for text in python.texts
    ) or any(
        _ASKS_FOR_FOLDER.search(call.name)
        and any(_OF_PLATFORM.match(text) for arg in call.args for text in strings(arg.value))
        for call in python.calls
    )


_FOLDER_DEPTH = 2
"""Of /kaggle/input: a deeper folder is asked for because of what lies in it."""


def _mounted(project: Project) -> tuple[str, ...]:
    """Folders of containers that something is mounted at: by compose (`.:/data:ro`), or by a Mount of Docker's SDK."""
    volumes = (volume for file in project.files for service in file.facts.services for volume in service.volumes)
    targets = [found[1] for volume in volumes if (found := _TARGET.search(volume))]
    mounts = (c for file in project.work_files for c in file.calls if c.name.rpartition(".")[2] == "Mount")
    targets += [text for call in mounts if isinstance(text := constant(call, "target", "0"), str)]
    return tuple(target for target in targets if target.count("/") and target != "/")


_TARGET = re.compile(r":(/[^:$]+?)/?(:\w+(,\w+)*)?$")


def _in_sandbox(file: ProjectFile, value: str) -> bool:
    """`/root/…` where the file describes the image that it runs in (Modal): a path of the container."""
    assert file.python is not None
    return value.startswith("/root") and any(row.module.partition(".")[0] == "modal" for row in file.python.imports)


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
        apart = file.role in aside or bool(_OF_TESTS.search(finding.path))
        certain = finding.certain and not apart
        if apart and (not finding.certain or finding.code in _MADE_UP):
            continue
        broken.append(Site(0.0, finding.message, place(finding), key=finding.code, certain=certain))
    return hazard(_ordered(broken), units=max(1, len(broken), len(project.work_files)))


_OF_TESTS = re.compile(r"(^|/)(tests?|testing|e2e|fixtures|testdata)/")
_MADE_UP = frozenset(("connection-string", "jwt", "generic-secret", "private-key", "env-file"))
"""What tests and examples make up by themselves; the key of a provider is a real one wherever it stands."""


def _ordered(sites: Sequence[Site]) -> list[Site]:
    return sorted(sites, key=lambda site: not site.certain)
