"""Checks of the factor "no training-serving skew": the same preprocessing, environment and embedding on both sides.

What the flow analysis finds about splits stands in `leaks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mlready.facts.rows import Call, Value
from mlready.findings import Location, Site, Verdict, hazard, met, met_best, missing, not_applicable, unknown
from mlready.project.graph import Node
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.artifacts import Made, Place, Tracer, made_by_callers, made_of, returned_by
from mlready.rules.checks.common import argument, functions, literal_path, missing_in_code
from mlready.rules.checks.followed import named_for_predicting, not_followed, training_calls, trains
from mlready.rules.checks.reuse import NOT_DATA, applied_to_held_out, one_step_for_both, predicts_other_rows
from mlready.rules.checks.sides import (
    PREPARES,
    apart,
    is_layer,
    predicting_side,
    preprocessing,
    training_side,
)

_ONLINE = ("partial_fit", "learn_one", "learn_many", "update")
_FIT = ("fit", "fit_transform", "fit_resample", "fit_predict", "train")


# ------------------------------------------------------------------------------------------------------ SKW001, SKW002


def preprocessing_shared(project: Project) -> Verdict:
    """SKW001: predictions go through the preprocessing of training."""
    reason = not_followed(project)
    named, place = next(named_for_predicting(project), ("", None))
    if not (reason or named or trains(project)):
        return not_applicable("nothing is trained")
    training, predicting = training_side(project), predicting_side(project)
    saved = _saved(project)
    found = _shared_by(project, training, predicting, saved) or one_step_for_both(project)
    if found is not None:
        return met(_with_own(project, found, training, predicting))
    anew = next(_refitted_in_batches(project), None)
    if anew is not None:
        return missing(anew.message, anew.where, key=anew.key)
    loads = _loads(project, predicting)
    if reason:
        return unknown(reason)
    if not predicting or not loads:
        if named:
            return unknown(f"{named} is named for predicting ({place}), and how rows come to it cannot be told")
        half = _shared_in_part(project, training, saved)
        other = next(predicts_other_rows(project), None)
        if half and other is None:
            return met(half)
        elsewhere = next(project.uses("load-model"), None)
        if elsewhere is not None:
            return unknown(f"a model is loaded ({elsewhere.where}), and how new rows come to it cannot be told")
        if other is not None:
            return unknown(
                f"{other.path} predicts the rows of another file where it trains; how they are prepared cannot be told"
            )
        return missing("no code takes new rows through the preprocessing of training")
    if not project.serving_nodes:
        judged = _judged(project, training, saved)
        if judged is not None:
            return met(judged)
    again = _put_together_again(project, training, predicting)
    if again is not None:
        return missing(again.message, again.where, key=again.key)
    if any(made == "" for _, made in saved) or not saved:
        return unknown("what the artifact holds that predictions load cannot be told")
    both = _imported_by_both(project, training, predicting)
    if both is not None:
        return unknown(f"both sides import {both.path}, and whether both prepare data by it cannot be told")
    own = _own_of_predictions(project, training, predicting)
    if own is not None:
        return missing(
            "predictions prepare their data by code that training does not run", own.where, key=own.call.name
        )
    return missing_in_code(
        project, "predictions reach no preprocessing of training, and load no artifact that contains it"
    )


def _own_of_predictions(project: Project, training: frozenset[Node], predicting: frozenset[Node]) -> Use | None:
    """What only predictions do to their data."""
    aside = predicting - training
    changes = (use for use in preprocessing(project) if not _LEAVES_OUT.search(use.call.name))
    changes = (use for use in changes if use.call.name != ".transform")  # Of what was fitted elsewhere and is loaded.
    return next((use for use in changes if use.node in aside and _feeds(use)), None)


_PUT_TOGETHER = re.compile(r"^(torchvision\.transforms(\.v2)?|albumentations|monai\.transforms|torchio)\.Compose$")


def _put_together_again(project: Project, training: frozenset[Node], predicting: frozenset[Node]) -> Site | None:
    """The transforms of pictures or sound that a service writes out beside those of training: two lists to keep alike."""
    made = [Use(file, call) for file in project.code_files for call in file.calls if _PUT_TOGETHER.match(call.name)]
    for use in made:
        twin = next(
            (u for u in made if u.node in training - predicting and not apart(u.file.path, use.file.path)), None
        )
        if use.node in predicting - training and twin is not None:
            words = f"predictions put their transforms together again, beside those of training in {twin.where}"
            return Site(0.0, words, use.where, key=use.call.name)
    return None


_LEAVES_OUT = re.compile(r"\.(dropna|drop_duplicates)$")
"""What takes rows away and changes none."""


def _with_own(project: Project, found: Site, training: frozenset[Node], predicting: frozenset[Node]) -> Site:
    """What both sides share counts half where predictions also prepare data by code of their own."""
    own = _own_of_predictions(project, training, predicting)
    if own is None:
        return found
    words = f"{found.message}, and {own.call.name} in {own.where} prepares it in its own way"
    return replace(found, credit=min(found.credit, 0.5), message=words)


def _shared_by(
    project: Project, training: frozenset[Node], predicting: frozenset[Node], saved: list[tuple[Use, Made]]
) -> Site | None:
    """What both sides go through: a feature store, a function, an artifact, a module."""
    shared = _feature_store(project, training, predicting) or _shared_function(project, training & predicting)
    shared = shared or _dataset_of_both(project, training, predicting)
    if shared is not None:
        return shared
    kept = _artifact(project, saved, predicting)
    module = None if kept else _shared_module(project, training, predicting)
    if module is None:
        return kept
    return Site(0.8, f"training and predictions import {module.path}", module.at(0), key=module.path)


def _shared_in_part(project: Project, training: frozenset[Node], saved: list[tuple[Use, Made]]) -> Site | None:
    """Half: the model is judged on data that went the way of training, or is saved whole; nothing takes a new row."""
    judged = _judged(project, training, saved)
    if judged is not None:
        return judged
    alike = applied_to_held_out(project, training)
    if alike is not None:
        return alike
    whole = next((use for use, made in saved if made == "whole"), None)
    if whole is None:
        handed = _handed_on(project)
        words = "and nothing predicts with it"
        return replace(handed, credit=_SAVED_ONLY, message=f"{handed.message}, {words}") if handed else None
    words = f"{whole.call.name} saves the model with its preprocessing, and nothing here predicts with it"
    return Site(_SAVED_ONLY, words, whole.where, key="artifact")


def _judged(project: Project, training: frozenset[Node], saved: list[tuple[Use, Made]]) -> Site | None:
    shared = _shared_by(project, training, predicting_side(project, judges=True), saved)
    if shared is None:
        return None
    return replace(shared, credit=0.5, message=f"{shared.message}: only to judge the model, nothing takes a new row")


_SAVED_ONLY = 0.25
"""Of a model that is saved whole and that nothing predicts with: SKW002 counts the artifact."""


def _feature_store(project: Project, training: frozenset[Node], predicting: frozenset[Node]) -> Site | None:
    stores = {use.node for use in project.uses("feature-store")}
    if not (stores & training and stores & predicting):
        return None
    use = next(use for use in project.uses("feature-store") if use.node in predicting)
    return Site(1.0, "training and predictions read the same feature store", use.where, key="feature-store")


def _shared_function(project: Project, both: frozenset[Node]) -> Site | None:
    """A function of the project that prepares data and runs on both sides."""
    prepares = {use.node for use in preprocessing(project) if _is_function(use)}
    for file in project.work_files:
        for number, name in functions(file):
            node = (file.path, number)
            if node not in both or NOT_DATA.search(name.lower()) or is_layer(file, number):
                continue
            if node in prepares or PREPARES.search(name):
                where = file.at(file.python.scopes[number].line) if file.python else None
                return Site(1.0, f"{name} prepares data for training and for predictions", where, key=name)
    return None


def _dataset_of_both(project: Project, training: frozenset[Node], predicting: frozenset[Node]) -> Site | None:
    """A class of a library that makes the inputs of its data for both sides; a bare container of arrays prepares nothing."""
    made: dict[str, list[Use]] = {}
    for file in project.work_files:
        for call in file.calls:
            root, _, last = call.name.partition(".")
            if last.endswith("Dataset") and root not in project.local_roots and not project.vocabulary.system_of(root):
                made.setdefault(call.name, []).append(Use(file, call))
    for name, uses in made.items():
        if any(use.node in training for use in uses):
            use = next((use for use in uses if use.node in predicting - training), None)
            if use is not None:
                return Site(1.0, f"training and predictions take their inputs from {name}", use.where, key=name)
    return None


def _is_function(use: Use) -> bool:
    return use.scope.kind == "function" and not use.scope.name.endswith(">")


def _shared_module(project: Project, training: frozenset[Node], predicting: frozenset[Node]) -> ProjectFile | None:
    """A module of which functions prepare data on both sides, beside those that train."""
    prepares = [use for use in preprocessing(project) if use.call.scope and use.file.facts.notebook is None]
    trained, predicted = ({u.file.path for u in prepares if u.node in nodes} for nodes in (training, predicting))
    trained -= {use.file.path for use in training_calls(project)}
    return next((use.file for use in prepares if use.file.path in trained & predicted), None)


def _imported_by_both(project: Project, training: frozenset[Node], predicting: frozenset[Node]) -> ProjectFile | None:
    """A module with preprocessing in its classes or functions that both sides load; they may find them by name."""
    loaded = {path for path, _ in training} & {path for path, _ in predicting}
    inside = (use for use in preprocessing(project) if use.file.path in loaded and use.call.scope)
    return next((use.file for use in inside if use.file.facts.notebook is None), None)


_SHOWN = re.compile(r"plot|chart|figure|\bui\b|dashboard|frontend|report|streamlit|view|validat|_ids?$", re.IGNORECASE)


def _feeds(use: Use) -> bool:
    """Whether what is prepared may go to a model that is in use: not for show, no identifier, not to be checked, not in a notebook."""
    return use.file.facts.notebook is None and not _SHOWN.search(f"{use.file.path} {use.scope.name}")


def _loads(project: Project, predicting: frozenset[Node]) -> list[Use]:
    """Where predictions load a model: code before notebooks, what serves before what scores."""
    found = [use for use in project.uses("load-model") if use.node in predicting]
    return sorted(found, key=lambda u: (u.file.facts.notebook is not None, not project.reaches(u.node, "serving")))


def _artifact(project: Project, saved: list[tuple[Use, Made]], predicting: frozenset[Node]) -> Site | None:
    """What predictions load of what training saves with its preprocessing, or beside it."""
    loads = _loads(project, predicting)
    for use in loads:
        kept = [made for other, made in saved if _linked(project, other, use)]
        if "whole" in kept:
            return Site(1.0, "predictions load the model with its preprocessing", use.where, key="artifact")
        if "" in kept and _unpacks_both(project, use):
            words = "predictions load the model and its preprocessing from one file"
            return Site(1.0, words, use.where, key="artifact")
    named = [use for use in loads if _TRANSFORMER.search(" ".join((literal_path(use.call), *use.call.targets)))]
    applied = any(use.node in predicting and _applies(use.call) for use in project.calls(".transform"))
    for use in named or (loads if applied else ()):
        beside = [m for o, m in saved if o.file.facts.notebook is None and _linked(project, o, use)]
        if "transformer" in beside:
            words = "predictions load the model and the preprocessing beside it"
            return Site(0.8, words, use.where, key="artifact")
    return None


def _unpacks_both(project: Project, loaded: Use) -> bool:
    """`dv, model = pickle.load(f)`, where one of the names transforms and another one predicts."""
    names = set(loaded.call.targets)
    calls = [use.call for use in project.calls(".transform", ".predict", ".predict_proba") if use.file == loaded.file]
    transforms = {call.receiver for call in calls if call.name.endswith(".transform") and call.receiver in names}
    return bool(transforms) and any(call.receiver in names - transforms for call in calls)


_TRANSFORMER = re.compile(
    r"scal(er|ing)|encod|token|vocab|pre_?proc|(^|[_\W])prep_|vectori[sz]|transform(?!ers)|imput|\bpca\b", re.I
)
"""Names of what prepares data, as it is loaded."""


def _applies(call: Call) -> bool:
    """Whether a `.transform` is one of a fitted object: not `groups.transform("mean")`."""
    value = argument(call, "0", "X")
    return value is not None and value.kind != "const" and "groupby" not in f"{call.name} {call.receiver}"


_MANY = 8
"""Folders that train, from which on a repository is a collection of projects."""


def _linked(project: Project, saved: Use, loaded: Use) -> bool:
    """Whether what is saved may be what is loaded: the names agree where both are told, and a collection keeps them apart."""
    names = [literal_path(use.call).replace("\\", "/").rpartition("/")[2] for use in (saved, loaded)]
    if all(names) and "{" not in "".join(names) and names[0] != names[1]:
        return False
    one, other = saved.file.path, loaded.file.path
    folders = {entry.path.partition("/")[0] for entry in project.training_entries if "/" in entry.path}
    if len(folders) > _MANY:
        return one.partition("/")[0] == other.partition("/")[0]
    return not apart(one, other)


def preprocessing_in_artifact(project: Project) -> Verdict:
    """SKW002: what is saved contains its preprocessing, or preprocessing is saved beside it."""
    saved = _saved(project)
    handed = _handed_on(project)
    if handed is not None:
        return met(handed)
    beside = [use for use, made in saved if made == "transformer"]
    doubtful = {use.file.path for use, made in saved if made == "" and _may_be_preprocessing(use)}
    kept = [
        (use, made)
        for use, made in saved
        if made not in ("model", "weights") or not (_has_beside(use, beside) or use.file.path in doubtful)
    ]
    sites = [site for use, made in kept if (site := _saved_site(project, use, made, saved)) is not None]
    if sites:
        return met_best(sites, 3)
    if any(made == "" for _, made in saved):
        return unknown("what is saved comes from code that does not tell")
    catalogued = next(_catalogued(project), None)
    if not saved and catalogued is not None:
        return unknown(
            f"a catalog stores the model that a step returns ({catalogued}), and what it holds cannot be told"
        )
    if not saved and (project.has("checkpoint") or project.imports_trait("keeps-checkpoints")):
        return unknown("a framework saves the weights of a network, and where its preprocessing goes cannot be told")
    if any(made == "weights" for _, made in saved):
        return unknown("weights of a network are saved, and no preprocessing is fitted")
    if beside:
        return unknown("preprocessing is saved, and no model that it belongs to was found")
    if saved:
        return not_applicable("what is saved takes its data as they are")
    reason = _not_seen_saving(project)
    if reason:
        return unknown(reason)
    written = next((use for use in project.calls(*_MAY_SAVE) if use.call.name in _MAY_SAVE), None)
    if written is not None:
        return unknown(
            f"what {written.call.receiver or 'an object'}{written.call.name} writes cannot be told ({written.where})"
        )
    if not trains(project):
        return not_applicable("nothing is trained")
    return missing_in_code(project, "no model is saved, with its preprocessing or without")


def _not_seen_saving(project: Project) -> str:
    """Why a model may be saved though no call that saves one was found."""
    automatic = next(project.uses("autolog"), None)
    if automatic is not None and automatic.call.system == "mlflow":
        return f"{automatic.call.name} saves what is fitted ({automatic.where}), and what that holds cannot be told"
    return not_followed(project)


_MAY_SAVE = (".save", ".save_model", ".export", ".save_weights", ".save_pretrained")


def _catalogued(project: Project) -> Iterator[Location]:
    """Where a catalog of Kedro says that what a step returns is stored as a model or an object, not as a table."""
    for file in project.matching("catalog*.yml", "catalog*.yaml", "conf/**/catalog/**.yml"):
        for row in file.facts.settings:
            if row.key.endswith(".type") and re.search(r"[Pp]ickle|\w*Model\w*Data[Ss]et", str(row.value)):
                yield file.at(row.line)


def _saved(project: Project) -> list[tuple[Use, Made]]:
    """Each call that saves something other than data, and what it saves; a table or an array is no artifact."""
    found: list[tuple[Use, Made]] = []
    trace = Tracer(project)
    for use in project.uses("save-model"):
        for made in _all_made(trace, use):
            if made in ("whole", "") and _is_named_preprocessing(use):
                made = "transformer"
            if made != "data" and not (made == "" and _may_be_cache(use)):
                found.append((use, made))
    return found


def _is_named_preprocessing(use: Use) -> bool:
    """Whether what is saved is named as preprocessing, and as no model: a Pipeline may hold nothing else."""
    return _says_preprocessing(f"{_words_of(use)} {use.scope.name}")


def _says_preprocessing(words: str) -> bool:
    return bool(_TRANSFORMER.search(words)) and not _MODEL.search(words)


def _all_made(trace: Tracer, use: Use) -> list[Made]:
    """What a call saves; a helper, each kind of thing that it is given."""
    value = argument(use.call, "0", "obj", "value")
    if value is None or value.kind != "name":
        return [_made(trace, use)]
    return sorted(made_by_callers(trace, Place(use.file, use.call.scope), value.text)) or [_made(trace, use)]


def _handed_on(project: Project) -> Site | None:
    """A step of a pipeline that returns the whole model: the orchestrator stores what a step returns."""
    steps = {use.call.name for use in project.uses("pipeline-step", notebooks=False)}
    for file in project.code_files if steps else ():
        for number, scope in enumerate(file.python.scopes if file.python else ()):
            if not any(decorator.text in steps for decorator in scope.decorators) or _says_preprocessing(scope.name):
                continue
            if returned_by(Tracer(project), file, number, told=True) == "whole":
                words = f"step {scope.name} hands on the model with its preprocessing"
                return Site(1.0, words, file.at(scope.line), key=scope.name)
    return None


_CACHES = re.compile(
    r"cache|label|image|vec|embedding|index|result|pred|history|split|dict|_df\b|data|metric|oof", re.I
)


def _may_be_cache(use: Use) -> bool:
    """Whether the words of a call that writes any object speak of something else than a model; one that takes models only does not."""
    only_models = re.search(r"(log|save)_model$", use.call.name)
    return only_models is None and _CACHES.search(_words_of(use)) is not None


_TURNS_INPUT = re.compile(r"Tokenizer|Processor|FeatureExtractor")
"""Classes that turn raw input into what a pretrained model takes: saving one is saving the preprocessing."""


def _words_of(use: Use) -> str:
    return " ".join((literal_path(use.call), use.call.receiver, *_texts(use.call)))


def _made(trace: Tracer, use: Use) -> Made:
    if "pyfunc" in use.call.name:
        return "whole"
    if _TURNS_INPUT.search(use.call.name.rpartition(".")[0]):
        return "transformer"
    place = Place(use.file, use.call.scope)
    value = argument(use.call, "sk_model", "model", "python_model", "0", "obj", "value", "pytorch_model")
    own = trace.project.vocabulary.system_of(use.call.name.split(".")[0]) if not use.call.name.startswith(".") else ""
    if use.call.receiver and (value is None or value.kind in ("const", "fstring", "call")) and own != "python":
        return made_of(trace, place, Value("name", use.call.receiver)) or _by_method(trace.project, use)
    return made_of(trace, place, value)


def _by_method(project: Project, use: Use) -> Made:
    """`model.save(path)` of a framework's class."""
    holder = use.call.name.rpartition(".")[0]
    traits = project.vocabulary.traits(holder)
    if "pipeline" in traits:
        return "whole"
    return "weights" if holder.startswith(("keras", "tensorflow", "torch", "transformers")) else ""


