"""Which calls reach beyond their arguments and which methods change their object: small closed tables of names."""

from __future__ import annotations

from typing import Literal

Effect = Literal["random", "plot", "read", "write", "environment", "print", "display", "network", "dynamic", "input"]

CALL_EFFECTS: dict[str, Effect] = {
    "print": "print",
    "display": "display",
    "IPython.display.display": "display",
    "pprint.pprint": "print",
    "open": "read",
    "input": "input",
    "exec": "dynamic",
    "eval": "dynamic",
    "globals": "dynamic",
    "locals": "dynamic",
    "vars": "dynamic",
    "compile": "dynamic",
    "__import__": "dynamic",
    "setattr": "dynamic",
    "pandas.set_option": "environment",
    "numpy.set_printoptions": "environment",
    "warnings.filterwarnings": "environment",
    "warnings.simplefilter": "environment",
    "logging.basicConfig": "environment",
    "torch.manual_seed": "random",
    "tensorflow.random.set_seed": "random",
    "tensorflow.keras.utils.set_random_seed": "random",
}
"""By full resolved name."""

PREFIX_EFFECTS: tuple[tuple[str, Effect], ...] = (
    ("numpy.random.", "random"),
    ("random.", "random"),
    ("torch.rand", "random"),
    ("matplotlib.", "plot"),
    ("pylab.", "plot"),
    ("seaborn.", "plot"),
    ("plotly.", "plot"),
    ("pandas.read_", "read"),
    ("numpy.load", "read"),
    ("numpy.genfromtxt", "read"),
    ("numpy.fromfile", "read"),
    ("joblib.load", "read"),
    ("pickle.load", "read"),
    ("json.load", "read"),
    ("numpy.save", "write"),
    ("joblib.dump", "write"),
    ("pickle.dump", "write"),
    ("json.dump", "write"),
    ("shutil.", "write"),
    ("os.environ", "environment"),
    ("os.chdir", "environment"),
    ("os.make", "write"),
    ("os.mkdir", "write"),
    ("os.remove", "write"),
    ("os.system", "environment"),
    ("subprocess.", "environment"),
    ("sys.path.", "environment"),
    ("sys.set", "environment"),
    ("requests.", "network"),
    ("urllib.", "network"),
    ("httpx.", "network"),
)

_METHODS: dict[Effect, frozenset[str]] = {
    "write": frozenset(
        {"to_csv", "to_excel", "to_parquet", "to_pickle", "to_json", "to_hdf", "to_feather", "save", "write"}
        | {"write_text", "write_bytes", "mkdir", "unlink", "dump"}
    ),
    "read": frozenset({"read_text", "read_bytes"}),
    "plot": frozenset(
        {"plot", "hist", "boxplot", "plot_tree", "savefig", "imshow", "scatter", "pie", "barh", "hexbin"}
    ),
}
METHOD_EFFECTS: dict[str, Effect] = {name: effect for effect, names in _METHODS.items() for name in names}
"""By the method's name alone."""

MUTATING = frozenset(
    {
        "append",
        "extend",
        "insert",
        "remove",
        "pop",
        "clear",
        "sort",
        "reverse",
        "add",
        "discard",
        "update",
        "setdefault",
    }
    | {"popitem", "fit", "partial_fit", "fit_transform", "fit_predict", "set_params", "compile", "shuffle", "seed"}
    | {"write", "writelines", "close", "fill", "put", "itemset", "resize", "setflags", "move_to_end", "appendleft"}
    | {"popleft", "rotate", "subtract", "intersection_update", "difference_update", "add_edge", "add_node", "execute"}
    | {
        "set_title",
        "set_xlabel",
        "set_ylabel",
        "set_xlim",
        "set_ylim",
        "legend",
        "set",
        "set_index_inplace",
        "load_weights",
    }
    | {
        "add_subplot",
        "add_trace",
        "update_layout",
        "tick_params",
        "set_xticks",
        "set_yticks",
        "step",
        "backward",
        "train",
    }
)
"""Methods that change the object that they are called on."""

