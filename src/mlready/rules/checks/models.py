"""Checks of factor 1: models and prompts are versioned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlready.facts.rows import Call
from mlready.findings import Site, Verdict, each, met, met_best, missing, unknown
from mlready.project.project import Project, Use
from mlready.rules.checks.artifacts import Place, Tracer, made_of
from mlready.rules.checks.common import (
    NO_TRAINING,
    argument,
    checkpoints_kept,
    constant,
    is_remote,
    literal_path,
    missing_in_code,
    nothing_judged,
    strings,
)
from mlready.rules.checks.paths import path_at, pattern_at
from mlready.rules.checks.sides import predicting_side

# ------------------------------------------------------------------------------------------------- what is a model

_SERIALIZERS = re.compile(r"^(c?[pP]ickle|_pickle|joblib|dill|cloudpickle|numpy|torch|skops)\b|\.to_pickle$|^pandas\.")
"""Calls that write and read any object."""
_MODEL_WORD = re.compile(
    r"model|clf|classif|regress|estimator|pipe(line)?|(^|[_.])net(work)?($|[_.\d])|weights|checkpoint|ckpt|state_dict|booster"
    r"|predictor|xgb|lgb|svm|forest|learner|policy|agent|ensemble|\.(pth?|onnx|h5|keras)$",
    re.IGNORECASE,
)
_OTHER_WORD = re.compile(
    r"(^|[_.\W])(df|data\w*|graphs?|batch(es)?|samples|features?|feats?|columns|cache\w*|vocab\w*|token\w*|scaler|\w*encoder|\w*vectori[sz]e[dr]"
    r"|preproc\w*|transformer|history|results?|params|config|map(ping)?|matrix|embed\w*|labels?|images?|tensors?|ids|ind(ex|ices)|losses|rows|records|words?|dict|list|optim\w*"
    r"|sched\w*|[xy]_?(train|test|val)\w*|train|test|stats|metrics|preds?|predictions?|scores?|pp)($|[_.\W\d])",
    re.IGNORECASE,
)


_NO_NAMES = frozenset(("open", "f", "dict", "list", "tuple"))


def about_model(use: Use) -> bool | None:
    """Whether what is saved or loaded is a model, by the nearest name that says so; None where no name does.

    Only for calls that write and read any object: others mean a model by themselves.
    """
    if re.search(r"Tokenizer|Processor|FeatureExtractor|Config\.from_pretrained$", use.call.name):
        return False
    if re.search(r"optim|sched", f"{use.call.receiver} {use.call.name}", re.IGNORECASE) or _copies(use):
        return False
    if not _SERIALIZERS.search(use.call.name):
        return True
    if _is_data(use) or _materializes(use):
        return False
    values = [arg.value for arg in use.call.args[:2]]
    paths = [text for value in values for text in strings(value)]
    parts = [part for value in values for part in (value.items if value.kind == "expr" else (value,))]
    named = [part.text for part in parts if part.kind in ("name", "item", "call") and part.text not in _NO_NAMES]
    groups = ([*use.call.targets, *named], paths, [use.scope.name.rpartition(".")[2]])
    for names in groups:
        if any(_MODEL_WORD.search(name) for name in names):
            return True
        if any(_OTHER_WORD.search(name) or name.isupper() for name in names):
            return False
    return None


def _materializes(use: Use) -> bool:
    """How a store of artifacts writes and reads one: the store gives the version, and what it holds is not told here."""
    python = use.file.python
    bases = python.scopes[use.scope.parent].bases if python is not None else ()
    return any(base.endswith("Materializer") for base in bases)


_TABLE_KEYS = re.compile(r"^(features?|labels?|embeddings?|inputs?|targets?|images?|masks?|ids|[xy])$", re.IGNORECASE)


def _is_data(use: Use) -> bool:
    """A mapping of features and labels, whatever the file is called."""
    value = argument(use.call, "0", "obj")
    keys = list(strings(value)) if value is not None and value.kind == "dict" else []
    return len([key for key in keys if _TABLE_KEYS.match(key)]) > 1


def _copies(use: Use) -> bool:
    """`pickle.loads` in a file that calls `pickle.dumps`: a copy in memory, loaded from nowhere."""
    twin = use.call.name.replace(".loads", ".dumps")
    return twin != use.call.name and any(call.name == twin for call in use.file.calls)


# -------------------------------------------------------------------------------------------------------------- VER005

_HOLE = re.compile(r"\{([^{}]*)\}")
_VERSION_MARK = re.compile(r"%s|%d|\bv\d+|\d{8}")
_NO_VERSION = re.compile(
    r"fold|split|name|model|algo|method|arch|task|target|label|lang|mode|type|kind|key|col|dataset|suffix|prefix|ext(ension)?$|root|dir|folder|path",
    re.IGNORECASE,
)
"""What a hole in a path may stand for that the next run writes again: the number of a fold, the name of an algorithm, a folder."""
_VERSION_NAME = re.compile(r"version|run|time|date|stamp|now|uuid|sha|commit|hash|exp|trial|\bid$|_id$", re.IGNORECASE)
_STAMPS = re.compile(r"(^|[._])(strftime|isoformat|now|utcnow|today|time_ns|uuid[14]|token_hex)$")


def _carries_version(path: str) -> bool:
    """Whether a part of the path tells one run, or one state of it, from another."""
    return any(_VERSION_MARK.search(part) or _tells_runs_apart(part) for part in path.split("/"))


def _tells_runs_apart(part: str) -> bool:
    holes = _HOLE.findall(part)
    if any(_VERSION_NAME.search(hole) for hole in holes):
        return True
    mixed = re.search(r"\w", _HOLE.sub("", part).rpartition(".")[0] or _HOLE.sub("", part)) is not None
    counted = re.search(r"(fold|split)[_-]?\{", part, re.IGNORECASE)
    return mixed and not counted and any(not _NO_VERSION.search(hole) for hole in holes)


def _dated_name(use: Use) -> str:
    """The name with a time or an id in it that its function makes for the model that is saved under a variable; "" if none."""
    python = use.file.python
    if python is None or not any(arg.value.kind == "name" for arg in use.call.args[1:]):
        return ""
    stamped = {c.line for c in python.calls if c.scope == use.call.scope and _STAMPS.search(c.name)}
    near = (t for t in python.texts if t.scope == use.call.scope and t.line in stamped and t.line <= use.call.line)
    return next((text.value for text in near if _is_model_path(text.value)), "")


def models_versioned(project: Project) -> Verdict:
    """VER005: a trained model gets a version that can be named, and the one before it is kept."""
    sites = [_registered_site(project, use) for use in _registering(project)]
    sites += [
        Site(
            0.5,
            f"{use.call.name} keeps the model under the id of its run, registered by no name",
            use.where,
            key=use.call.name,
        )
        for use in project.uses("save-model", "log-artifact", notebooks=False)
        if use.call.system in ("mlflow", "wandb", "comet", "neptune", "clearml", "dvclive")
        and "model" in use.call.name
        and not _logs_nothing(use)
    ]
    sites += [
        Site(1.0, "W&B keeps each version of the model as an artifact", use.where, key=use.call.name)
        for use in project.uses("log-artifact", notebooks=False)
        if use.call.name == "wandb.Artifact" and constant(use.call, "type", "1") == "model"
    ]
    sites += kept_by_mlflow(project)
    sites += _logged_files(project)
    outs = {out: (f, stage) for f, stage in project.stages for out in stage.outs if stage.tool == "dvc"}
    trace = Tracer(project)
    told = [(use, saves_model(trace, use)) for use in project.uses("save-model")]
    saves = [use for use, model in told if model]
    for out, (file, stage) in outs.items():
        if _is_model_path(out):
            sites.append(Site(1.0, f"DVC keeps {out} as an output of {stage.name}", file.at(stage.line), key=out))
    for file in project.files:
        for row in file.facts.tracked:
            if file.path.endswith(".dvc") and _is_model_path(row.path):
                sites.append(Site(1.0, f"DVC keeps {row.path}", file.at(0), key=row.path))
        if file.lfs and file.role == "model":
            sites.append(Site(0.5, f"git LFS keeps {file.path}", file.at(0), key=file.path))
    if sites:
        return met_best(sites, 5)
    for use in project.uses("load-model", "download", notebooks=False):
        if released := _released(use):
            return met(Site(0.5, f"weights are released as {released}, by hand", use.where, key=released))
    if not saves and not project.training_nodes:
        return unknown("no call that trains or saves a model was found")
    if not saves:
        return _nothing_saved(project, [use for use, model in told if model is None])
    return met(*_saved(project, saves)[:5])


def _nothing_saved(project: Project, untold: list[Use]) -> Verdict:
    """No save of a model is seen: checkpoints that training writes by itself, something that may be a model, or nothing."""
    if kept := next(checkpoints_kept(project), None):
        return missing(f"{kept[0]} keeps checkpoints, in no registry", kept[1])
    if untold:
        return unknown(f"what {untold[0].call.name} saves in {untold[0].where} is not told")
    if kept_by_store(project):
        return unknown(STORE_KEEPS)
    return missing_in_code(project, "no trained model is saved, let alone registered under a version")


STORE_KEEPS = "ZenML keeps what its steps return, and whether a model is among it is not told"


def kept_by_store(project: Project) -> bool:
    """Whether an orchestrator keeps what each step returns, under a version, without a call that says so."""
    return "zenml" in project.systems


_AUTOLOGS = re.compile(r"^mlflow\.(\w+\.)?autolog$")


def kept_by_mlflow(project: Project) -> Iterator[Site]:
    """Models that MLflow logs by itself: by autologging, by a logger of Lightning, as a data set of Kedro."""
    for use in project.uses("autolog", notebooks=False):
        off = constant(use.call, "log_models") is False or constant(use.call, "disable") is True
        if _AUTOLOGS.match(use.call.name) and not off:
            said = f"{use.call.name} logs the model under the id of its run"
            yield Site(0.5, said, use.where, key=use.call.name)
    for file in project.code_files:
        for call in file.calls:
            if call.name.endswith("MLFlowLogger") and constant(call, "log_model") in (True, "all"):
                yield Site(
                    0.5, "MLFlowLogger logs the model under the id of its run", file.at(call.line), key=call.name
                )
    for file, row in project.resources:
        kinds = [str(value) for key, value in row.details if key == "type"]
        if row.tool == "kedro" and any("MlflowModel" in kind for kind in kinds):
            said = f"the catalog logs {row.name} to MLflow"
            yield Site(0.5, said, file.at(row.line), key=row.name)


def _logged_files(project: Project) -> Iterator[Site]:
    """`joblib.dump(model, path)` and then `mlflow.log_artifact(path)`: the file is kept under the id of the run."""
    saved = {
        (use.node, arg.value.text)
        for use in project.uses("save-model", notebooks=False)
        if about_model(use)
        for arg in use.call.args
        if arg.value.kind == "name"
    }
    for use in project.uses("log-artifact", notebooks=False):
        value = argument(use.call, "0", "local_path") if use.call.system == "mlflow" else None
        if value is not None and (use.node, value.text) in saved:
            said = f"{use.call.name} keeps the model under the id of its run, registered by no name"
            yield Site(0.5, said, use.where, key=use.call.name)


_WRITES = re.compile(r"write|put|upload|send|set$")


def saves_model(trace: Tracer, use: Use) -> bool | None:
    """Whether what is saved is a model, by names, else by what it is made of; None where neither tells.

    A helper that saves any object (`save_object(path, obj)`) is taken to save models too.
    """
    if use.call.name.endswith(".to_pickle") and use.call.name != "pandas.to_pickle":
        return bool(_MODEL_WORD.search(use.call.receiver))  # Frames have it, and some models of other libraries.
    if (use.call.name.endswith(".dumps") and not _WRITES.search(use.call.parent)) or _logs_nothing(use):
        return False  # A copy in memory; a placeholder.
    told = about_model(use)
    if told is None and re.search(r"save|dump|store|persist|serialize", use.scope.name):
        return True
    if told is None:
        made = made_of(trace, Place(use.file, use.call.scope), argument(use.call, "0", "obj", "value"))
        return made not in ("data", "transformer") if made else None
    return told


def _registering(project: Project) -> Iterator[Use]:
    for use in project.uses("register-model"):
        # A method of a class of the project registers nothing by itself: what it calls may.
        if use.call.system != "python" or use.call.name.startswith("."):
            yield use
    for use in project.uses("log-artifact", "save-model"):
        named = use.call.system == "mlflow" and argument(use.call, "registered_model_name") is not None
        if named and not _logs_nothing(use):
            yield use


def _logs_nothing(use: Use) -> bool:
    """`log_model(sk_model=None, ...)`: a placeholder of an exercise."""
    first = argument(use.call, "0", "sk_model", "pytorch_model", "python_model", "model", "xgb_model", "lgb_model")
    return first is not None and first.kind == "const" and first.scalar is None


def _registered_site(project: Project, use: Use) -> Site:
    if use.file.facts.notebook is None:
        return Site(1.0, f"{use.call.name} registers the model", use.where, key=use.call.name)
    training = {u.file.path for u in project.uses("train", "tune", "fine-tune", "fit", notebooks=True)} | {
        use.file.path
    }
    registering = {u.file.path for u in _registering(project) if u.file.facts.notebook is not None}
    said = f"{use.call.name} registers the model, in {len(registering)} of {len(training)} notebooks that train"
    return Site(len(registering) / len(training | registering), said, use.where, key=use.call.name)


def _is_model_path(path: str) -> bool:
    name = path.lower()
    if name.endswith((".parquet", ".csv", ".json", ".png", ".html", ".md", ".txt", ".py", ".yaml", ".yml")):
        return False
    return "model" in name or name.endswith(
        (".pkl", ".joblib", ".pt", ".pth", ".onnx", ".h5", ".keras", ".safetensors", ".bin")
    )


def _saved(project: Project, saves: list[Use]) -> list[Site]:
    sites = []
    for use in saves:
        path = pattern_at(project, Place(use.file, use.call.scope), use.call) or _dated_name(use)
        if path and _carries_version(path):
            sites.append(Site(0.5, f"saved as {path}, by a name that the code makes up", use.where, key=path))
        elif committed := _committed(project, path):
            said = f"git keeps {committed} where somebody commits it, and every run overwrites it"
            sites.append(Site(0.25, said, use.where, key=committed))
        elif path and "{" not in path.rpartition("/")[0] and not _HOLE.fullmatch(path.rpartition("/")[2]):
            said = f"every run overwrites {path}: nobody can roll back"
            sites.append(Site(0.0, said, use.where, key=path))
        else:
            sites.append(
                Site(0.0, f"{use.call.name} saves the model under a path, in no registry", use.where, key=use.call.name)
            )
    return sorted(sites, key=lambda site: -site.credit)


def _committed(project: Project, path: str) -> str:
    """The model file in git that a save under this path writes: of the same name, or any where the path is not told."""
    if project.git.kind == "none":
        return ""
    name = path.rpartition("/")[2]
    models = (file for file in project.files if file.role == "model" and file.tracked and not file.shared)
    return next((file.path for file in models if not name or file.name == name), "")


# -------------------------------------------------------------------------------------------------------------- VER009

_REGISTRIES = frozenset(("mlflow", "wandb", "bentoml"))
_REGISTRY_URI = re.compile(r"^(models:/|runs:/|wandb-artifact:|.*@(champion|production|staging)|.*:v\d+$)")


_NEWEST = frozenset(("max", "sorted", "glob.glob", "glob.iglob", "os.listdir"))


_BACKBONE = re.compile(r"^(torchvision\.models|timm|keras\.applications|tensorflow\.keras\.applications)\b")
"""Pretrained parts that a model is built of."""


_INSTALLED = re.compile(r"^[a-z]{2,3}_(core|dep|ent|pipeline)_\w+_(sm|md|lg|trf)$")
"""Pipelines of spaCy that are installed as packages: the requirements give them their version."""


def _fetches(project: Project, use: Use) -> bool:
    """What training fetches by name from a hub, or from a package, is what it starts from, not what it made."""
    name = constant(use.call, "0", "name")
    hub = "hub" in project.vocabulary.traits(use.call.name)
    return isinstance(name, str) and (hub or bool(_INSTALLED.match(name)))


_STUDIES = re.compile(
    r"(^|[/_])(analysis|analy[sz]e\w*|eval(uate|uation)?|xai|explain\w*|visuali[sz]\w*|plots?|figures?|benchmarks?|profil\w*"
    r"|convert\w*|export\w*)"
    r"([/_.]|$)",
    re.IGNORECASE,
)


_STARTS = re.compile(r"pre_?train|backbone|base_?model", re.IGNORECASE)


def _starts_or_studies(use: Use) -> bool:
    """What training starts from (`PRETRAINED`, a new head of `num_labels`) and what evaluation looks at serves nobody."""
    if argument(use.call, "num_labels", "num_classes", "ignore_mismatched_sizes") is not None:
        return True
    values = [arg.value for arg in use.call.args]
    given = [text for value in values for text in (value.text, *strings(value))]
    given += [text for value in values for item in value.items for text in (item.text, *strings(item))]
    named = any(_STARTS.search(text) for text in (*given, use.scope.name, use.file.path))
    return named or bool(_STUDIES.search(use.file.path))


def _wraps(use: Use, loads: list[Use]) -> bool:
    """`pipeline(task, model=model)` around a model that the same function or module has loaded before."""
    if use.call.name != "transformers.pipeline":
        return False
    model = argument(use.call, "model", "1")
    return (
        model is not None
        and model.kind == "name"
        and any(other.file.path == use.file.path and other.call.name != use.call.name for other in loads)
    )


def _takes_over(use: Use, loads: list[Use]) -> bool:
    """`model.load_state_dict(torch.load(path))`: one model is loaded, and the inner call names it."""
    value = argument(use.call, "0", "state_dict")
    inner = [other.call for other in loads if other.node == use.node and other.call is not use.call]
    if not use.call.name.endswith(".load_state_dict") or value is None:
        return False
    name = value.text.partition(".")[0]
    return any(
        (call.parent == use.call.name and call.line == use.call.line) or name in call.targets
        for call in inner
        if not call.name.endswith(".load_state_dict")
    )


_PUT_TOGETHER = re.compile(r"(^|[._])(__init__|pretrain\w*|load_pretrain\w*|init_weights|build\w*)$")
_NETWORK = re.compile(r"(^|\.)(Module|LightningModule|\w*PreTrainedModel|Model|Layer)$")


def _part_of_network(use: Use) -> bool:
    """Pretrained weights that a network class is put together from; which of them answers, a checkpoint says."""
    python = use.file.python
    if python is None or not _PUT_TOGETHER.search(use.scope.name):
        return False
    return any(_NETWORK.search(base) for base in python.scopes[use.scope.parent].bases)


def _from_memory(use: Use) -> bool:
    """`model.load_state_dict(best)` after `best = copy.deepcopy(model.state_dict())`: nothing comes from a file."""
    state = argument(use.call, "0", "state_dict")
    if not use.call.name.endswith(".load_state_dict") or state is None:
        return False
    makers = [call for call in use.file.calls if state.text and state.text in call.targets]
    return any(re.search(r"(^|\.)(state_dict|deepcopy)$", call.name) for call in makers)


_EXPORTS = re.compile(r"(^|\.)(onnx\.export|check_model|convert_sklearn|export_model)$")


def _checks_export(use: Use) -> bool:
    """A model that is loaded where it was just exported, to see whether the export holds."""
    return any(call.scope == use.call.scope and _EXPORTS.search(call.name) for call in use.file.calls)


_PREDICTING = re.compile(
    r"predict|infer(?!red)|serv(e|ing|ice)|submi(t|ssion)|scor(e|ing)|(^|[/_.])(test|app|api|demo|deploy\w*)([/_.]|$)",
    re.IGNORECASE,
)


def _to_predict(project: Project, use: Use) -> bool:
    """Whether what is loaded answers: in code that says so by its name, or beside a prediction."""
    named = _PREDICTING.search(use.file.path) or _PREDICTING.search(use.scope.name)
    return bool(named) or use.node in project.nodes("predict")


def serving_pins_model(project: Project) -> Verdict:
    """VER009: what is served is a named version of a model, from configuration or baked into a tagged image."""
    if deployed := _deployed_version(project):
        return met(deployed)
    loads, kept = _served_loads(project), _kept(project)
    if not loads:
        return _nothing_served(project, kept)
    if all(_BACKBONE.search(use.call.name) for use in loads):
        return unknown(f"{loads[0].call.name} brings pretrained weights, and none of its own are seen to be loaded")
    trains = {path for path, _ in project.training_nodes} - {path for path, _ in project.serving_nodes}
    predicting = predicting_side(project)
    answering = [
        use
        for use in loads
        if use.file.path not in trains
        or use.node in predicting
        or use.call.system in _REGISTRIES
        or _to_predict(project, use)
    ]
    if not answering:
        said = f"{loads[0].call.name} goes on from what was trained before; nothing loads a version to predict with"
        return met(Site(0.0, said, loads[0].where, key=loads[0].call.name))
    return met_best([_load_site(project, use, kept) for use in answering], 5)


def _served_loads(project: Project) -> list[Use]:
    """What loads the model that predicts: when serving starts, else in code that predicts, else anywhere."""
    found = [use for use in project.uses("load-model", reached="any", notebooks=False) if about_model(use)]
    found = [use for use in found if not (_part_of_network(use) or _from_memory(use) or _checks_export(use))]
    found = [use for use in found if project.reaches(use.node, "serving") or not _fetches(project, use)]
    loads = [use for use in found if project.reaches(use.node, "serving")] or found
    loads = [use for use in loads if not (_BACKBONE.search(use.call.name) or _fetches(project, use))] or loads
    loads = [use for use in loads if project.reaches(use.node, "serving") or not _starts_or_studies(use)]
    loads = [use for use in loads if _to_predict(project, use)] or loads
    return [use for use in loads if not _wraps(use, loads) and not _takes_over(use, loads)]


def _nothing_served(project: Project, kept: _Kept) -> Verdict:
    """No load that predicts: a notebook or an evaluation may load a model that is kept; a library has none to serve."""
    looked = [use for use in project.uses("load-model") if about_model(use)]
    sites = [_load_site(project, use, kept) for use in looked if kept.has(_path(project, use))]
    if sites:
        return met_best(sites, 5)
    if project.is_published_package:
        return unknown("a package for others, in which nothing predicts with a saved model")
    if nothing_judged(project):
        return unknown(NO_TRAINING)
    return missing_in_code(project, "nothing loads a named version of a model to predict with")


_MODEL_ADDRESS = re.compile(r"(ModelDataUrl|model_data_url|storageUri|modelUri|ModelPackageName)$")
_NAMED_VERSION = re.compile(
    r"\$\{?\w*(Job|Version|Id|Sha|Tag|Hash)|/v?\d+(\.\d+)*/?$|[-_/]v\d+|@sha256|:v?\d", re.IGNORECASE
)


def _deployed_version(project: Project) -> Site | None:
    """The address of a model in what a deployment declares, when it names a version or a job."""
    for file, resource in project.resources:
        for key, value in resource.details:
            registered = key == "model" and value.startswith("azureml:")
            if (registered or _MODEL_ADDRESS.search(key)) and _NAMED_VERSION.search(value):
                said = f"{resource.kind} {resource.name} serves a model by its version"
                return Site(1.0, said, file.at(resource.line), key=resource.name)
    for use in project.calls(*_PACKAGES):
        return Site(1.0, f"{use.call.name} takes a version of the registry", use.where, key=use.call.name)
    return None


_PACKAGES = ("sagemaker.ModelPackage", "sagemaker.model.ModelPackage")


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where models of a project lie: paths that runs overwrite, paths that git or DVC version, and images."""

    overwritten: frozenset[str]
    versioned: frozenset[str]
    by_dvc: frozenset[str]
    """Those that DVC keeps, each run of them."""
    baked: bool
    tagged: bool

    def has(self, path: str) -> bool:
        """Whether the file is versioned, named from the root or from the folder of the code that loads it."""
        folders = [path[:end] for end, character in enumerate(path) if character == "/"]
        return any(place in self.versioned for place in (path, *folders)) or any(
            path and kept.endswith("/" + path) for kept in self.versioned
        )

    def loses(self, path: str) -> bool:
        """Whether a run overwrites the file, and nothing keeps what was there."""
        return path in self.overwritten and path not in self.by_dvc