def _saved_site(project: Project, use: Use, made: Made, saved: list[tuple[Use, Made]]) -> Site | None:
    words = literal_path(use.call) or use.call.name
    key = use.call.name
    match made:
        case "whole":
            return Site(1.0, f"{words} holds the model with its preprocessing", use.where, key=key)
        case "transformer" if _in_directory_of_model(use, saved):
            return Site(1.0, f"{words} keeps the preprocessing in the directory of the model", use.where, key=key)
        case "transformer" if _has_model(use, saved):
            return Site(0.8, f"{words} keeps the preprocessing beside the model", use.where, key=key)
        case "model" | "weights" if _fitted_before(project, use, network=made == "weights"):
            return Site(0.0, f"{words} holds the model without its preprocessing", use.where, key=key)
    return None


def _has_beside(model: Use, transformers: list[Use]) -> bool:
    """Whether preprocessing is saved by the same file, or by other code of the same project; notebooks stand alone."""
    for use in transformers:
        code = use.file.facts.notebook is None and model.file.facts.notebook is None
        if use.file.path == model.file.path or (code and not apart(use.file.path, model.file.path)):
            return True
    return False


def _may_be_preprocessing(use: Use) -> bool:
    """Whether code saves something unclear that is not named as a model."""
    return use.file.facts.notebook is None and not _MODEL.search(f"{use.call.name} {_words_of(use)}")


