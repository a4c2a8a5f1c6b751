"""Runs: from a request to Dagster runs, and what becomes of them.

What belongs here: planning of rectangles (`plan`), which of them go side by side (`lanes`), their execution
and cancellation (`execute`, `launcher`, `worker`, `cancellation`), what to launch after a failure
(`isolate`, `recovery`), and the settings, ledger and instance that all of it needs (`workspace`). What does
not: which keys a rectangle has (`partitions.keys`), requests by schedules and sensors (`automation`), the
open project of a command (`commands.project`).
"""
