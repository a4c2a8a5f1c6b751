"""SigmaSight's Dagster project: providers, warehouse, assets, checks, commands."""