def _in_directory_of_model(transformer: Use, saved: list[tuple[Use, Made]]) -> bool:
    """Whether a tokenizer is saved into the directory that the same code saves the model to: one loads as the other does."""
    place = argument(transformer.call, "0", "save_directory")
    return transformer.call.name.endswith("save_pretrained") and any(
        use.node == transformer.node and made != "transformer" and argument(use.call, "0", "output_dir") == place
        for use, made in saved
    )


def _has_model(transformer: Use, saved: list[tuple[Use, Made]]) -> bool:
    """Whether a model is saved that a transformer may belong to: by the same helper, in the same project of a collection."""
    value = argument(transformer.call, "0", "obj", "value")
    if value is not None and value.kind == "name" and value.text in {param.name for param in transformer.scope.params}:
        return True
    models = (
        use
        for use, made in saved
        if made in ("model", "weights", "whole") or (made == "" and _MODEL.search(_words_of(use)))
    )
    return any(not apart(transformer.file.path, use.file.path) for use in models)


_MODEL = re.compile(r"model|clf|classifi|regress|estimator|forest|\bnet\b|learner|booster", re.IGNORECASE)


def _fitted_before(project: Project, use: Use, *, network: bool) -> bool:
    """Whether something is fitted to the data, beside the model, in the run that saves it, or in a step beside it."""
    fitted = [
        other
        for other in preprocessing(project)
        if "transformer" in _traits(project, other.call) and "stateless" not in _traits(project, other.call)
    ]
    files = {other.file.path for other in fitted}
    if use.file.path in files:
        return not (network and use.file.facts.notebook is not None)  # A notebook may fit for another of its models.
    if network:  # A network's data is prepared by what its training imports, if by anything.
        return not files.isdisjoint(project.graph.imports.get(use.file.path, ()))
    nodes = {other.node for other in fitted}
    if use.file.facts.notebook is None and "/" in use.file.path:
        folder = use.file.path.partition("/")[0] + "/"
        if any(path.startswith(folder) and (path, n) in project.reached_nodes for path, n in nodes):
            return True
    return any(use.node in reach and not nodes.isdisjoint(reach) for reach in project.entry_reaches)


