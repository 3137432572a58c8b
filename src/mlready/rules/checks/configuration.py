"""Checks of factor 3: parameters and places stand apart from code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Scope, Value
from mlready.findings import Site, Verdict, met, missing, not_applicable, unknown
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import argument, constant, literal_path, strings

# ------------------------------------------------------------------------------------------------------ DES005, DES006

_CONFIG_FILE = re.compile(r"\.(ya?ml|toml|json|ini|cfg|env)$")


def configuration_apart(project: Project) -> Verdict:
    """DES005: the training entry point takes its parameters from a file, the environment or the command line."""
    named = _trains_by_name(project)
    if not project.training_nodes and named is None:
        return unknown("where training starts is not told by the files")
    reached = [
        use
        for use in project.uses("configure", "parse-args", "read-environment")
        if project.reaches(use.node, "training") and not _addresses_only(project, use)
    ]
    reached += [use for use in _decorating(project) if use not in reached]
    strong = [
        use
        for use in reached
        if {"configure", "parse-args"} & set(use.call.activities) and use.file.facts.notebook is None
    ]
    strong = strong or ([named] if named is not None else [])
    if strong and all("parse-args" in use.call.activities for use in strong) and _paths_only(project):
        said = f"{strong[0].call.name} takes paths, and no parameter of the training"
        return met(_reads_config(project) or Site(0.25, said, strong[0].where, key="paths only"))
    if strong:
        said = f"training is configured through {strong[0].call.name}"
        return met(Site(1.0, said, strong[0].where, key=strong[0].call.name))
    read = _reads_config(project) or _typed_settings(project) or _stage_parameters(project) or _environment(reached)
    read = read or _settings_module(project) or _executed(project)
    if read is not None:
        return met(read)
    if reached:
        use = reached[0]
        return met(Site(0.5, f"only {use.call.name} reads a setting", use.where, key=use.call.name))
    uses = (
        use
        for use in project.uses("configure", "parse-args")
        if not _addresses_only(project, use)
        and "reqparse" not in use.call.name
        and not project.reaches(use.node, "serving")
    )
    elsewhere = next(uses, None)
    if elsewhere is not None:
        said = f"{elsewhere.call.name} reads settings, and training does not use them"
        return met(Site(0.25, said, elsewhere.where, key="not used"))
    return missing("parameters stand in the code: each experiment is an edit")


def _decorating(project: Project) -> Iterator[Use]:
    for use in project.uses("configure", "parse-args"):
        if _decorates_training(project, use) and not _addresses_only(project, use):
            yield use


def _trains_by_name(project: Project) -> Use | None:
    """What configures a script that is called train…, where no call tells where training is."""
    if project.training_nodes:
        return None
    for use in project.uses("configure", "parse-args", notebooks=False):
        if re.match(r"(run_)?train", use.file.name) and not _addresses_only(project, use):
            return use
    return None


def _stage_parameters(project: Project) -> Site | None:
    for file, stage in project.stages:
        if stage.params:
            said = f"stage {stage.name} takes parameters from {stage.params[0]}"
            return Site(1.0, said, file.at(stage.line), key=stage.name)
    if "kedro" in project.systems:
        for file in project.files:
            if re.search(r"(^|/)conf/\w+/parameters\w*\.ya?ml$", file.path) and file.facts.settings:
                return Site(1.0, f"Kedro passes the parameters of {file.path}", file.at(1), key="kedro")
    return None


_SEVERAL = 3


def _environment(reached: list[Use]) -> Site | None:
    """Several variables of the environment, or a function that reads any of them, are a configuration."""
    reads = [use for use in reached if "read-environment" in use.call.activities and use.file.facts.notebook is None]
    names = {constant(use.call, "0", "key") for use in reads}
    through = next((use for use in reads if _reads_any(use)), None)
    if through is None and len(names) < _SEVERAL:
        return None
    use = through or reads[0]
    return Site(1.0, "training takes its settings from the environment", use.where, key="environment")


def _reads_any(use: Use) -> bool:
    """`def env(name): return os.environ.get(name)`."""
    value = argument(use.call, "0", "key")
    return value is not None and value.kind == "name" and any(p.name == value.text for p in use.scope.params)


_NO_PARAMETER = re.compile(
    r"^(RANK|LOCAL_RANK|WORLD_SIZE|CUDA_\w+|MASTER_\w+|HOME|PATH|USER|\w*_(URI|URL|KEY|TOKEN|PASSWORD|HOST|PORT|DB|USER|BUCKET|REGION|SECRET|DIR|PATH|PROFILE|ENDPOINT))$"
)


def _addresses_only(project: Project, use: Use) -> bool:
    """The address of a tracker, a rank, a .env file: settings, though no parameters of training."""
    system = project.vocabulary.systems.get(use.call.system)
    if _reads_pointer(use):
        return True
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
        if _reads_pointer(use):
            continue
        if use.call.name.startswith(("yaml", "toml", "configparser", "ConfigParser")) or any(
            "config" in n or "param" in n for n in named
        ):
            credit = 1.0 if use.file.facts.notebook is None else 0.5
            return Site(credit, f"{use.call.name} reads the configuration", use.where, key=use.call.name)
    return None


def _reads_pointer(use: Use) -> bool:
    """`yaml.safe_load(dvc_pointer.read_text())`: the pointer of DVC names data, and no parameter."""
    value = argument(use.call, "0", "stream")
    inner = [call for call in use.file.calls if call.line == use.call.line and call.parent == use.call.name]
    said = [*strings(value), value.text if value else "", *(call.receiver for call in inner)]
    said += [text for call in inner for arg in call.args for text in strings(arg.value)]
    return any(re.search(r"(^|[._])dvc([._]|$)", text) for text in said)


def _typed_settings(project: Project) -> Site | None:
    """A class of settings (pydantic BaseSettings and the like) that training uses: its fields come from outside."""
    found: list[Site] = []
    for file in project.code_files:
        assert file.python is not None
        for number, scope in enumerate(file.python.scopes):
            if (
                scope.kind != "class"
                or (file.path, number) not in project.training_nodes
                or not _reads_itself(project, scope)
            ):
                continue
            fields = [row.name for row in file.python.fields if row.scope == number and row.name != "model_config"]
            if any(not _NO_PARAMETER.match(name.upper()) and not _PLACE_OPTION.search(name) for name in fields):
                found.append(
                    Site(1.0, f"training takes its settings from {scope.name}", file.at(scope.line), key=scope.name)
                )
            elif fields:
                said = f"{scope.name} holds places, and no parameter of the training"
                found.append(Site(0.25, said, file.at(scope.line), key="places only"))
    return max(found, key=lambda site: site.credit, default=None)


def _reads_itself(project: Project, scope: Scope) -> bool:
    meanings = (project.vocabulary.meaning(base) for base in scope.bases)
    return any(meaning is not None and "configure" in meaning.activities for meaning in meanings)


def _settings_module(project: Project) -> Site | None:
    """A config.py of constants that training imports: apart from the code, though not from the repository."""
    for file in project.code_files:
        assert file.python is not None
        if (
            re.search(r"(^|/)(config|settings|params|constants|conf|hparams|cfg)\.py$", file.path)
            and (file.path, 0) in project.training_nodes
        ):
            if len(file.python.fields) + len(file.python.assigns) < 2:
                continue  # A sentinel or two is no configuration.
            return Site(0.6, f"training imports {file.path}", file.at(1), key=file.path)
    return None


def _executed(project: Project) -> Site | None:
    """`exec(open("configurator.py").read())`: the names of the script are set by another, from files and the command line."""
    for use in project.calls("open", reached="training"):
        path = literal_path(use.call)
        runs = any(call.name == "exec" and call.line == use.call.line for call in use.file.calls)
        if runs and path.endswith(".py"):
            return Site(0.6, f"training executes {path}", use.where, key=path)
    return None


def places_apart(project: Project) -> Verdict:
    """DES011: paths and addresses that training uses come from outside of the code. Credit: the share that does."""
    calls = [use for use in _placed_calls(project) if argument(use.call, *_PLACE_ARGUMENTS) is not None]
    fixed = [use for use in calls if _is_fixed(use)]
    for file, stage in project.stages:
        if stage.tool == "dvc" and stage.deps and stage.outs and file.name == "dvc.yaml":
            said = f"stage {stage.name} of {file.path} names what goes in and out"
            return met(Site(1.0, said, file.at(stage.line), key="dvc.yaml"))
    catalog = [(file, row) for file, row in project.resources if (row.tool, row.kind) == ("kedro", "dataset")]
    if catalog and "kedro" in project.systems:
        file, row = catalog[0]
        said = f"the catalog says where {row.name} and {len(catalog) - 1} more data sets lie"
        credit = 1.0 - len(fixed) / (len(calls) + len(catalog))
        return met(Site(credit, said, file.at(row.line), key=file.path))
    if not calls:
        return not_applicable("training reads and writes nothing by a path")
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


_SETTINGS_FILE = re.compile(r"(config|param|setting|hparams|options)[\w-]*\.(ya?ml|json|toml|ini|cfg)$", re.IGNORECASE)
"""The configuration itself has to stand somewhere."""


_OF_REPOSITORY = re.compile(
    rf"{_SETTINGS_FILE.pattern}|\.py$|(^|/)(requirements[\w.-]*\.txt|version(\.txt)?|pyproject\.toml|setup\.cfg|dockerfile|readme[\w.]*)$",
    re.IGNORECASE,
)
"""Code, settings and what describes the project lie where the repository has them: neither data nor model."""


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
        if use.file.shared or _OF_REPOSITORY.search(literal_path(use.call)):
            continue
        if _queries(use) or _stands_aside(use.file):
            continue
        if "hub" in project.vocabulary.traits(use.call.name):
            continue  # The name of a public model is no place of ours.
        if use.node not in seen or literal_path(use.call):
            seen.add(use.node)
            yield use


def _queries(use: Use) -> bool:
    """`read_sql(query, engine)`: the place is that of the engine, and a query is none."""
    if not re.search(r"(^|\.)read_sql(_query|_table)?$", use.call.name):
        return False
    engine = argument(use.call, "con", "1")
    return engine is not None and not next(strings(engine), "")


_ASIDE = re.compile(
    r"(^|[/_])(eval(uate|uation)?|analy[sz]e\w*|analysis|plots?|figures?|presentation|visuali[sz]\w*|kaggle_evaluation)([/_.]|$)",
    re.IGNORECASE,
)


def _stands_aside(file: ProjectFile) -> bool:
    """A script of an evaluation, an analysis or a figure, which trains nothing itself."""
    wanted = {*TRAIN_ACTIVITIES, "fit", "save-model"}
    calls = file.python.calls if file.python else ()
    return bool(_ASIDE.search(file.path)) and not any(wanted & set(call.activities) for call in calls)


def _names_settings(project: Project) -> bool:
    """Whether code names a settings file of the project, which some class of its own may read."""
    named = {
        text.value.rpartition("/")[2]
        for file in project.code_files
        for text in (file.python.texts if file.python else ())
    }
    return any(re.search(r"\.(ini|cfg|toml|ya?ml)$", name) and _SETTINGS_FILE.search(name) for name in named)


def _filled_from_outside(use: Use, value: Value) -> bool:
    """Whether a hole of the text is filled from the environment or the command line."""
    read = {
        name
        for call in use.file.calls
        if {"configure", "parse-args", "read-environment"} & set(call.activities)
        for name in call.targets
    }
    return any(item.text.partition(".")[0] in read for item in value.items if item.text)


def _is_fixed(use: Use) -> bool:
    """Whether the path begins with a literal, at the call or in the name that it is given."""
    value = argument(use.call, *_PLACE_ARGUMENTS)
    python = use.file.python
    assert python is not None
    if value is not None and value.kind == "fstring" and _filled_from_outside(use, value):
        return False
    if literal_path(use.call) and not literal_path(use.call).startswith("{"):
        return True
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
    sources = (_reads_config, _typed_settings, _settings_module, _executed)
    return any(source(project) is not None for source in sources) or _names_settings(project)
