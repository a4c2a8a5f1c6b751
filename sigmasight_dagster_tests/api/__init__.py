"""The API on a real PostgreSQL: who may ask what, and that an answer's numbers are their cells."""
