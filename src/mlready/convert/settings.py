"""What goes to the configuration: paths, seeds, split sizes, named constants, literals of the last fitted estimator."""

from __future__ import annotations

import ast
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mlready.convert.codemods.source import assigned_value, comments_of
from mlready.convert.display import is_show_call
from mlready.convert.model import Setting, Statement
from mlready.convert.names import RESERVED, identifier
from mlready.convert.tokens import OUTPUT_DIR
from mlready.flow.scopes import FUNCTIONS
from mlready.flow.statements import Imports

SEED_CALLS = frozenset(
    {"numpy.random.seed", "random.seed", "numpy.random.default_rng", "numpy.random.RandomState", "torch.manual_seed"}
    | {"tensorflow.random.set_seed", "tensorflow.set_random_seed", "tensorflow.keras.utils.set_random_seed"}
    | {"numpy.random.PCG64", "numpy.random.MT19937", "numpy.random.SeedSequence", "pytorch_lightning.seed_everything"}
)
SEED_KEYWORDS = frozenset({"random_state", "seed", "random_seed"})
SIZE_KEYWORDS = frozenset({"test_size", "train_size"})
OPENERS = frozenset({"open", "codecs.open", "io.open", "gzip.open", "bz2.open", "h5py.File", "pandas.HDFStore"})
"""What reads or writes by its mode."""
READERS = (
    "pandas.read_",
    "pandas.ExcelFile",
    "geopandas.read_",
    "polars.read_",
    "xarray.open_",
    "networkx.read_",
    "numpy.load",
    "numpy.genfromtxt",
    "numpy.fromfile",
    "scipy.io.loadmat",
    "scipy.io.wavfile.read",
    "librosa.load",
    "matplotlib.pyplot.imread",
    "matplotlib.image.imread",
    "cv2.imread",
    "skimage.io.imread",
    "imageio.imread",
    "PIL.Image.open",
    "joblib.load",
    "torch.load",
    "os.listdir",
)
WRITERS = frozenset(
    {"to_csv", "to_excel", "to_parquet", "to_pickle", "to_json", "to_hdf", "to_feather", "savefig", "save", "savetxt"}
)
_PATHS = ("path read", "path written")
MAX_ITEMS = 30
MAX_ESTIMATOR = 6


@dataclass(frozen=True)
class Extracted:
    settings: tuple[Setting, ...] = ()
    constants: dict[str, int] = field(default_factory=dict)
    """Named constants: name -> index of the statement that is taken up."""
    literals: dict[int, tuple[tuple[ast.Constant, str], ...]] = field(default_factory=dict)
    """Literals that settings replace, by index of the statement."""
    reads: dict[int, frozenset[str]] = field(default_factory=dict)
    """Settings that a statement then reads while it runs."""
    deferred: dict[int, frozenset[str]] = field(default_factory=dict)
    """Settings that functions of a statement then read when called."""

    def reads_of(self, statement: Statement) -> frozenset[str]:
        """Settings that a statement then needs, now or later."""
        return self.reads.get(statement.index, frozenset()) | self.deferred.get(statement.index, frozenset())


@dataclass(frozen=True)
class _Literal:
    """One literal in a call that is to become a setting."""

    statement: Statement
    node: ast.Constant
    base: str
    what: str
    nested: bool


def extract(statements: Sequence[Statement], imports: Imports) -> Extracted:
    """The settings of a notebook and what they change in its statements."""
    constants = named_constants(statements)
    taken = identifiers(statements)
    settings = [setting for setting, _ in constants.values()]
    names: dict[tuple[str, str, object], str] = {}
    literals = _with_repeated_paths(statements, list(_literals(statements, imports)))
    for literal in _by_frequency(literals):
        key = _same(literal)
        if key not in names:
            names[key] = _free_name(literal, taken)
            taken.add(names[key])
            settings.append(_setting(names[key], literal))
    replaced: dict[int, list[tuple[ast.Constant, str]]] = {}
    reads: dict[int, set[str]] = {}
    deferred: dict[int, set[str]] = {}
    for literal in literals:
        index = literal.statement.index
        name = names[_same(literal)]
        replaced.setdefault(index, []).append((literal.node, name))
        (deferred if literal.nested else reads).setdefault(index, set()).add(name)
    for statement in statements:
        for call, nested in _calls(statement.node):
            if is_show_call(call, imports):
                (deferred if nested else reads).setdefault(statement.index, set()).add(OUTPUT_DIR)
    if any(OUTPUT_DIR in names for names in (*reads.values(), *deferred.values())):
        settings.append(Setting(OUTPUT_DIR, "str", '"outputs"', 0, "folder for figures"))
    return Extracted(
        settings=tuple(settings),
        constants={name: statement.index for name, (_, statement) in constants.items()},
        literals={index: tuple(found) for index, found in replaced.items()},
        reads={index: frozenset(found) for index, found in reads.items()},
        deferred={index: frozenset(found) for index, found in deferred.items()},
    )


def identifiers(statements: Iterable[Statement]) -> set[str]:
    """Every name that any scope of the notebook uses, so that a new name cannot hide one."""
    found: set[str] = set()
    for statement in statements:
        found |= statement.flow.binds
        for node in ast.walk(statement.node):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
    return found


