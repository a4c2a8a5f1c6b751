"""SigmaSight's calculations: arrays and frames in, arrays and frames out.

Nothing in this package reads a file other than its own packaged data, a clock, an environment
variable, a network or a database. Every date is an argument.
"""
