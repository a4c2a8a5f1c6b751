"""The sources with a documented interface, one module each: FMP, FRED, Polygon.

A vendor's addresses, fields and quirks are here and nowhere else, and no vendor imports another: what two of
them need goes to `rows` or `http`.
"""
