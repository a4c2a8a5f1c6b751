"""Commands that compute and publish partitions: run, backfill, the demo, what failed and what is stale.

Planning and executing are in `sigmasight_dagster.runs`; the progress bar is in `commands.progress`.
"""
