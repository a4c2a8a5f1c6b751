"""What a database server must be and allow: declared once, for `sigmasight db check` and for what refuses.

`declared` says what is required, `facts` asks a server. Settings that a session can set for itself are no
requirement: `warehouse.sql.SESSION` has them.
"""
