"""Checks: standing assertions on what is stored; they never load an asset as an input.

What belongs here: tables against each other (`totals`), `betas` against another estimator, completeness,
coverage of what is held, staleness (`late_data`), changes by hand (`damage`, its `repair`). What does not:
assertions on rows before they are published (`gates`), and the SQL that counts (`warehouse.reconciliation`)
and compares (`warehouse.checksums`).
"""
