"""Metadata of every partition that a run materialises, and how Dagster gets it."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from sigmasight_core.tables import Table
from sigmasight_dagster.instance import partition_events
from sigmasight_dagster.partitions.keys import parse, split
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.story.declared import Story
from sigmasight_dagster.story.plots import Part
from sigmasight_dagster.story.previews import preview
from sigmasight_dagster.story.rows import PartitionRows
from sigmasight_dagster.tags import GOES_ON_TAG

ROW_COUNT = "dagster/partition_row_count"
NULL_COUNT = "NULL values"
MOST_SINGLE_CALLS = 100
DIGITS = 9
NULL_TEXT = dg.TextMetadataValue("NULL")

Metadata = dict[str, dg.MetadataValue]


def of_partitions(
    context: dg.AssetExecutionContext,
    keys: Sequence[str],
    model: type[Table],
    frames: Mapping[type[Table], pd.DataFrame],
    seconds: float,
    story: Story,
) -> dict[str, Metadata]:
    """Of each partition of the run its key figures, counts and, where affordable, preview and plot.

    The last one, which is an asset's latest in the UI, tells besides of the run as a whole.

    :param keys: of the run's partitions, sorted.
    :param frames: validated rows of every table that the asset publishes; those of `model` are stored.
    :param seconds: how long the asset took so far. :param story: what the asset declares of the table.
    """
    platform: Platform = context.resources.platform
    every = {name: PartitionRows(name, frame) for name, frame in _told(platform, frames).items()}
    figures = _figures(every[model], story)
    by_key = {**dict.fromkeys(keys, _NOTHING), **_counts(PartitionRows(model, frames[model]))}
    by_key = {key: {**figures.get(key, {}), **counts} for key, counts in by_key.items()}
    if story.plot and GOES_ON_TAG not in context.run.tags:
        for key in shown(keys, platform.settings.plot_partitions):
            by_key[key] = {**by_key[key], **_plot(context, story, key, every, platform)}
    for key in shown(keys, platform.settings.preview_partitions):
        rows = story.preview_rows(_rows_of(every[model], key))
        by_key[key] = {**by_key[key], "preview": preview(model, rows, story.preview)}
    run = {
        "partitions in this run": dg.IntMetadataValue(len(keys)),
        "rows in this run": dg.IntMetadataValue(len(frames[model])),
        "seconds in this run": dg.FloatMetadataValue(round(seconds, 3)),
    }
    return by_key | {keys[-1]: {**by_key[keys[-1]], **run}}


def _told(platform: Platform, frames: Mapping[type[Table], pd.DataFrame]) -> dict[type[Table], pd.DataFrame]:
    """What is told of the rows: scenarios that are kept for comparison are stored and counted, no more."""
    if not any("scenario" in frame for frame in frames.values()):
        return dict(frames)
    compared = platform.warehouse.comparison_scenarios()
    return {
        model: frame[~frame["scenario"].isin(compared)] if "scenario" in frame else frame
        for model, frame in frames.items()
    }


_NOTHING: Metadata = {ROW_COUNT: dg.IntMetadataValue(0), NULL_COUNT: dg.IntMetadataValue(0)}


def shown(keys: Sequence[str], most: int) -> list[str]:
    """Which of a run's sorted partitions have a preview or plot.

    :returns: all if they are at most `most`; of more, those of the last date, the first `most` portfolios;
        none when `most` is 0.
    """
    if len(keys) <= most:
        return list(keys)
    last_date, _ = split(keys[-1])
    return [key for key in keys if key.startswith(last_date)][:most]


def _figures(rows: PartitionRows, story: Story) -> dict[str, Metadata]:
    """Key figures of the partitions that have rows."""
    if not len(rows.starts):
        return {}
    return _by_key(
        rows,
        {
            label: [_value(value) for value in values.tolist()]
            for figure in story.figures
            for label, values in figure(rows).items()
        },
    )


def _counts(rows: PartitionRows) -> dict[str, Metadata]:
    """How many rows and NULLs the partitions have that have rows."""
    found = {ROW_COUNT: rows.sizes, NULL_COUNT: rows.null_values()}
    return _by_key(
        rows, {label: [dg.IntMetadataValue(n) for n in counts.tolist()] for label, counts in found.items()}
    )


def _by_key(rows: PartitionRows, columns: Mapping[str, Sequence[dg.MetadataValue]]) -> dict[str, Metadata]:
    labels = list(columns)
    return {
        key: dict(zip(labels, values, strict=True))
        for key, *values in zip(rows.keys, *columns.values(), strict=True)
    }


def _value(value: str | float) -> dg.MetadataValue:
    if isinstance(value, str):
        return dg.TextMetadataValue(value)
    return NULL_TEXT if np.isnan(value) else dg.FloatMetadataValue(float(f"{value:.{DIGITS}g}"))


def _rows_of(rows: PartitionRows, key: str) -> pd.DataFrame:
    return rows.rows(rows.keys.index(key)) if key in rows.keys else rows.frame.iloc[:0]


def _plot(
    context: dg.AssetExecutionContext,
    story: Story,
    key: str,
    every: Mapping[type[Table], PartitionRows],
    platform: Platform,
) -> Metadata:
    """The plot as Markdown. What is published stays published when a plot cannot be drawn."""
    date, portfolio = parse(key)
    tables = {model: _rows_of(rows, key) for model, rows in every.items()}
    part = Part(date, portfolio, tables, platform.warehouse)
    try:
        image = story.plot(part) if story.plot else None
    except Exception as error:
        context.log.warning(f"no plot of {key}: {type(error).__name__}: {error}")
        return {"plot": dg.TextMetadataValue(f"could not be drawn: {type(error).__name__}: {error}")}
    if not image:
        return {}
    encoded = base64.b64encode(image).decode("ascii")
    return {"plot": dg.MarkdownMetadataValue(f"![{part.title}](data:image/png;base64,{encoded})")}


def materialized(
    context: dg.AssetExecutionContext, name: str, metadata: Mapping[str, Metadata]
) -> Iterator[dg.MaterializeResult]:
    """The result of an asset that its step has published; each partition gets an event with its metadata."""
    ours = partition_events.ours(context.run)
    if not ours:
        attach(context, name, metadata)
    yield dg.MaterializeResult(asset_key=name)
    if ours:
        partition_events.materialize(context, name, metadata)


def attach(context: dg.AssetExecutionContext, name: str, by_key: Mapping[str, Metadata]) -> None:
    """Add metadata to the events of single partitions, all in one step.

    `context.add_asset_metadata` lists every partition of the run and copies all metadata at each call: a
    run of 3,000 partitions would spend minutes. So this fills the step's own books; a Dagster that keeps
    them differently gets the single calls, in small runs.
    """
    step = context.get_step_execution_context()
    books: Any = getattr(step, "_metadata_accumulator", None)
    handle = _handle_type()
    if handle and hasattr(books, "per_output_metadata"):
        key_of = dg.AssetKey(name)
        added = {handle(asset_key=key_of, partition_key=key): found for key, found in by_key.items()}
        step._metadata_accumulator = type(books)(per_output_metadata={**books.per_output_metadata, **added})
    elif len(by_key) <= MOST_SINGLE_CALLS:
        for key, found in by_key.items():
            context.add_asset_metadata(found, asset_key=name, partition_key=key)
    else:
        context.log.warning(f"{name}: this Dagster takes no metadata of {len(by_key)} partitions at once")


def _handle_type() -> Any:
    """Dagster's key of one partition's metadata; None where there is no such thing."""
    # Private to Dagster: where it is missing or moved, only this fails, not every import of the project.
    from dagster._core.execution.context import metadata_logging  # noqa: PLC0415

    return getattr(metadata_logging, "AssetMetadataHandle", None)
