"""What executes the steps of runs: the run's own process, Celery workers or Kubernetes jobs.

`choice` picks one by the settings, `queues` says where a step waits, and `celery_app`, `steps` and
`deliveries` are the worker's side; `processes` says how many a command takes that computes itself.
`dagster_celery` and `dagster_k8s` are optional extras: no module outside of this package imports them. What
a run computes, and in which order, is none of this package's business.
"""
