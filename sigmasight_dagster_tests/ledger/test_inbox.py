"""The inbox: what becomes of files, tick by tick, with a real warehouse and a real Dagster instance."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.tables import Grain
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.definitions import build_definitions
from sigmasight_dagster.ledger import files, inbox
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp, Warehouse
from sigmasight_dagster_tests.conftest import REPOSITORY, execute

HEADER = "ticker,quantity,entry_price,entry_date\n"
GOOD = HEADER + "AAPL,100,142.48,2022-10-03\nMSFT,-50,240.74,2022-10-04\n"
OTHER = HEADER + "AAPL,200,142.48,2022-10-03\n"
LAST = pd.Timestamp("2022-12-20")
PUBLISHED = calendar.sessions("2012-01-03", LAST)


TEMPLATE = "inbox_market"


def publish_market(warehouse: Warehouse, dates: pd.DatetimeIndex) -> None:
    """Market data are published, without a row."""
    for model in (model for asset in RISK_ASSETS if asset.grain is Grain.DATE for model in asset.tables):
        empty = pd.DataFrame(columns=list(model.to_schema().columns)).astype({"date": "datetime64[ns]"})
        warehouse.replace(model, empty, dates, None, AuditStamp.now("test"))


@pytest.fixture(scope="module")
def market_template(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A migrated database with published market data, to be copied."""
    execute(postgres_server.url("postgres"), f"CREATE DATABASE {TEMPLATE}")
    warehouse = Warehouse(postgres_server.url(TEMPLATE))
    warehouse.migrate()
    publish_market(warehouse, PUBLISHED)
    warehouse.close()
    yield TEMPLATE
    execute(postgres_server.url("postgres"), f"DROP DATABASE {TEMPLATE} WITH (FORCE)")