# ------------------------------------------------------------------------------------------------- named constants


def named_constants(statements: Sequence[Statement]) -> dict[str, tuple[Setting, Statement]]:
    """Names bound once, at the top level, to a literal, and never changed."""
    binds: Counter[str] = Counter()
    changed: set[str] = set()
    shared: set[str] = set()
    for statement in statements:
        flow = statement.flow
        binds.update(flow.binds | flow.global_writes)
        changed |= flow.mutates | flow.deletes | flow.global_mutates
        shared |= flow.may_mutate | frozenset().union(*(names for _, names in flow.aliases))
    found: dict[str, tuple[Setting, Statement]] = {}
    seen: set[str] = set()
    for statement in statements:
        candidate = _constant(statement)
        if candidate:
            name, annotation, source, mutable = candidate
            once = binds[name] == 1 and name not in changed and name not in seen
            if once and not (mutable and name in shared) and not name.startswith("_"):
                above, beside = comments_of(statement.code)
                told = (*above, beside) if beside else above
                setting = Setting(name, annotation, source, statement.cell, "named constant", told)
                found[name] = (setting, statement)
        seen |= statement.flow.reads
    return found


def _constant(statement: Statement) -> tuple[str, str, str, bool] | None:
    node = statement.node
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        return None
    annotation = literal_type(node.value)
    if not annotation:
        return None
    return node.targets[0].id, annotation, assigned_value(statement.code), annotation.startswith("list")


def literal_type(node: ast.expr) -> str:
    """Annotation for a literal that may stand in a configuration; "" for everything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = literal_type(node.operand)
        return inner if inner in ("int", "float") else ""
    if isinstance(node, ast.Constant):
        fits = isinstance(node.value, bool | int | float | str) and len(str(node.value)) <= 300
        return type(node.value).__name__ if fits else ""
    if isinstance(node, ast.List | ast.Tuple) and 0 < len(node.elts) <= MAX_ITEMS:
        inner_types = [literal_type(element) for element in node.elts]
        if any(not inner or "[" in inner for inner in inner_types):
            return ""
        union = " | ".join(dict.fromkeys(inner_types))
        return f"list[{union}]" if isinstance(node, ast.List) else f"tuple[{union}, ...]"
    return ""


# ------------------------------------------------------------------------------------------------ literals in calls


def _literals(statements: Sequence[Statement], imports: Imports) -> Iterator[_Literal]:
    estimator = _last_estimator(statements)
    readers = _path_parameters(statements, imports)
    for statement in statements:
        for call, nested in _calls(statement.node):
            for base, what, node in (*_of_call(call, imports), *_paths_handed_on(call, readers)):
                yield _Literal(statement, node, base, what, nested)
            if call is estimator:
                for keyword in call.keywords[:MAX_ESTIMATOR]:
                    if keyword.arg and keyword.arg not in SEED_KEYWORDS and _is_scalar(keyword.value):
                        assert isinstance(keyword.value, ast.Constant)
                        yield _Literal(statement, keyword.value, keyword.arg, "final estimator", nested)


def _with_repeated_paths(statements: Sequence[Statement], literals: list[_Literal]) -> list[_Literal]:
    """With the arguments of other calls that repeat a path: one setting says it everywhere."""
    paths = {literal.node.value: literal for literal in literals if literal.what in _PATHS and _tells_path(literal)}
    known = {id(literal.node) for literal in literals}
    for statement in statements:
        for call, nested in _calls(statement.node):
            for node in (*call.args, *(keyword.value for keyword in call.keywords)):
                if isinstance(node, ast.Constant) and node.value in paths and id(node) not in known:
                    same = paths[node.value]
                    literals.append(_Literal(statement, node, same.base, same.what, nested))
    return literals


def _tells_path(literal: _Literal) -> bool:
    """Whether a text cannot be anything but a path: "data" may be a key elsewhere, "data/raw.csv" is not."""
    return bool(re.search(r"[/\\]|\.\w{1,8}$", str(literal.node.value)))


def _calls(root: ast.stmt) -> Iterator[tuple[ast.Call, bool]]:
    """Calls outside of classes and f-strings, and whether they stand in a function."""
    stack: list[tuple[ast.AST, bool]] = [(root, False)]
    while stack:
        node, nested = stack.pop()
        if isinstance(node, ast.ClassDef | ast.JoinedStr):
            continue
        if isinstance(node, ast.Call):
            yield node, nested
        inside = nested or isinstance(node, FUNCTIONS)
        if isinstance(node, FUNCTIONS) and not isinstance(node, ast.Lambda):
            stack.extend((child, True) for child in reversed(node.body))
            continue
        stack.extend((child, inside) for child in reversed(list(ast.iter_child_nodes(node))))


def _of_call(call: ast.Call, imports: Imports) -> Iterator[tuple[str, str, ast.Constant]]:
    name = imports.resolve(call.func)
    yield from _as_path(*_path_argument(call, name))
    for keyword in call.keywords:
        if keyword.arg in SEED_KEYWORDS | SIZE_KEYWORDS and _is_number(keyword.value):
            assert isinstance(keyword.value, ast.Constant)
            what = "seed" if keyword.arg in SEED_KEYWORDS else "split size"
            yield ("seed" if keyword.arg in SEED_KEYWORDS else str(keyword.arg)), what, keyword.value
    if name in SEED_CALLS and call.args and _is_number(call.args[0]):
        assert isinstance(call.args[0], ast.Constant)
        yield "seed", "seed", call.args[0]


def _path_argument(call: ast.Call, name: str) -> tuple[str, ast.expr | None]:
    """What a call does with a path, and the argument that is the path; None where there is none."""
    method = name.rsplit(".", 1)[-1]
    reads = name.startswith(READERS) or (name in OPENERS and not _writes(call))
    writes = method in WRITERS or (name in OPENERS and _writes(call)) or name == "joblib.dump"
    if not reads and not writes:
        return "", None
    position = 1 if name == "joblib.dump" else 0
    named = [k.value for k in call.keywords if k.arg in ("path_or_buf", "filepath_or_buffer", "fname", "path", "file")]
    node = call.args[position] if len(call.args) > position else (named[0] if named else None)
    return "path read" if reads else "path written", node


def _as_path(what: str, node: ast.expr | None) -> Iterator[tuple[str, str, ast.Constant]]:
    """The name, use and node of a path that is written as a literal."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not node.value or "\n" in node.value:
        return
    url = "://" in node.value
    stem = re.split(r"[/\\]", re.sub(r"[?#].*", "", node.value).rstrip("/\\"))[-1].split(".")[0]
    yield f"{identifier(stem) or 'data'}_{'url' if url else 'path'}", what, node


