"""Well-kept tools as oracles: ruff for style, hadolint for images, zizmor for workflows, detect-secrets for credentials.

They are dependencies at exact versions, configured here and never by the audited project, and run as subprocesses (the
patterns of detect-secrets in our own). A tool that is missing or fails makes its rules unknown, with the reason.
"""

from __future__ import annotations

from mlready.external.finding import ExternalFinding
from mlready.external.run import Pending, run_tree, start

__all__ = ["ExternalFinding", "Pending", "run_tree", "start"]
