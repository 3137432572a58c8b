"""Small projects with the kind and scores that they must get: one TOML file each, with a sentence on why that is fair."""
