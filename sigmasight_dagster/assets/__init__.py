"""Every computation of the project. One file a topic.

What belongs here: declarations (tables, inputs, gates, what the UI tells) with a body of about ten lines,
which read their inputs, call one function of `sigmasight_core` and give its rows back. What does not:
arithmetic (`sigmasight_core`), SQL (`warehouse`), sources (`providers`), assertions on the rows (`gates`),
and how any of it is run (`engine`). RISK_ASSETS is collected: an `@risk_asset` in a file of this folder is
found.
"""

from sigmasight_dagster.assets.catalogue import RISK_ASSETS

__all__ = ["RISK_ASSETS"]
