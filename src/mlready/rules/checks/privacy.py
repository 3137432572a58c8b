"""Checks of factor 11: personal data is guarded."""

from __future__ import annotations

import re

from mlready.findings import Site, Verdict, hazard
from mlready.project.project import Project
from mlready.rules.checks.common import argument
from mlready.rules.checks.monitoring import serving_calls

# ------------------------------------------------------------------------------------------------------------- MON009


def personal_data_guarded(project: Project) -> Verdict:
    """MON009: no tracked table or output shows personal data, and raw requests are not logged. Values are never shown."""
    broken, units = [], 0
    for file in project.files:
        table = file.facts.table
        if (
            table is not None
            and file.tracked
            and not file.lfs
            and file.role not in ("test", "example", "docs", "vendored")
        ):
            units += 1
            if table.personal:
                column, kind = table.personal[0]
                broken.append(Site(0.0, f"column {column} looks like {kind}", file.at(0), key=column))
        if file.facts.notebook is not None and file.role not in ("test", "example", "docs", "vendored"):
            shown = [cell for cell in file.facts.notebook.cells if cell.personal]
            units += 1
            if shown:
                from mlready.rules.checks.experiments import cell_place

                broken.append(
                    Site(
                        0.0,
                        f"an output looks like {shown[0].personal[0]}",
                        cell_place(file, shown[0]),
                        key=shown[0].personal[0],
                    )
                )
    for use in serving_calls(project):
        if "log" in use.call.activities or use.call.name == "print":
            value = argument(use.call, "0") or argument(use.call, "1")
            if (
                value is not None
                and value.kind == "name"
                and re.search(r"(^|\.)(payload|request_body|raw_request|body)$", value.text)
            ):
                units += 1
                broken.append(Site(0.5, f"logs {value.text} as it came in", use.where, key=value.text))
    return hazard(broken, units=units)
