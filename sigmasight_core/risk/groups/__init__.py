"""Risk of groups of positions, and the simulated P&L from which that of any group of portfolios follows.

Here belongs what is made of the simulation and the decomposition beside the measures of a portfolio. Which
position is in which group is asked in `positions.groups`.
"""
