"""What callers of the outward servers are known by: passwords, access tokens, and how often they may ask.

Here belongs what the API and the agents' server share. Not here: where users and logins are stored
(`sigmasight_dagster.warehouse.access`), and how a request carries them.
"""
