"""Reading endpoints, made from declarations: the table or view, its path, what it may be filtered by."""
