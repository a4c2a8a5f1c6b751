"""Answers of the API: what each reads, and the one statement that reads it.

Here belongs which rows and columns make an answer: published ones, as they are stored. Not here: paths, who
may ask, and in which form it is written (`sigmasight_dagster.api`).
"""
