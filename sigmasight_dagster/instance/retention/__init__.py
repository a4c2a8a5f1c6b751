"""What leaves Dagster's database and its folder of captured output when it is old, and what must stay.

What belongs here: runs, events, evaluations of checks, backfills, captured output. Tables of ours are retired
by the warehouse; ticks of schedules and sensors are purged by Dagster's daemon, as `dagster.yaml` says.
"""
