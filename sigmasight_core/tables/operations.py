"""Operations tables: what is published, came late, was refused or is in doubt, and how the ledger changed."""

from typing import Final

import pandas as pd
from pandera.typing import Series

from sigmasight_core.tables.base import Facts, Kind, Seen, Table, key, label

DOUBT_STATES: Final = ("open", "confirmed", "rejected", "lifted")
LEDGER_ACTIONS: Final = ("added", "changed", "removed", "cash")


class Publications(Table):
    """One published partition of one table. It tells a partition without rows from one never computed."""

    table_name: Series[str] = key("Published table")
    portfolio: Series[str] = key("Portfolio name; empty for a table without portfolios")
    date: Series[pd.Timestamp] = key("Trading date (NYSE session)")
    n_rows: Series[int] = label("Rows of the partition; 0 = computed, and nothing to store", ge=0)
    checksum: Series[pd.Int64Dtype] = label(
        "Of the partition's rows and of this one, as `sigmasight verify` computes it again; NULL = published "
        "before there were any",
        nullable=True,
    )
    made_with: Series[str] = label(
        "Fingerprint of the code, settings and local files that a table by date was computed with: "
        "`sigmasight run` computes again what another one made. NULL = of a portfolio, or not known",
        nullable=True,
    )

    class Config:
        name = "publications"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS, seen=Seen.OWN_OR_NONE)}


class WithdrawnPartitions(Table):
    """A partition that no longer counts as published since the ledger changed; its rows are still there."""

    table_name: Series[str] = key("Table")
    portfolio: Series[str] = key("Portfolio name")
    date: Series[pd.Timestamp] = key("Trading date (NYSE session)")

    class Config:
        name = "withdrawn_partitions"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS, private=True)}


class LedgerSeals(Table):
    """What a command has stored last in one table of a portfolio's ledger: a change by hand differs."""

    table_name: Series[str] = key("Table of the ledger")
    portfolio: Series[str] = key("Portfolio name")
    n_rows: Series[int] = label("Rows of the portfolio", ge=0)
    checksum: Series[int] = label("Of all of them, as `sigmasight verify` computes it again")

    class Config:
        name = "ledger_seals"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS, private=True)}


class Corrections(Table):
    """Late data: rows of a source, or of a stale market table, that changed or came after results."""

    table_name: Series[str] = key("Source table, or market table that had been stale")
    date: Series[pd.Timestamp] = key("Trading date (NYSE session)")
    symbol: Series[str] = key("Symbol whose rows changed; empty = every row of the date may have")
    changed_at: Series[pd.Timestamp] = key("When (UTC); results that saw the old rows were computed before")

    class Config:
        name = "corrections"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS, seen=Seen.ALL)}


class ActionCoverage(Table):
    """From when to when the corporate actions of one held symbol are known: what a source was asked for."""

    symbol: Series[str] = key("Symbol that a position is held in")
    first_asked_date: Series[pd.Timestamp] = label("First day that the source was asked for: the first entry")
    first_known_date: Series[pd.Timestamp] = label(
        "First day whose actions are known; later than asked for where the source's data begin later"
    )
    last_known_date: Series[pd.Timestamp] = label("Last trading date up to which the actions are known")
    source: Series[str] = label("Provider that was asked")

    class Config:
        name = "action_coverage"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS, seen=Seen.ALL)}


class SupersededRows(Table):
    """A version of a source row that was replaced: what was known of it until then."""

    table_name: Series[str] = key("Source table")
    date: Series[pd.Timestamp] = key("Trading date (NYSE session)")
    row_key: Series[str] = key(
        "Rest of the row's key, joined by '/'; empty = the whole partition was absent; * = retention has "
        "deleted what was replaced until then"
    )
    known_until: Series[pd.Timestamp] = key("When it was replaced (UTC)")
    old_row: Series[str] = label("The row as JSON; NULL = there was none", nullable=True)

    class Config:
        name = "superseded_rows"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS, seen=Seen.ALL)}


class RejectedRows(Table):
    """One value that broke a table's contract or check; its run stored nothing of that table."""

    table_name: Series[str] = key("Table that the row was meant for")
    run_id: Series[str] = key("Dagster run that computed the row, or the command")
    rejection: Series[int] = key("Number of the rejection within its table and run, from 1", ge=1)
    row_number: Series[pd.Int64Dtype] = label(
        "Position of the row in the computed frame, from 0; NULL = the frame as a whole", nullable=True
    )
    column_name: Series[str] = label("Offending column or columns; empty = the row as a whole")
    check_name: Series[str] = label("Rule that was broken")
    offending_value: Series[str] = label("The value, as text")

    class Config:
        name = "rejected_rows"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS)}


class LedgerChanges(Table):
    """One position, or the cash, of a portfolio that one import or command has changed. Never deleted."""

    portfolio: Series[str] = key("Portfolio name")
    change: Series[int] = key("Number of the import or command within its portfolio, from 1", ge=1)
    position_id: Series[str] = key(
        "symbol@entry_date, or the transaction_id of a transaction; empty = the portfolio's cash"
    )
    action: Series[str] = label(
        "added, changed or removed (a position or transaction), cash (another cash balance)",
        isin=LEDGER_ACTIONS,
    )
    before: Series[str] = label("What was stored before, as JSON; NULL = nothing", nullable=True)
    after: Series[str] = label("What is stored since, as JSON; NULL = nothing", nullable=True)
    command: Series[str] = label("The import or command that changed it")

    class Config:
        name = "ledger_changes"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS)}


class DoubtfulRows(Table):
    """One version of a doubt about a value that a source gave; the highest version counts. Never deleted."""

    table_name: Series[str] = key("Table of the value: daily_prices or corporate_actions")
    date: Series[pd.Timestamp] = key("Trading date (NYSE session), or ex-date")
    symbol: Series[str] = key("Symbol")
    kind: Series[str] = key("close, adjusted_close, range, split or dividend")
    version: Series[int] = key("Number of the version, from 1", ge=1)
    state: Series[str] = label(
        "open or rejected: kept out of calculations; confirmed, or lifted (doubted no more): used",
        isin=DOUBT_STATES,
    )
    value: Series[float] = label(
        "The value as the source gave it (USD, or new shares per old share); NULL = none", nullable=True
    )
    held_against: Series[float] = label(
        "What it was held against, in its unit; NULL = told in the reason", nullable=True
    )
    reason: Series[str] = label("Why it is in doubt, or why no more")
    source: Series[str] = label("Source of the value")
    given_row: Series[str] = label("The whole row as the source gave it, as JSON")
    settled_by: Series[str] = label("checks, the second source, or the command and the user")

    class Config:
        name = "doubtful_rows"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS, seen=Seen.ALL)}


class PortfolioGrants(Table):
    """One portfolio that a database role was granted: `sigmasight db grant`."""

    role: Series[str] = key("Role of the database")
    portfolio: Series[str] = key("Portfolio name")

    class Config:
        name = "portfolio_grants"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS, seen=Seen.ROLE)}
