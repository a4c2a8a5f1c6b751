"""Data versions of a step's inputs: of an input as a whole, not of each of its partitions.

Dagster maps the keys of a run onto those of each input, asks for the data version of each and hashes them, up
to 99 keys; from 100 keys on it takes the version of the latest event. So the version of a result depended on
how many partitions its run had, and the questions took a fifteenth of a run. Here the latest event counts
always. What is out of date in Dagster's eyes follows from the events that were read, which stay as they are.
"""

from collections.abc import Sequence

import dagster as dg
from dagster import _check as check
from dagster._core.definitions.data_version import extract_data_version_from_entry
from dagster._core.execution.context import system
from dagster._core.execution.context.data_version_cache import DataVersionCache, InputAssetVersionInfo


class WholeInputs(DataVersionCache):
    """Dagster's own, as it treats an input of 100 partitions and more."""

    def _fetch_input_asset_version_info(self, asset_keys: Sequence[dg.AssetKey]) -> None:
        records = self._fetch_asset_records(asset_keys)
        for key in asset_keys:
            event = self._get_input_asset_event(key, records.get(key))
            self.input_asset_version_info[key] = event and InputAssetVersionInfo(
                event.storage_id,
                check.not_none(event.event_log_entry.dagster_event).event_type,
                extract_data_version_from_entry(event.event_log_entry),
                event.run_id,
                event.timestamp,
            )


def of_whole_inputs() -> None:
    """Let every step of this process take its inputs' versions so."""
    system.DataVersionCache = WholeInputs  # type: ignore[misc]