def _traits(project: Project, call: Call) -> frozenset[str]:
    """Traits of what a call makes: of the class, also of the object behind `.fit`."""
    holder, _, last = call.name.rpartition(".")
    traits = project.vocabulary.traits
    return traits(call.name) | (traits(holder) if last in ("fit", "fit_transform") else frozenset())


def _texts(call: Call) -> Iterator[str]:
    for arg in call.args:
        yield arg.value.text


# -------------------------------------------------------------------------------------------------------------- SKW004


def no_fitting_in_serving(project: Project) -> Verdict:
    """SKW004: nothing is fitted while requests are answered, or in a pipeline that predicts."""
    refitted = list(_refitted_in_batches(project))
    if not project.serving_nodes:
        return hazard(refitted, units=len(refitted)) if refitted else not_applicable("nothing answers requests")
    units = len({u.node for u in project.uses("preprocess", "fit", "train", reached="serving", notebooks=False)})
    broken, seen = [], set()
    for use in project.uses("fit", "train", "preprocess", "tune", reached="serving", notebooks=False):
        last = use.call.name.rpartition(".")[2]
        place = (use.file.path, use.call.line)
        if any(number for _, number in project.graph.resolve(use.file.path, use.call.name)):
            continue  # A method of the project's own: what it fits inside is judged there.
        if last not in _FIT or place in seen or _learns_online(project, use) or not _is_called(project, use):
            continue
        if _trains_on_purpose(use) or _explores(use) or _fits_for_others(project, use):
            continue
        seen.add(place)
        what = use.call.receiver or use.call.name
        when = "while a request waits" if use.call.scope else "when the service starts"
        message = f"{what}.{last} runs {when}" if use.call.receiver else f"{use.call.name} runs in serving"
        broken.append(Site(0.0, message, use.where, key=f"{what}.{last}", certain=_is_certain(use)))
    broken += refitted
    return hazard(broken, units=max(units, len(broken)))


