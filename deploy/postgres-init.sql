-- POSTGRES_DB is the database of the asset tables; Dagster's own storage is another.
CREATE DATABASE dagster;
