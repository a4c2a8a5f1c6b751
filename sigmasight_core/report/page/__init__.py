"""How a report looks: its sections in order, and each of the five formats that they are written in.

Here belongs which cells of a report people are shown, and how. Not here: what a report holds (`document`). No
number is made here: each is a cell of the report, at most in percent or with separators.
"""