def _refitted_in_batches(project: Project) -> Iterator[Site]:
    """What an orchestrator's pipeline fits that predicts and trains nothing: encoders learned anew from its own input."""
    decorators = {use.call.name for use in project.uses("orchestrate", notebooks=False)}
    for file in project.code_files if decorators else ():
        for number, scope in enumerate(file.python.scopes if file.python else ()):
            if not _PREDICTING.search(scope.name) or not any(d.text in decorators for d in scope.decorators):
                continue
            reach = project.graph.reach([(file.path, number)])
            if any(use.node in reach for use in project.uses(*TRAIN_ACTIVITIES)):
                continue
            fitted = (use for use in project.uses("fit", "preprocess", notebooks=False) if use.node in reach)
            first = next(
                (use for use in fitted if not _trains_on_purpose(use) and _fits_transformer(project, use)), None
            )
            if first is not None:
                what = f"{first.call.receiver or first.call.name}.{first.call.name.rpartition('.')[2]}"
                words = f"{what} learns from what {scope.name} is to predict"
                yield Site(0.0, words, first.where, key=what, certain=False)


_PREDICTING = re.compile(r"(^|_)(predict\w*|infer(ence|ring)?|scor(e|ing))(_|$)", re.IGNORECASE)


def _fits_transformer(project: Project, use: Use) -> bool:
    """Whether a call fits, by itself or inside a class of the project, something that learns from rows."""
    if use.call.name.rpartition(".")[2] not in ("fit", "fit_transform"):
        return False
    own = [node for node in project.graph.resolve(use.file.path, use.call.name) if node[1]]
    inside = {method for node in own for method in _methods_beside(project, node)}
    calls = [other.call for other in preprocessing(project) if other.node in inside] if own else [use.call]
    learned = (_traits(project, call) for call in calls)
    return any("transformer" in traits and "stateless" not in traits for traits in learned)


