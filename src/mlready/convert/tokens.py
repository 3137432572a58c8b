"""Names that conversion itself brings in, chosen last so that none hides a name of the notebook.

While planning, each is a token that no notebook has; `named` puts in the plain name, or another where that is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlready.convert.model import Plan

SHOW = "mlready_token_show"
SAVE_FIGURES = "mlready_token_save_figures"
OUTPUT_DIR = "mlready_token_output_dir"
CONFIG = "mlready_token_config"
CONFIG_CLASS = "mlready_token_config_class"
RESULTS_CLASS = "mlready_token_results_class"
COPY = "mlready_token_copy"

CHOICES: Mapping[str, tuple[str, ...]] = {
    SHOW: ("show", "show_value", "show_result"),
    SAVE_FIGURES: ("save_figures", "store_figures", "save_open_figures"),
    OUTPUT_DIR: ("output_dir", "figures_dir", "figures_output_dir"),
    CONFIG_CLASS: ("Config", "PipelineConfig", "PipelineConfiguration"),
    CONFIG: ("config", "pipeline_config", "pipeline_configuration"),
    COPY: ("deepcopy", "copy_constant", "copy_constant_value"),
    RESULTS_CLASS: ("Results", "PipelineResults", "PipelineResultValues"),
}
PLAIN = frozenset(names[0] for names in CHOICES.values())


def setting(name: str) -> str:
    """How a caller that has the configuration hands a setting over, or all of them."""
    return CONFIG if name == CONFIG else f"{CONFIG}.{name}"


def chosen(plans: Sequence[Plan]) -> dict[str, str]:
    """Token -> name, the same for all notebooks of a project."""
    taken = frozenset().union(*(plan.identifiers for plan in plans))
    return {token: next((n for n in names if n not in taken), names[-1] + "_") for token, names in CHOICES.items()}


def named(text: str, names: Mapping[str, str]) -> str:
    """Text with the names in place of the tokens; `x as x` is written `x`."""
    for token, name in names.items():
        if token in text:
            plain = CHOICES[token][0]
            text = text.replace(f"{plain} as {token}", plain if name == plain else f"{plain} as {name}")
            text = text.replace(token, name)
    return text