@pytest.fixture
def workspace(
    market_template: str, fresh_database: Callable[..., str], tmp_path: Path
) -> Iterator[Workspace]:
    url = fresh_database(market_template)
    settings = Settings(_env_file=None, home=tmp_path, database_url=url, provider="sample")
    platform = Platform(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Workspace(settings, platform, instance)
    platform.warehouse.close()


class Ticks:
    """A sensor's ticks, each with the cursor of the one before."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self.cursor: str | None = None
        self.now = pd.Timestamp("2022-12-21 12:00:00", tz="UTC")

    def tick(self, keep_cursor: bool = True) -> inbox.Tick:
        """One look; without its cursor, as if it had been killed before it ended."""
        self.now += pd.Timedelta(seconds=15)
        found = inbox.look(self.workspace, self.cursor, self.now)
        self.cursor = found.cursor if keep_cursor else self.cursor
        return found

    def until_done(self) -> list[inbox.Wanted]:
        """Ticks until one has nothing to do; the runs that they want."""
        wanted = []
        for _ in range(30):
            wanted += self.tick().wanted
            if self.cursor == "{}":
                return wanted
        raise AssertionError(f"files are still there: {self.cursor}")


@pytest.fixture
def ticks(workspace: Workspace) -> Ticks:
    return Ticks(workspace)


def drop(workspace: Workspace, name: str, text: str | bytes) -> Path:
    file = inbox.directory(workspace.settings) / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def registered(workspace: Workspace) -> dict[str, int]:
    return workspace.platform.warehouse.positions().groupby("portfolio").size().to_dict()


def test_a_file_is_imported_computed_once_and_put_away(workspace: Workspace, ticks: Ticks) -> None:
    file = drop(workspace, "growth.csv", GOOD)
    assert ticks.tick().wanted == []
    assert registered(workspace) == {}

    (wanted,) = ticks.tick().wanted
    assert registered(workspace) == {"growth": 2}
    assert workspace.instance.get_dynamic_partitions("portfolio") == ["growth"]
    assert (wanted.run.dates, wanted.run.portfolios) == (pd.DatetimeIndex([LAST]), ("growth",))
    assert {asset.grain for asset in wanted.run.assets} == {Grain.DATE_PORTFOLIO}
    assert file.exists()

    assert ticks.tick().wanted == []
    assert names(file.parent) == []
    assert names(file.parent / "imported") == ["growth.20221221T120045000000Z.csv"]
    assert ticks.until_done() == []


def test_a_history_is_imported_by_the_preset_of_its_header(workspace: Workspace, ticks: Ticks) -> None:
    schwab = (REPOSITORY / "examples" / "brokers" / "schwab.csv").read_text(encoding="utf-8")
    drop(workspace, "broker.csv", schwab)
    ticks.tick()
    tick = ticks.tick()
    assert any("12 transactions, read by preset schwab" in note for note in tick.notes)
    (wanted,) = [item for item in [*tick.wanted, *ticks.until_done()] if item.run.portfolios]
    assert wanted.run.portfolios == ("broker",)
    assert len(workspace.platform.warehouse.transactions(["broker"])) == 12
    drop(workspace, "broker.csv", schwab)
    ticks.tick()
    assert any("not imported again" in note for note in ticks.tick().notes)
    ticks.until_done()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("$5,646.75", "$5,656.75", "line 6, column Amount, value '$5,656.75': not quantity x price and fees"),
        ('"Sell","AAPL"', '"Gift","AAPL"', "line 6, column Action, value 'Gift': no rule of table"),
        ('"Buy","AAPL"', '"Service Fee","AAPL"', "sell of 40 AAPL on 2022-11-29 is 40 more than is held"),
        ('"Fees & Comm"', '"Costs"', "no format that is known has these columns"),
    ],
)
def test_a_bad_history_is_rejected_with_its_report(
    workspace: Workspace, ticks: Ticks, old: str, new: str, said: str
) -> None:
    text = (REPOSITORY / "examples" / "brokers" / "schwab.csv").read_text(encoding="utf-8")
    assert old in text
    file = drop(workspace, "broker.csv", text.replace(old, new))
    ticks.until_done()
    (report,) = (file.parent / "rejected").glob("*.report.txt")
    assert said in report.read_text(encoding="utf-8")
    assert registered(workspace) == {}


def test_many_files_share_a_run_and_take_the_ticks_that_they_need(workspace: Workspace, ticks: Ticks) -> None:
    many = [f"many_{number}" for number in range(4)]
    for name in many:
        drop(workspace, f"{name}.csv", OTHER)
    ticks.tick()
    none = inbox.look(workspace, ticks.cursor, ticks.now, seconds=0)
    assert [item.run.portfolios for item in none.wanted] == [(many[0],)], "one file at least"
    assert none.notes[-1] == "3 more files wait for the next tick"
    ticks.cursor = none.cursor
    found = ticks.tick()
    assert [item.run.portfolios for item in found.wanted] == [tuple(many[1:])]
    assert ticks.until_done() == []
    assert names(inbox.directory(workspace.settings)) == []


def test_a_kill_before_the_tick_ends_repeats_the_same_request(workspace: Workspace, ticks: Ticks) -> None:
    drop(workspace, "growth.csv", GOOD)
    ticks.tick()
    killed = ticks.tick(keep_cursor=False)
    again = ticks.tick()
    assert [item.run_key for item in killed.wanted] == [item.run_key for item in again.wanted]
    assert registered(workspace) == {"growth": 2}
    ticks.tick(keep_cursor=False)  # killed after the move
    assert ticks.until_done() == []


def test_the_same_content_again_is_noted_not_imported(workspace: Workspace, ticks: Ticks) -> None:
    drop(workspace, "growth.csv", GOOD)
    ticks.until_done()
    drop(workspace, "growth.csv", GOOD)
    ticks.tick()
    assert any("not imported again" in note for note in ticks.tick().notes)
    ticks.until_done()
    assert len(names(inbox.directory(workspace.settings) / "imported")) == 2


def test_a_changed_file_replaces_and_keeps_the_cash(workspace: Workspace, ticks: Ticks) -> None:
    parsed = files.parse(workspace, GOOD.encode(), "growth", "growth.csv", allow_unpriced=False)
    workspace.save_portfolio("growth", 2500.0, "growth.csv", parsed.positions, replace=False)
    drop(workspace, "growth.csv", OTHER)
    ticks.tick()
    found = ticks.tick()
    assert any("replaced" in note for note in found.notes)
    assert len(found.wanted) == 1
    assert registered(workspace) == {"growth": 1}
    assert workspace.platform.warehouse.portfolios()["cash"].tolist() == [2500.0]
    history = workspace.platform.warehouse.ledger_changes("growth")
    assert history.drop_duplicates("change")["command"].tolist() == [
        "sigmasight import growth.csv",
        "inbox growth.csv",
    ]


def test_bad_files_are_put_aside_with_a_report_and_stop_no_other(workspace: Workspace, ticks: Ticks) -> None:
    bad = HEADER + "AAPL,100,142.48,2022-10-03\nNOSUCH,5,10,2022-10-03\nMSFT,abc,10,2022-10-03\n"
    drop(workspace, "a_bad.csv", bad)
    drop(workspace, "binary.csv", b"\xff\xfe\x00\x01")
    drop(workspace, "Upper Case.csv", GOOD)
    drop(workspace, "notes.txt", "hello")
    (inbox.directory(workspace.settings) / "link.csv").symlink_to("/etc/hostname")
    drop(workspace, "z_good.csv", GOOD)
    wanted = ticks.until_done()
    assert [item.run.portfolios for item in wanted] == [("z_good",)]
    assert registered(workspace) == {"z_good": 2}

    folder = inbox.directory(workspace.settings)
    assert names(folder) == []
    rejected = names(folder / "rejected")
    assert len(rejected) == 10
    stamp = "20221221T120030000000Z"
    report = (folder / "rejected" / f"a_bad.{stamp}.report.txt").read_text()
    assert "line 3, column ticker, value 'NOSUCH'" in report
    assert "line 4, column quantity, value 'abc'" in report
    assert (folder / "rejected" / f"a_bad.{stamp}.csv").read_text() == bad
    assert (
        "portfolio name 'Upper Case'" in (folder / "rejected" / f"Upper Case.{stamp}.report.txt").read_text()
    )
    assert "not a regular file" in (folder / "rejected" / f"link.{stamp}.report.txt").read_text()


def test_names_and_sizes_that_no_file_should_have_are_rejected_and_told(
    workspace: Workspace, ticks: Ticks
) -> None:
    drop(workspace, "caf\udce9.csv", GOOD)
    drop(workspace, "line\n.csv", GOOD)
    with (inbox.directory(workspace.settings) / "vast.csv").open("wb") as vast:
        vast.truncate(2**40)  # a hole: to read it would take the memory of the machine
    drop(workspace, "z_good.csv", GOOD)
    ticks.tick()
    told = "\n".join(ticks.tick().problems)
    assert "caf\\xe9.csv: rejected: caf\\xe9.csv: portfolio name 'caf\\xe9' must match" in told
    assert "vast.csv: 1,099,512 MB, more than the 100 MB" in told
    told.encode()
    ticks.until_done()
    assert registered(workspace) == {"z_good": 2}
    folder = inbox.directory(workspace.settings)
    assert names(folder) == []
    assert len(names(folder / "rejected")) == 6


@pytest.mark.parametrize("name", ["rejected", "imported"])
def test_a_link_in_place_of_a_folder_is_not_followed(name: str, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, home=tmp_path)
    folder, elsewhere = inbox.directory(settings) / name, tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.rmdir()
    folder.symlink_to(elsewhere)
    with pytest.raises(InputError, match=f"{name} is a symbolic link, which is not followed"):
        inbox.directory(settings)


def test_a_file_that_is_being_written_waits(workspace: Workspace, ticks: Ticks) -> None:
    file = drop(workspace, "growth.csv", HEADER)
    drop(workspace, "other.csv.part", GOOD)
    drop(workspace, ".hidden.csv", GOOD)
    for line in GOOD.splitlines()[1:]:
        ticks.tick()
        with file.open("a") as stream:
            stream.write(line + "\n")
    assert registered(workspace) == {}
    ticks.until_done()
    assert registered(workspace) == {"growth": 2}
    (file.parent / "other.csv.part").rename(file.parent / "other.csv")
    ticks.until_done()
    assert registered(workspace) == {"growth": 2, "other": 2}
    assert names(file.parent) == [".hidden.csv"]


def test_without_market_data_the_portfolio_is_imported_and_says_so(
    workspace: Workspace, ticks: Ticks
) -> None:
    execute(workspace.settings.database_url or "", "TRUNCATE sigmasight.publications")
    drop(workspace, "growth.csv", GOOD)
    ticks.tick()
    assert any("no run requested" in note for note in ticks.tick().notes)
    assert registered(workspace) == {"growth": 2}


def test_missing_history_is_requested_first_layer_by_layer(workspace: Workspace, ticks: Ticks) -> None:
    early = "DELETE FROM sigmasight.publications WHERE date < '2022-12-20'"
    execute(workspace.settings.database_url or "", early)
    drop(workspace, "growth.csv", GOOD)
    wanted = ticks.until_done()
    *history, first_run = [item.run for item in wanted]
    assert first_run.portfolios == ("growth",)
    assert history
    assert not any(run.portfolios for run in history)
    assert all(run.dates[-1] < LAST for run in history)
    assert all(asset.only_fetches for asset in history[0].assets)
    assert len({item.run_key for item in wanted}) == len(wanted)


def test_the_sensor_requests_the_run_of_one_rectangle(workspace: Workspace) -> None:
    definitions = build_definitions(workspace.settings)
    sensor = definitions.resolve_sensor_def("inbox")
    drop(workspace, "growth.csv", GOOD)
    cursor = None
    requests: list[dg.RunRequest] = []
    for _ in range(3):
        context = dg.build_sensor_context(
            workspace.instance, cursor=cursor, resources={"platform": workspace.platform}
        )
        data = sensor.evaluate_tick(context)
        cursor, requests = data.cursor, [*requests, *(data.run_requests or [])]
    (request,) = requests
    assert request.job_name == "portfolio"
    assert request.tags["dagster/asset_partition_range_start"] == "2022-12-20|growth"
    assert request.tags["dagster/asset_partition_range_end"] == "2022-12-20|growth"
    assert not (inbox.directory(workspace.settings) / "growth.csv").exists()
