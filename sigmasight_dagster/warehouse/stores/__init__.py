"""Tables that are not partitions of results: the ledger, saved what-ifs, alerts with their outbox.

One class a topic; `Warehouse` is all of them. What is replaced partition by partition is in `store`.
"""
