"""What the API reads and writes of its own: the pool of connections, users, sessions, activity.

Here belongs SQL that is asked many times a second, by psycopg 3, and what is in private tables. Not here:
what a role may do, and how passwords and tokens are made (`sigmasight_dagster.api`). The extra `api` brings
the driver: nothing outside of the API and the commands `serve` and `users` imports this room.
"""