def _methods_beside(project: Project, node: Node) -> Iterator[Node]:
    """The methods of the class that a method belongs to: `fit_transform` calls `self.fit`."""
    path, number = node
    python = project.by_path[path].python
    scopes = python.scopes if python else ()
    yield from ((path, other) for other, scope in enumerate(scopes) if scope.parent == scopes[number].parent)


_TRAINS = re.compile(
    r"(^|[_./])(re)?train(er|ers|ing)?([_./]|$)|(^|[_.])(re)?fit([_.]|$)|cross_val|(^|\.)__init__$", re.I
)


def _trains_on_purpose(use: Use) -> bool:
    """Whether a function, class or module is there to train, or sets an object up: it learns from no request."""
    return bool(_TRAINS.search(use.scope.name) or _TRAINS.search(use.file.path))


_EXPLORES = re.compile(r"(^|[_./])(eda|explor\w*|(uni|bi|multi)variate|correlations?)([_./]|$)", re.IGNORECASE)


def _explores(use: Use) -> bool:
    """Whether a function or module is there to look at a table: no prediction waits for what it fits."""
    return bool(_EXPLORES.search(use.scope.name) or _EXPLORES.search(use.file.path))


def _fits_for_others(project: Project, use: Use) -> bool:
    """Whether a function fits or applies an object as its arguments say, and what trains asks for the one, what serves for the other."""
    assert use.file.python is not None
    beside = (call for call in use.file.python.calls if call.scope == use.call.scope)
    applied = any(c.receiver == use.call.receiver and c.name.endswith(".transform") for c in beside)
    if "if" not in use.call.context or not applied or not use.call.receiver:
        return False
    callers = list(_callers(project, use.node))
    asks = {_arguments(caller) for caller in callers if not _trains_on_purpose(caller)}
    given = use.call.receiver in {param.name for param in use.scope.params if param.default is not None}
    if given and asks and all(_passes(use, caller) for caller in callers if not _trains_on_purpose(caller)):
        return True
    return bool({_arguments(caller) for caller in callers if _trains_on_purpose(caller)} - asks)


