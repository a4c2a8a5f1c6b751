"""The commands by what one wants to do, where each is, and the first sentence of its help.

It stands here once more because the help page imports no command: a test holds it against the command's.
"""

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """Where a command is, below `sigmasight_dagster.commands`, and the first sentence of its help.

    :param extra: of the package, which brings what the command imports beside the rest.
    """

    module: str
    name: str
    help: str
    extra: str = ""


SECTIONS: Final = {
    "Start": {
        "init": Entry(
            "servers.init",
            "init",
            "Make FOLDER (default: the current one) a project: Dagster's configuration, settings, examples.",
        ),
        "demo": Entry(
            "runs.demo",
            "demo",
            "Import three portfolios, compute 2022-10-03..2022-12-28 on real prices, and show what came out.",
        ),
        "onboard": Entry(
            "ledger.onboard",
            "onboard",
            "Take the positions of FILE (CSV), or the history that a broker exports, to their first results.",
        ),
    },
    "Portfolios": {
        "portfolios": Entry("ledger.portfolios", "list_portfolios", "List the registered portfolios."),
        "import": Entry(
            "ledger.portfolios",
            "import_portfolio",
            "Import FILE (CSV) as a portfolio, after checking every row.",
        ),
        "position": Entry(
            "ledger.ledger", "position", "Add, change, close, tag or remove a position of a portfolio."
        ),
        "cash": Entry(
            "ledger.ledger",
            "cash",
            "State that the cash of PORTFOLIO is AMOUNT (USD; negative = "
            "borrowed), as a bank states a balance.",
        ),
        "benchmark": Entry("ledger.benchmark", "benchmark", "Hold the returns of PORTFOLIO against SYMBOL."),
        "ledger": Entry(
            "ledger.ledger", "ledger", "Show the positions of PORTFOLIO and every change that made them."
        ),
        "gains": Entry(
            "ledger.gains",
            "gains",
            "What each sale of PORTFOLIO has gained, before fees: "
            "proceeds - cost of the lots that it closed.",
        ),
        "remove": Entry(
            "ledger.remove",
            "remove",
            "Remove PORTFOLIO: its ledger, all its results and alerts, and who may see it.",
        ),
    },
    "Results": {
        "show": Entry(
            "results.show",
            "show",
            "Show PORTFOLIO as it is stored: a summary, or one section of its results.",
        ),
        "report": Entry(
            "results.report",
            "report",
            "The report of a portfolio: Markdown, JSON, CSV, HTML and Excel; default: of every portfolio.",
        ),
        "export": Entry(
            "results.export",
            "export",
            "Write published rows of portfolios as files, one a table; default: of every "
            "portfolio and table.",
        ),
        "readiness": Entry(
            "results.readiness",
            "readiness",
            "What each calculation can and cannot do for a portfolio, "
            "from what is stored; default: every one.",
        ),
        "alerts": Entry(
            "results.alerts",
            "alerts",
            "Alerts: list what fired and the rules, check a file of rules, and try what it would say now.",
        ),
        "docs-charts": Entry(
            "results.docs_charts",
            "docs_charts",
            "Draw exposures, stress and correlations of a portfolio, and compare stress with reality.",
        ),
    },
    "Runs": {
        "status": Entry(
            "runs.status",
            "status",
            "Show which dates are published and missing, what runs, what failed, and the next schedule.",
        ),
        "run": Entry("runs.run", "run", "Compute every asset of one trading date."),
        "backfill": Entry(
            "runs.run",
            "backfill",
            "Compute every asset of every trading date from START to END, in a few range runs.",
        ),
        "rerun-failed": Entry(
            "runs.rerun",
            "rerun_failed",
            "Compute again what failed last, and nothing else: market data first, then portfolios.",
        ),
        "stale": Entry(
            "runs.stale",
            "list_stale",
            "List what was computed before a price, yield, corporate "
            "action or security of its windows changed.",
        ),
        "verify": Entry(
            "runs.verify",
            "verify",
            "Say what is stored otherwise than runs and commands have stored it; exit code 1 if anything is.",
        ),
    },
    "Data": {
        "prices": Entry("data.prices", "prices", "Print the closes of SYMBOL with their source and status."),
        "coverage": Entry(
            "data.coverage",
            "coverage",
            "Prices of each held symbol and factor proxy: sessions, first, last, gaps, staleness and source.",
        ),
        "refresh": Entry(
            "data.refresh",
            "refresh",
            "Fetch market data from START to END again, keep the old versions, and say what became stale.",
        ),
        "doubtful": Entry(
            "data.doubtful",
            "doubtful",
            "Prices, splits and dividends that cannot be believed: list, confirm and reject them.",
        ),
        "retention": Entry(
            "data.retention",
            "retention",
            "Delete what is older than the settings SIGMASIGHT_KEEP_... say.",
        ),
    },
    "What-if and scenarios": {
        "what-if": Entry(
            "results.what_if",
            "what_if",
            "Risk of PORTFOLIO with the trades of TRADES.CSV beside that "
            "without; its tables stay as they are.",
        ),
        "what-if-sessions": Entry(
            "results.what_if",
            "what_if_sessions",
            "Saved what-ifs: list, show, export as a trade list, remove.",
        ),
        "scenarios": Entry(
            "results.scenarios",
            "scenarios",
            "Stress scenarios, shipped and your own: list them, check a file, run some on a portfolio.",
        ),
        "stress-reality": Entry(
            "results.stress_reality",
            "stress_reality",
            "Hold the stress method against what happened in 2018, 2020 and 2022.",
        ),
    },
    "Servers": {
        "dev": Entry("servers.dev", "dev", "Open the Dagster UI (webserver and daemon) until Ctrl-C."),
        "db": Entry("servers.db", "db", "The PostgreSQL server: embedded by default, or an external one."),
        "serve": Entry("servers.serve", "serve", "Serve the API (docs/api.md) until Ctrl-C.", "api"),
        "users": Entry(
            "servers.users",
            "users",
            "Who may use the API (`sigmasight serve`), and which portfolios are theirs.",
            "api",
        ),
        "mcp": Entry(
            "servers.mcp",
            "mcp",
            "Serve language-model agents over MCP (docs/agents.md): stored results, read only.",
            "mcp",
        ),
        "worker": Entry(
            "servers.worker", "worker", "Execute steps of runs (SIGMASIGHT_EXECUTOR=celery) until Ctrl-C."
        ),
    },
}
"""What one wants to do, and the commands for it, in the order of the help page."""

COMMANDS: Final = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
