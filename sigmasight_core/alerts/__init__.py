"""Alerts: the rules as people write them, and which rows of the tables meet them.

Who is told, and how, is not in the core.
"""
