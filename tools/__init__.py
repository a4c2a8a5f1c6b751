"""What developers run on the project: checks of its structure, comparisons. Nothing here is shipped."""
