"""Arrays: their types, point-in-time look-ups, trailing windows, columns from few labels, words for gaps.

Here belongs what several rooms need of arrays and frames and what knows no finance. What knows a position,
a price or a factor does not.
"""