def _callers(project: Project, node: Node) -> Iterator[Use]:
    for file in project.code_files:
        for call in file.calls:
            if node in project.graph.resolve(file.path, call.name):
                yield Use(file, call)


def _arguments(use: Use) -> tuple[tuple[str, object], ...]:
    """Which arguments a call passes, with the values of those that are constants."""
    return tuple((arg.name, arg.value.scalar) for arg in use.call.args)


def _passes(fits: Use, caller: Use) -> bool:
    """Whether a caller hands over the object that would be fitted else."""
    position = next(i for i, param in enumerate(fits.scope.params) if param.name == fits.call.receiver)
    value = argument(caller.call, fits.call.receiver, str(position))
    return value is not None and value.kind != "const"


def _is_called(project: Project, use: Use) -> bool:
    """Whether the function that fits is called in serving: making an object does not run all of its methods."""
    python = use.file.python
    assert python is not None
    scope = use.scope
    method = scope.parent > 0 and python.scopes[scope.parent].kind == "class"
    name = scope.name.rpartition(".")[2]
    if not method or name.startswith("__"):
        return True
    nodes = project.serving_nodes
    return any(
        (file.path, call.scope) in nodes and call.name.rpartition(".")[2] == name
        for file in project.code_files
        for call in file.calls
    )


