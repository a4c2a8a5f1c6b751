"""The UI in a real browser, after the demo: first page, asset graph, an asset, a partition's plot, a check.

Needs chromium and chromedriver, which no wheel carries: `make ui-test`. In every run `test_graphql.py`
asserts the same over the API. Screenshots go to SIGMASIGHT_SCREENSHOTS, or to a temporary folder.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from sigmasight_dagster_tests.conftest import REPOSITORY
from sigmasight_dagster_tests.support.dev_server import DevServer, dev_server
from sigmasight_dagster_tests.support.project import CliProject

pytestmark = pytest.mark.browser

END, NAME = "2022-12-28", "hedge_fund"
GROUPS = ("market", "market_risk", "portfolio", "portfolio_risk")
WIDTH, HEIGHT = 1_700, 1_050
SECONDS = 60
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    f"--window-size={WIDTH},{HEIGHT}",
)
NO_WELCOME = "localStorage.setItem('communityNux', '1'); localStorage.setItem('dagster.communityNux', '1')"


@pytest.fixture(scope="module")
def server(new_project: Callable[[], CliProject]) -> Iterator[DevServer]:
    project = replace(new_project(), plots=1)
    project.ok("demo")
    with dev_server(project) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chosen = os.environ.get("SIGMASIGHT_SCREENSHOTS")
    return REPOSITORY / chosen if chosen else tmp_path_factory.mktemp("screenshots")


@pytest.fixture(scope="module")
def browser(server: DevServer) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for option in OPTIONS:
        options.add_argument(option)
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.get(server.url)
    driver.execute_script(NO_WELCOME)
    yield driver
    driver.quit()


class Page:
    """One page of the UI, loaded."""

    def __init__(self, browser: Chrome, url: str):
        self._browser = browser
        browser.get(url)

    def text(self) -> str:
        return self._browser.find_element(By.TAG_NAME, "body").text

    def shows(self, *texts: str, without: tuple[str, ...] = ()) -> None:
        """Wait until every text is visible and none of `without` is."""

        def ready(_: Chrome) -> bool:
            text = self.text()
            return all(name in text for name in texts) and not any(name in text for name in without)

        WebDriverWait(self._browser, SECONDS).until(ready, f"{texts} not all in: {self.text()[:2_000]}")

    def click(self, text: str) -> None:
        self._browser.find_element(By.XPATH, f"//*[text()='{text}']").click()

    def image_width(self) -> int:
        """Pixels of the inline image, once it is decoded."""
        script = (
            "const i = document.querySelector('img[src^=\"data:image/png\"]'); return i && i.naturalWidth"
        )
        return WebDriverWait(self._browser, SECONDS).until(lambda browser: browser.execute_script(script))

    def save(self, path: Path) -> None:
        assert self._browser.save_screenshot(str(path))
        assert path.read_bytes().startswith(b"\x89PNG")


def test_the_first_page_has_the_runs_on_its_timeline(
    server: DevServer, browser: Chrome, folder: Path
) -> None:
    page = Page(browser, server.url)
    page.shows("Timeline", "asset materializations", without=("Loading",))
    page.click("1hr")
    page.shows("Timeline", "asset materializations", without=("Loading", "12AM"))
    assert not browser.find_elements(By.XPATH, "//*[contains(text(), 'Failed')]")
    page.save(folder / "overview.png")


def test_the_asset_graph_shows_the_groups(server: DevServer, browser: Chrome, folder: Path) -> None:
    page = Page(browser, f"{server.url}/asset-groups")
    page.shows("Global asset lineage", *GROUPS, without=("fetching", "Loading"))
    page.save(folder / "asset_graph.png")


def test_an_asset_shows_its_description_and_columns(server: DevServer, browser: Chrome, folder: Path) -> None:
    page = Page(browser, f"{server.url}/assets/portfolio_snapshots")
    page.shows(
        "One portfolio at the close of one trading date", "total_value", "primary key", "Postgres", END
    )
    page.save(folder / "asset_overview.png")


def test_a_partition_shows_its_figures_rows_and_plot(
    server: DevServer, browser: Chrome, folder: Path
) -> None:
    page = Page(browser, f"{server.url}/assets/stress_results?view=partitions&partition={END}%7C{NAME}")
    page.shows(f"{END}|{NAME}", "Materialized", "worst scenario (USD)", "preview", "[Show Markdown]")
    page.save(folder / "partitions.png")
    page.click("[Show Markdown]")
    assert page.image_width() > 500
    page.save(folder / "partition_plot.png")


def test_a_check_shows_the_numbers_behind_it(server: DevServer, browser: Chrome, folder: Path) -> None:
    check = "snapshots_equal_their_positions"
    page = Page(browser, f"{server.url}/assets/portfolio_snapshots?view=checks&checkDetail={check}")
    page.shows("Passed", "net_exposure", "tolerance", "Each total of a snapshot equals the sum")
    page.save(folder / "check.png")