def _kept(project: Project) -> _Kept:
    return _Kept(
        overwritten=frozenset(filter(None, (_path(project, use) for use in project.uses("save-model")))),
        versioned=frozenset(_versioned_files(project)),
        by_dvc=frozenset(_dvc_outs(project)),
        baked=_baked_models(project),
        tagged=_tags_images(project),
    )


def _baked_models(project: Project) -> bool:
    return any(
        row.op in ("COPY", "ADD") and any(_copies_model(project, word) for word in row.value.split()[:-1])
        for _, container in project.containers
        for row in container.instructions
    )


def _copies_model(project: Project, source: str) -> bool:
    """Whether what an image copies is a model: a folder of the project called so may hold code alone."""
    if source.endswith((".py", ".txt", ".toml")) or not re.search(r"model|\.pkl|\.joblib|\.onnx|artifact", source):
        return False
    folder = source.removeprefix("./").strip("/") + "/"
    held = [file for file in project.files if f"/{file.path}".find(f"/{folder}") >= 0]
    return not held or any(file.role == "model" or not file.path.endswith((".py", ".md")) for file in held)


_VERSION_TAG = re.compile(r":[\w.-]*?(\$|v?\d+\.\d+|\d{8})")
_IMAGE_COMMAND = re.compile(r"\b(docker|podman|buildah|gcloud|az|bentoml)\b.*\b(build|push|tag|buildx|bake|deploy)\b")


