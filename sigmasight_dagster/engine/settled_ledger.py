"""The ledger of a batch with what its options delivered: what that follows from, and asking for it."""

from typing import Final

from sigmasight_core.account.delivery.due import PHYSICAL, settled_options
from sigmasight_core.account.delivery.lots import Settled, with_deliveries
from sigmasight_core.tables import CorporateActions, DailyPrices, Portfolios, Positions, Transactions
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input

LOTS: Final = (
    Portfolios,
    Positions,
    Input(DailyPrices, since_entry=True, deliveries=True),
    Input(CorporateActions, since_entry=True),
)
"""What the lots of a date follow from: inputs of an asset that calls `settled_ledger`."""


def settled_ledger(batch: Batch) -> Settled:
    """The batch's lots, and the transactions that deliveries add, up to its last date.

    Without a portfolio whose options settle in shares they are the ledger's, and nothing else is read.
    """
    if not (batch.registry["settlement"] == PHYSICAL).any():
        return Settled(batch.positions, Transactions.empty())
    options = settled_options(positions=batch.positions, portfolios=batch.registry, until=batch.dates[-1])
    return with_deliveries(
        positions=batch.positions,
        options=options,
        prices=batch.settlement_closes(options["settled_on"], sorted(options["underlying"].unique())),
        corporate_actions=batch.corporate_actions,
    )
