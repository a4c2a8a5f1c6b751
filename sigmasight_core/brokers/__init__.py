"""Histories of brokers: a file and a preset, which says how that broker writes, to transactions.

What belongs here: presets (YAML to rules, and those that are shipped), telling a broker by its file, reading
its rows, and what is refused. What does not: lots and cash that follow from transactions (`account`), files
that list positions (`ledger`).
"""
