"""Data versions in Dagster's events: those of inputs are of the input as a whole, by Dagster's own tags."""

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG, get_input_data_version_tag

from sigmasight_core.tables import FactorExposures, Table, TreasuryYields, table_name
from sigmasight_dagster_tests.support.house import DATES, NAMES, House, exposures, yields

YIELDS = dg.AssetKey("treasury_yields")


def tags(house: House, model: type[Table]) -> dict[str, str]:
    """Tags of a table's latest materialization."""
    event = house.instance.get_latest_materialization_event(dg.AssetKey(table_name(model)))
    assert event is not None
    assert event.asset_materialization is not None
    return dict(event.asset_materialization.tags or {})


def test_a_result_names_the_version_of_its_input(house: House) -> None:
    assert house.run(yields()).succeeded
    reads = exposures(inputs=[TreasuryYields])
    assert house.run(reads, names=NAMES).succeeded
    assert (
        tags(house, FactorExposures)[get_input_data_version_tag(YIELDS)]
        == tags(house, TreasuryYields)[DATA_VERSION_TAG]
    )


def test_the_version_does_not_depend_on_the_number_of_partitions_of_a_run(house: House) -> None:
    assert house.run(yields()).succeeded
    reads, found = exposures(inputs=[TreasuryYields]), set()
    for dates in (DATES, DATES[:1], DATES[1:3]):
        assert house.run(reads, dates=dates, names=NAMES).succeeded
        found.add(tags(house, FactorExposures)[DATA_VERSION_TAG])
    assert len(found) == 1
