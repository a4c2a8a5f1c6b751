"""The ledger as text: portfolio files to rows and back, renamed symbols, edits, what an import changes.

Here belongs the reading and checking of what people write. What the rows are worth on a date is in
`positions`; where they are stored is not in the core.
"""
