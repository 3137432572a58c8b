"""The written `__main__` and `outputs` modules: how the pipeline is started, and where its results go."""

from __future__ import annotations

from collections.abc import Iterable

from mlready.convert.inputs import tables
from mlready.convert.keep import saved_metrics, saved_models, saved_numbers
from mlready.convert.model import Plan
from mlready.convert.tokens import OUTPUT_DIR, SAVE_FIGURES, SHOW

_HEAD = '''"""Where results go: shown values to standard output, figures and numbers to files."""

from __future__ import annotations

import builtins
import json
import pickle
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

'''

_SHOW = '''
def show(*values: object) -> None:
    """Display values as a notebook does; nothing for None."""
    display = getattr(builtins, "display", None)
    for value in values:
        if value is not None and display is not None:
            display(value)
        elif value is not None:
            print(repr(value))

'''

_SAVE_FIGURES = '''
def save_figures(output_dir: str, name: str) -> None:
    """Save every open figure as PNG and close it; show it too where a notebook runs."""
    import matplotlib.pyplot as plt

    folder = Path(output_dir)
    for number in plt.get_fignums():
        figure = plt.figure(number)
        if figure.axes or figure.texts:
            folder.mkdir(parents=True, exist_ok=True)
            figure.savefig(_free_path(folder, name), bbox_inches="tight")
    if "inline" in plt.get_backend():
        plt.show()
    plt.close("all")


def _free_path(folder: Path, name: str) -> Path:
    path, number = folder / f"{name}.png", 2
    while path.exists():
        path, number = folder / f"{name}-{number}.png", number + 1
    return path

'''

_SAVE_NUMBERS = '''
def save_numbers(results: object, names: Iterable[str], path: str) -> None:
    """Write results that are numbers, or short lists of them, to a JSON file."""
    found = {name: _numbers(getattr(results, name)) for name in names}
    numbers = {name: value for name, value in found.items() if value is not None}
    if numbers:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(numbers, indent=2) + "\\n")


def _numbers(value: Any) -> Any:
    """A number, or up to 50 of them as a list; None for everything else."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    items = plain if isinstance(plain, list) else [plain]
    fits = 0 < len(items) <= 50 and all(isinstance(item, (int, float)) for item in items)
    return plain if fits else None

'''

_SAVE_MODELS = '''

def save_models(results: object, names: Iterable[str], folder: str) -> None:
    """Write fitted models to files that `joblib.load` reads; one that cannot be written is named."""
    import joblib

    for name in names:
        path = Path(folder, f"{name}.joblib")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            joblib.dump(getattr(results, name), path)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            path.unlink(missing_ok=True)
            sys.stderr.write(f"{name} was not saved: {error}\\n")
'''

_OPTIONS = '''

def _options() -> argparse.Namespace:
    """Settings from the command line; the defaults are those of the notebook."""
    parser = argparse.ArgumentParser(prog=__package__, description=__doc__)
    defaults = Config()
    for field in fields(Config):
        default = getattr(defaults, field.name)
        if type(default) in (int, float, str):
            option = "--" + field.name.replace("_", "-")
            parser.add_argument(option, dest=field.name, type=type(default), default=default, help=repr(default))
    return parser.parse_args()'''


def outputs_module(plan: Plan, sources: Iterable[str]) -> str:
    """Source of `outputs`, with the functions that the other modules call; "" where they call none."""
    texts = list(sources)
    parts = [part for token, part in ((SHOW, _SHOW), (SAVE_FIGURES, _SAVE_FIGURES)) if any(token in t for t in texts)]
    parts += [_SAVE_NUMBERS] if saved_metrics(plan) or saved_numbers(plan) else []
    parts += [_SAVE_MODELS] if saved_models(plan) else []
    return _HEAD + "".join(parts) if parts else ""


def main_module(plan: Plan) -> str:
    """Command line: one option for each simple setting; numbers and models among the results are written to files."""
    saved = _saving(plan)
    imports = [f"from {plan.package}.config import Config", f"from {plan.package}.pipeline import run"]
    imports += [f"from {plan.package}.inputs import check_inputs"] if tables(plan) else []
    helpers = sorted({line.partition("(")[0] for line in saved})
    imports += [f"from {plan.package}.outputs import {', '.join(helpers)}"] if helpers else []
    head = [f'"""Run the pipeline: `python -m {plan.package}`."""', "", "from __future__ import annotations", ""]
    head += ["import argparse", "from dataclasses import fields"]
    main = ["def main() -> None:", '    """Run the pipeline with the settings of the command line."""']
    main += ["    config = Config(**vars(_options()))", *(["    check_inputs(config)"] if tables(plan) else [])]
    main += ["    results = run(config)" if saved else "    run(config)", *(f"    {line}" for line in saved)]
    text = "\n".join([*head, *imports, _OPTIONS, "", "", *main])
    return text + '\n\n\nif __name__ == "__main__":\n    main()\n'


def _saving(plan: Plan) -> list[str]:
    """Calls that write what the pipeline gives back, below the folder for outputs."""
    below = plan.package.partition(".")[2]
    folder = f"{{config.{OUTPUT_DIR}}}" if any(s.name == OUTPUT_DIR for s in plan.settings) else "outputs"
    folder = f"{folder}/{below}" if below else folder
    kept = (
        ("save_numbers", saved_metrics(plan), f"{folder}/metrics.json"),
        ("save_numbers", saved_numbers(plan), f"{folder}/results.json"),
        ("save_models", saved_models(plan), folder),
    )
    mark = "f" if "{" in folder else ""
    return [f'{function}(results, {names!r}, {mark}"{path}")' for function, names, path in kept if names]
