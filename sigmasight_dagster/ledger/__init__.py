"""The ledger as people change it: files of the inbox, edits, and what a new portfolio needs first.

What belongs here: the steps from a file or an edit to a stored ledger and its first runs. What does not: the
rules of a row (`sigmasight_core.ledger`), the SQL (`warehouse`), when the inbox is looked at (`automation`).
"""
