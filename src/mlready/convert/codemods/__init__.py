"""Changes of source code as libcst transformers: nodes in, nodes out, with comments and formatting kept.

What is changed is decided elsewhere, on `ast` nodes; `source` finds the libcst node that belongs to one. The rest of
`convert` holds libcst nodes without looking into them.
"""
