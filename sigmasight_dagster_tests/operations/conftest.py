"""Fixtures of whole projects."""

from sigmasight_dagster_tests.project import new_project

__all__ = ["new_project"]