def _tags_images(project: Project) -> bool:
    """Whether some build, release or deployment names images of the project by a version."""
    for file, automation in project.automations:
        for job in () if file.shared else automation.jobs:
            for step in job.steps:
                inputs = " ".join(value for name, value in step.inputs if name in ("tags", "image", "images"))
                if "docker/metadata-action" in step.uses or _VERSION_TAG.search(inputs):
                    return True
    own = (c for c in project.commands if c.origin != "document" and not project.by_path[c.where.path].shared)
    texts = (command.text for command in own)
    return any(_IMAGE_COMMAND.search(text) and _VERSION_TAG.search(text) for text in texts)


def _versioned_files(project: Project) -> Iterator[str]:
    """Model files that a commit names: tracked by git, LFS or DVC."""
    for file in project.files:
        if file.role == "model" and file.tracked:
            yield file.path
        yield from (row.path for row in file.facts.tracked)
    yield from _dvc_outs(project)


def _dvc_outs(project: Project) -> Iterator[str]:
    yield from (out for _, stage in project.stages if stage.tool == "dvc" for out in stage.outs)


def _path(project: Project, use: Use) -> str:
    """The path that a load reads, where nothing but code decides it."""
    place = Place(use.file, use.call.scope)
    call = _opening(use) or use.call
    path = path_at(project, place, call) or literal_path(call)
    return "" if path.startswith("{") else path  # The folder is given, and it may name a version.


