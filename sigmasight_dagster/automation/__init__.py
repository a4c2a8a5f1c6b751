"""Automation: what Dagster does by itself: jobs, schedules, sensors, and the requests that they make.

What belongs here: when something is looked at, and which run is asked for (`run_requests` alone makes the
request). What does not: the looking itself, which commands do as well (`ledger.inbox`, `alerts.evaluate`,
`staleness`, `runs.isolate`).
"""
