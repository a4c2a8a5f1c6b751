"""Tables of who may read what through the API, and of what they did.

Not here: how tokens are made and passwords are checked (`sigmasight_dagster.api`). All of them are private:
the role for readers of the warehouse does not see them.
"""
