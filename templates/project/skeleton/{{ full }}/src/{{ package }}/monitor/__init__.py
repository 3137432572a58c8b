"""Monitoring: a profile of each data version, drift of recorded predictions, performance once the truth is known."""
