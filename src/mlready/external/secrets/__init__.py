"""Credentials in files: known formats are certain, assignments that look like credentials only a warning.

Patterns of providers are those of detect-secrets, with expressions of our own for the providers of this field. Nothing is
verified over the network, no marker in the audited project switches a finding off, and no value leaves: a message
shows the kind and at most the four first characters, which for known formats are the provider's prefix.
"""
