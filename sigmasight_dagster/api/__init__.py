"""The API of `sigmasight serve`: reads tables, asks for runs, and lets users in.

Here belongs what speaks HTTP. `routes` has a file for each namespace and finds them by itself: a new endpoint
is one function in one of them. `answers` makes reading endpoints from declarations, `auth` has passwords,
tokens and limits, `callers` knows who asks. Not here: SQL (`sigmasight_dagster.warehouse`), and
calculations: a number of an answer is a stored cell.
"""
