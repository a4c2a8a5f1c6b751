"""Rows in the shape of the row models, from whatever a source gives: of use to several sources.

Prices as panels, refused bars, adjustment, splits, option chains. Nothing here knows a vendor, reads a file
or opens a connection.
"""
