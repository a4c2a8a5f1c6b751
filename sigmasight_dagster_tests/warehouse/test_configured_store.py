"""What is configured is kept; what is configured no more stays and says so."""

from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.factors.configured import factor_rows
from sigmasight_core.stress.configured import scenario_rows
from sigmasight_core.stress.scenarios import default_scenarios
from sigmasight_core.tables import Factors, Scenarios
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.support.stored_rows import sql, stamp


def test_scenarios_come_go_and_come_back(url: str, warehouse: Warehouse) -> None:
    shipped = default_scenarios(["market"])
    assert warehouse.keep_configured(Scenarios, scenario_rows(shipped), stamp("first"))
    assert not warehouse.keep_configured(Scenarios, scenario_rows(shipped), stamp("second"))
    assert sql(url, "SELECT DISTINCT run_id FROM sigmasight.scenarios") == [("first",)]
    assert warehouse.keep_configured(Scenarios, scenario_rows(shipped[1:]), stamp("third"))
    stored = warehouse.read(Scenarios).set_index("scenario")["active"]
    assert len(stored) == len(shipped)
    assert stored[stored == "no"].index.tolist() == [shipped[0].id]
    assert warehouse.keep_configured(Scenarios, scenario_rows(shipped), stamp("fourth"))
    assert set(warehouse.read(Scenarios)["active"]) == {"yes"}


def test_a_factor_with_another_proxy(warehouse: Warehouse) -> None:
    for symbol in ("SPY", "VTI"):
        config = FactorModelConfig.default({"market": symbol})
        assert warehouse.keep_configured(Factors, factor_rows(config), stamp())
        assert warehouse.read(Factors).set_index("factor").loc["market", "proxy"] == symbol
