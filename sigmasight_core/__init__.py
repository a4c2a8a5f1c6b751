"""SigmaSight's calculations: arrays and frames in, arrays and frames out.

Nothing in this package reads a file other than its own packaged data, a clock, an environment
variable, a network or a database. Every date is an argument.

A room sees the rooms before it only: conventions, errors, calendar and yaml_nodes; arrays, tables, market,
options, ledger, positions, factors, correlation, stress, reverse_stress, risk, pnl, what_if, simulated,
alerts, report.
"""
