"""mlready: scaffold, audit and convert machine-learning projects until they are ready for production."""

__version__ = "0.1.0"