def _learns_online(project: Project, use: Use) -> bool:
    return "online" in project.vocabulary.traits(use.call.name) or use.call.name.rpartition(".")[2] in _ONLINE


def _is_certain(use: Use) -> bool:
    """Whether it surely fits a model or transformer per request: not behind a condition, not a training endpoint."""
    if {"if", "try"} & set(use.call.context) or use.call.name == ".fit":
        return False
    if use.scope.name in ("", "<main>") or "fit" in use.call.activities or _of_own_steps(use):
        return False
    return not re.search(r"train|fit|refit|update|build|init|startup|lifespan", use.scope.name, re.IGNORECASE)


def _of_own_steps(use: Use) -> bool:
    """Whether a pipeline is fitted whose steps are classes of somebody else's: they may learn nothing."""
    python = use.file.python
    assert python is not None
    steps = [
        call for call in python.calls if call.scope == use.call.scope and "ipeline" in call.parent.rpartition(".")[2]
    ]
    return "ipeline" in use.call.name and not any("preprocess" in call.activities for call in steps)


def with_service(project: Project, file: ProjectFile, site: Site) -> Site:
    """A site of training, with the service that serves what the file saves."""
    saved = {literal_path(u.call).rpartition("/")[2] for u in project.uses("save-model") if u.file.path == file.path}
    for use in project.uses("load-model", reached="serving", notebooks=False):
        name = literal_path(use.call).rpartition("/")[2]
        if name and name in saved:
            return replace(site, message=f"{site.message}; {use.where} serves this model")
    return site
