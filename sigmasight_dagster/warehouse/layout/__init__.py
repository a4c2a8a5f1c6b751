"""The layout of the database: tables and views derived from the row models, migration, and roles.

Rows are not read or written here. A new table or column is declared in `sigmasight_core.tables`.
"""
