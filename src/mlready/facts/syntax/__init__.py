"""How Python code becomes facts: one walk over the tree of `ast`, with a stack of its own."""
