"""Statement-level def/use analysis on plain `ast`, shared by the audit and by `convert`."""
