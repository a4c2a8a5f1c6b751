"""The report of one portfolio on one date as data: one object that every format is made of.

Here belongs what a report holds, how its numbers are written, and what must hold before it is stored. It is
built from rows of the stored tables alone: each of its numbers is a cell of one, written with the decimals of
`precision`. Not here: how it looks (`page`), reading and storing.
"""
