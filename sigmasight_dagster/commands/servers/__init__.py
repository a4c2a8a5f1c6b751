"""Commands that start, stop or ask after processes: the database, the Dagster UI, Celery workers.

How the embedded server works is in `sigmasight_dagster.server`, how a worker executes in `executors`.
"""