_Parameters = dict[str, tuple[int, str]]


def _path_parameters(statements: Sequence[Statement], imports: Imports) -> dict[str, _Parameters]:
    """Functions of the notebook -> their parameters that are read or written as paths: position, and what is done."""
    found: dict[str, _Parameters] = {}
    for function in (s.node for s in statements if isinstance(s.node, ast.FunctionDef)):
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        for call, _ in _calls(function):
            what, node = _path_argument(call, imports.resolve(call.func))
            if isinstance(node, ast.Name) and node.id in names:
                found.setdefault(function.name, {})[node.id] = (names.index(node.id), what)
    return found


def _paths_handed_on(call: ast.Call, readers: dict[str, _Parameters]) -> Iterator[tuple[str, str, ast.Constant]]:
    """Paths that a function of the notebook is called with."""
    parameters = readers.get(call.func.id, {}) if isinstance(call.func, ast.Name) else {}
    for name, (position, what) in parameters.items():
        given = [*call.args[position : position + 1], *(k.value for k in call.keywords if k.arg == name)]
        for node in given[:1]:
            yield from _as_path(what, node)


def _writes(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and set(str(mode.value)) & set("wax") for mode in modes)


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _is_scalar(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str)


def _last_estimator(statements: Sequence[Statement]) -> ast.Call | None:
    """The constructor call, with its literals, of the object that is fitted last at the top level."""
    made: dict[str, ast.Call] = {}
    last: ast.Call | None = None
    for statement in statements:
        node = statement.node
        for call, nested in _calls(node):
            if isinstance(call.func, ast.Attribute) and call.func.attr == "fit" and not nested:
                owner = call.func.value
                if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name):
                    last = owner
                elif isinstance(owner, ast.Name) and owner.id in made:
                    last = made[owner.id]
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            made[node.targets[0].id] = node.value
    return last


# ------------------------------------------------------------------------------------------------------------ names


def _same(literal: _Literal) -> tuple[str, str, object]:
    """What literals have in common that become one setting: `./a.csv` and `a.csv` are one file."""
    value = literal.node.value
    if isinstance(value, str) and literal.what in _PATHS and "://" not in value:
        value = posixpath.normpath(value)
    return _group(literal), type(value).__name__, value


def _group(literal: _Literal) -> str:
    return literal.what if literal.what != "path written" else "path read"


def _by_frequency(literals: Sequence[_Literal]) -> Iterable[_Literal]:
    """Most used value first, so that it gets the plain name; ties in order."""
    counts = Counter((_group(literal), literal.base, literal.node.value) for literal in literals)
    return sorted(literals, key=lambda literal: -counts[(_group(literal), literal.base, literal.node.value)])


def _free_name(literal: _Literal, taken: set[str]) -> str:
    base = literal.base if literal.base not in RESERVED else f"{literal.base}_value"
    value = identifier(str(literal.node.value))
    candidates = [base]
    if literal.what == "seed":
        candidates += ["random_seed", f"seed_{value}"]
    elif literal.what == "final estimator":
        candidates += [f"model_{base}"]
    else:
        candidates += [f"{base}_{value}"] if len(value) < 20 else []
    for name in candidates:
        if name not in taken:
            return name
    number = 2
    while f"{base}_{number}" in taken:
        number += 1
    return f"{base}_{number}"


def _setting(name: str, literal: _Literal) -> Setting:
    value = literal.node.value
    return Setting(name, type(value).__name__, repr(value), literal.statement.cell, literal.what)
