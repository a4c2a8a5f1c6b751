"""SigmaSight's part of a Dagster instance: a fast event storage, and a quiet console.

Here is what replaces a piece of Dagster through its own interfaces, and the only SQL on Dagster's tables.
SigmaSight's tables are in `warehouse`; the PostgreSQL server under both is in `server`.
"""
