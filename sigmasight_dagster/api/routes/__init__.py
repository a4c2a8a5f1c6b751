"""The endpoints, a file for each namespace.

A file's `router` is found by itself: a new endpoint is one function in its namespace's file, a new namespace
is one file. `Reader`, `Editor` and `Admin` (`api.callers`) say who may call it, `Portfolio` that they see it.
"""

import pkgutil
from importlib import import_module

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """The router of each file here, by name."""
    found = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [import_module(f"{__name__}.{name}").router for name in found]