PURE_METHODS = frozenset(
    {
        "head",
        "tail",
        "describe",
        "info",
        "copy",
        "mean",
        "median",
        "std",
        "var",
        "min",
        "max",
        "sum",
        "count",
        "nunique",
    }
    | {"unique", "value_counts", "groupby", "agg", "aggregate", "merge", "join", "drop", "dropna", "fillna", "rename"}
    | {"sort_values", "sort_index", "reset_index", "set_index", "astype", "isna", "isnull", "notna", "notnull", "corr"}
    | {
        "cov",
        "quantile",
        "apply",
        "map",
        "applymap",
        "transform",
        "predict",
        "predict_proba",
        "score",
        "decision_function",
    }
    | {"inverse_transform", "query", "sample", "drop_duplicates", "duplicated", "replace", "assign", "isin", "between"}
    | {
        "pivot",
        "pivot_table",
        "melt",
        "stack",
        "unstack",
        "to_numpy",
        "to_list",
        "tolist",
        "to_dict",
        "to_frame",
        "filter",
    }
    | {
        "round",
        "abs",
        "clip",
        "diff",
        "shift",
        "pct_change",
        "rolling",
        "resample",
        "cumsum",
        "cumprod",
        "rank",
        "nlargest",
    }
    | {
        "nsmallest",
        "idxmax",
        "idxmin",
        "iterrows",
        "itertuples",
        "items",
        "keys",
        "values",
        "get",
        "index",
        "startswith",
    }
    | {"endswith", "split", "strip", "lower", "upper", "format", "join", "encode", "decode", "find", "lstrip", "rstrip"}
    | {
        "reshape",
        "ravel",
        "flatten",
        "transpose",
        "dot",
        "argmax",
        "argmin",
        "argsort",
        "any",
        "all",
        "nonzero",
        "summary",
    }
    | {
        "get_params",
        "get_feature_names_out",
        "to_csv",
        "to_parquet",
        "to_json",
        "to_pickle",
        "to_string",
        "memory_usage",
    }
    | {
        "toarray",
        "todense",
        "concat",
        "strftime",
        "isoformat",
        "total_seconds",
        "eq",
        "ne",
        "gt",
        "lt",
        "ge",
        "le",
        "add",
    }
)
"""Methods that leave their object and arguments alone (short of `inplace=True`)."""

MUTATING_FUNCTIONS = frozenset(
    {"numpy.random.shuffle", "random.shuffle", "numpy.put", "numpy.fill_diagonal", "numpy.copyto", "numpy.place"}
    | {"numpy.putmask", "heapq.heappush", "heapq.heapify", "heapq.heappop", "setattr", "delattr", "next"}
    | {"bisect.insort", "sklearn.utils.validation.check_is_fitted"}
)
"""Functions that change their first argument."""

PURE_ROOTS = (
    "numpy.",
    "pandas.",
    "math.",
    "statistics.",
    "itertools.",
    "collections.",
    "matplotlib.",
    "seaborn.",
    "scipy.",
)
"""Libraries whose functions leave their arguments alone (those in MUTATING_FUNCTIONS aside)."""

PURE_FUNCTIONS = frozenset(
    {
        "len",
        "print",
        "sum",
        "min",
        "max",
        "abs",
        "round",
        "sorted",
        "str",
        "int",
        "float",
        "bool",
        "repr",
        "type",
        "range",
    }
    | {
        "isinstance",
        "issubclass",
        "hasattr",
        "getattr",
        "id",
        "hash",
        "format",
        "divmod",
        "pow",
        "ord",
        "chr",
        "display",
    }
    | {"any", "all", "dir", "callable", "bin", "hex", "oct", "open", "super", "complex", "bytes"}
)
FRESH_FUNCTIONS = PURE_FUNCTIONS | {"list", "dict", "set", "tuple", "frozenset"}
"""Calls whose result shares nothing that can change with their arguments, or only what their elements share."""


def call_effect(name: str) -> Effect | None:
    """What a call by this resolved name does beyond its arguments, where that is known."""
    found = CALL_EFFECTS.get(name)
    if found or "." not in name:
        return found
    for prefix, effect in PREFIX_EFFECTS:
        if name.startswith(prefix):
            return effect
    return METHOD_EFFECTS.get(name.rsplit(".", 1)[-1])


def is_pure_function(name: str) -> bool:
    """True for a function that is known to leave its arguments alone."""
    return name not in MUTATING_FUNCTIONS and (name in FRESH_FUNCTIONS or name.startswith(PURE_ROOTS))