def _load_site(project: Project, use: Use, kept: _Kept) -> Site:
    call = use.call
    path = _path(project, use)
    values = [arg.value for arg in call.args]
    if any(value.kind == "call" and value.text in _NEWEST for value in values):
        return Site(0.0, "loads whatever file is newest", use.where, key=call.name)
    text = constant(call, "0", "model_uri")
    if isinstance(text, str) and _REGISTRY_URI.match(text):
        return Site(1.0, f"loads {text}", use.where, key=text)
    if call.system in _REGISTRIES:
        return Site(1.0, f"{call.name} loads from a registry", use.where, key=call.name)
    if kept.baked and kept.tagged:
        return Site(1.0, "the model is baked into an image that is tagged with a version", use.where, key=call.name)
    if kept.has(path) and not kept.loses(path):
        return Site(0.5, f"loads {path}, whose version is that of the commit", use.where, key=path)
    if kept.baked:
        said = "the model is copied into an image that no file gives a version"
        return Site(0.25, said, use.where, key=call.name)
    if path in kept.overwritten and kept.has(path):
        said = f"loads {path}, which a commit keeps and every training run overwrites"
        return Site(0.25, said, use.where, key=path)
    if path and path in kept.overwritten:
        return Site(0.0, f"loads {path}, which every training run overwrites", use.where, key=path)
    if path:
        return Site(0.0, f"loads {path}, a path that names no version", use.where, key=path)
    if released := _released(use):
        return Site(1.0, f"loads the release {released}", use.where, key=released)
    if any(map(_is_model_path, kept.versioned)):
        said = f"{call.name} loads from a path that is given, and a commit names the model's version"
        return Site(0.5, said, use.where, key=call.name)
    said = f"{call.name} loads from a path that is given: a version can be, and none is named"
    return Site(0.5, said, use.where, key=call.name)


