"""Who executes a run, so that one whose process is gone is known for dead.

What does not belong here: what becomes of such a run (`runs.execute`).
"""
