"""What runs when an entry point runs: imports, calls, classes, and modules found by name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.project.trees import project, reached

from mlready.project.graph import ModuleIndex

MAIN = "\nif __name__ == '__main__':\n    main()\n"


def test_functions_that_main_calls_are_reached_and_others_are_not() -> None:
    files = {"run.py": "def main():\n    used()\n\ndef used(): pass\n\ndef unused(): pass\n" + MAIN}
    found = reached(project(files))
    assert {"run.py", "run.py:main", "run.py:used"} <= found
    assert "run.py:unused" not in found


def test_reach_goes_through_imports_and_aliases() -> None:
    files = {
        "shop/__init__.py": "",
        "shop/a.py": "def f(): pass\n\ndef g(): pass\n",
        "shop/b.py": "from . import a as other\nfrom shop.a import f as first\n\ndef h():\n    first()\n    other.g()\n",
        "run.py": "from shop.b import h\n\ndef main():\n    h()\n" + MAIN,
    }
    assert {"shop/b.py:h", "shop/a.py:f", "shop/a.py:g"} <= reached(project(files))


def test_an_import_runs_the_top_level_of_a_module_and_no_function() -> None:
    files = {"lib.py": "print('loaded')\n\ndef f(): pass\n", "run.py": "import lib\n\ndef main():\n    pass\n" + MAIN}
    found = reached(project(files))
    assert "lib.py" in found
    assert "lib.py:f" not in found


def test_a_class_that_is_used_brings_its_methods() -> None:
    files = {
        "run.py": "class Job:\n    def start(self): helper()\n\ndef helper(): pass\n\ndef main():\n    Job().start()\n"
        + MAIN
    }
    assert {"run.py:Job.start", "run.py:helper"} <= reached(project(files))


def test_names_that_a_package_hands_on_are_followed() -> None:
    files = {
        "shop/__init__.py": "from .deep import work\n",
        "shop/deep.py": "def work(): pass\n",
        "run.py": "import shop\n\ndef main():\n    shop.work()\n" + MAIN,
    }
    assert "shop/deep.py:work" in reached(project(files))


def test_a_circle_of_imports_and_calls_ends() -> None:
    files = {
        "a.py": "import b\n\ndef f(): b.g()\n",
        "b.py": "import a\n\ndef g(): a.f()\n",
        "run.py": "import a\n\ndef main():\n    a.f()\n" + MAIN,
    }
    assert {"a.py:f", "b.py:g"} <= reached(project(files))


def test_tests_are_no_entry_points() -> None:
    files = {"lib.py": "def f(): pass\n", "tests/test_lib.py": "import lib\n\ndef test_f():\n    lib.f()\n"}
    assert "lib.py:f" not in reached(project(files))


# ------------------------------------------------------------------------------------------------------ finding modules


def test_modules_are_found_below_source_roots() -> None:
    index = ModuleIndex.of(["src/shop/__init__.py", "src/shop/train.py", "tools/clean.py"])
    assert index.find("shop.train", importer="run.py") == "src/shop/train.py"
    assert index.find("shop", importer="run.py") == "src/shop/__init__.py"
    assert index.find("clean", importer="tools/run.py") == "tools/clean.py"
    assert index.find("numpy", importer="run.py") is None


def test_the_nearest_of_two_modules_of_one_name_is_meant() -> None:
    index = ModuleIndex.of(["a/utils.py", "a/run.py", "b/utils.py", "b/run.py"])
    assert index.find("utils", importer="a/run.py") == "a/utils.py"
    assert index.find("utils", importer="b/run.py") == "b/utils.py"


def test_relative_imports_count_levels_from_the_importer() -> None:
    index = ModuleIndex.of(["shop/__init__.py", "shop/data/__init__.py", "shop/data/read.py", "shop/model.py"])
    assert index.find_relative("model", level=2, importer="shop/data/read.py") == "shop/model.py"
    assert index.find_relative("read", level=1, importer="shop/data/__init__.py") == "shop/data/read.py"
    assert index.find_relative("x", level=9, importer="shop/model.py") is None


NAMES = st.sampled_from(["a", "b", "utils", "shop"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: "/".join(parts) + ".py")


@given(st.lists(PATHS, max_size=8), st.lists(NAMES, min_size=1, max_size=4).map(".".join), PATHS)
def test_what_is_found_is_a_file_of_the_project_with_that_name(paths: list[str], module: str, importer: str) -> None:
    found = ModuleIndex.of(paths).find(module, importer=importer)
    assert found is None or found in paths
    if found is not None and not found.endswith("__init__.py"):
        assert ("/" + found.removesuffix(".py")).endswith("/" + module.rsplit(".", maxsplit=1)[-1])


@given(st.lists(PATHS, max_size=8, unique=True), st.randoms(use_true_random=False), PATHS)
def test_the_order_of_paths_does_not_matter(paths: list[str], rng: object, importer: str) -> None:
    shuffled = list(paths)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    for module in ("a", "a.b", "utils", "shop.a"):
        first, second = (ModuleIndex.of(p).find(module, importer=importer) for p in (paths, shuffled))
        assert first == second


def test_a_name_is_found_behind_the_star_import_that_has_it() -> None:
    """`from .a import *; from .b import *`: the first module that is handed on need not have the name."""
    files = {
        "train.py": "from logger import Writer\nWriter()\n",
        "logger/__init__.py": "from .text import *\nfrom .board import *\n",
        "logger/text.py": "def setup():\n    return 1\n",
        "logger/board.py": "class Writer:\n    def add(self):\n        return 1\n",
    }
    reached = project(files).graph.reach([("train.py", 0)])
    assert ("logger/board.py", 2) in reached


def test_what_configuration_names_is_reached_by_what_makes_it() -> None:
    files = {
        "train.py": "import hydra\nfrom hydra.utils import instantiate\n\ndef main(cfg):\n    instantiate(cfg.model)\n\nmain({})\n",
        "nets/plain.py": "class Net:\n    def training_step(self, batch):\n        return batch\n",
        "conf/model.yaml": "model:\n  _target_: nets.plain.Net\n",
    }
    reached = project(files).graph.reach([("train.py", 0)])
    assert ("nets/plain.py", 2) in reached
