"""Checksums: what a store has written last, and whether a table still holds it.

Here belong the hash of a row (`hashes`), the checksums of partitions, which stand with their publications
(`partitions`), those of the ledger (`seals`), and the comparison of them with what is stored (`compare`).
What to do about a difference is not known here.
"""