def _opening(use: Use) -> Call | None:
    """The `with open("model.pkl", "rb") as f` around `pickle.load(f)`."""
    value = argument(use.call, "0", "file", "f")
    if value is None or value.kind != "name":
        return None
    before = [
        call
        for call in use.file.calls
        if call.name.rpartition(".")[2] == "open"
        and value.text in call.targets
        and call.scope == use.call.scope
        and use.call.line - _NEAR <= call.line <= use.call.line
    ]
    return before[-1] if before else None


_NEAR = 5
"""Lines between a file that is opened and what is read from it: the same name is opened again and again."""


_RELEASE = re.compile(r"/releases?/(download/)?(v?\d[\w.]*)/|/v\d+(\.\d+)+/")


def _released(use: Use) -> str:
    """The release that a fixed address names: ".../releases/download/v3.0/weights.pth" -> "v3.0"; "" if none."""
    texts = [text for arg in use.call.args for text in strings(arg.value)]
    found = next((m for text in texts if is_remote(text) and (m := _RELEASE.search(text))), None)
    return found[0].strip("/").rpartition("/")[2] if found else ""


# -------------------------------------------------------------------------------------------------------------- VER010

_LONG_PROMPT = 200


def prompts_versioned(project: Project) -> Verdict:
    """VER010: prompts stand in files, named constants or a registry, where a change of them can be seen."""
    sites = [_prompt_site(use) for use in project.uses("call-llm", "prompt", reached="any", notebooks=False)]
    found = [site for site in sites if site is not None]
    if not found:
        return met(Site(1.0, "no long prompt is written at a call"))
    return each(*found)


def _prompt_site(use: Use) -> Site | None:
    longest = max((_longest(arg.value) for arg in use.call.args), default=0)
    if longest > _LONG_PROMPT:
        return Site(0.0, f"a prompt of {longest} characters is written at the call", use.where, key=use.call.name)
    return Site(1.0, "the prompt comes from a name or a file", use.where, key=use.call.name)


def _longest(value: object, depth: int = 6) -> int:
    from mlready.facts.rows import Value

    if not isinstance(value, Value) or depth == 0:
        return 0
    own = value.length or (len(value.scalar) if value.kind == "const" and isinstance(value.scalar, str) else 0)
    own = max(own, len(value.text) if value.kind == "fstring" else 0)
    return max([own, *(_longest(item, depth - 1) for item in (*value.items, *value.values))])
