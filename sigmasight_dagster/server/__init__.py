"""The embedded PostgreSQL server: its data directory, its processes, and the URLs of both databases.

`urls` decides between the embedded server and an external one: ask it, and nobody else, for an address.
Tables and what is in them are not here: see `warehouse` and `instance`.
"""
