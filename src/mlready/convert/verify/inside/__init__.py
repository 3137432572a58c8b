"""What runs inside the interpreter of a notebook, copied there under another name: no mlready, only the standard library.

numpy, pandas and matplotlib are looked at only where they are loaded already.
"""
