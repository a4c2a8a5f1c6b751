"""What the outward servers read and write of their own: the pool of connections, users, sessions, activity.

Here belongs SQL that is asked many times a second, by psycopg 3, and what is in private tables. Not here:
what a role may do, and how passwords and tokens are made (`sigmasight_dagster.auth`). The extras `api` and
`mcp` bring the driver: nothing outside of these servers and the commands that start them imports this room.
"""
