"""Examples of each command, two if it takes anything: on its help page and in docs/commands.md.

A test parses every one. The portfolios are those of `sigmasight demo`, and `mine`, which the first example
of `import` makes. What stands here follows the name of the command.
"""

from typing import Final

EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "init": ("", "my_portfolios"),
    "demo": ("", "--start 2022-12-20"),
    "onboard": (
        "examples/portfolios/individual.csv mine",
        "examples/brokers/schwab.csv broker --yes",
    ),
    "portfolios": ("", "--json"),
    "import": (
        "examples/portfolios/individual.csv mine --cash 5000",
        "examples/brokers/schwab.csv --explain",
    ),
    "position": (
        "add mine KO --quantity 10 --entry-price 60 --entry-date 2022-11-15",
        "remove mine AAPL@2021-11-15",
    ),
    "position add": (
        "mine KO --quantity 10 --entry-price 60 --entry-date 2022-11-15",
        "mine SPY230120C00400000 --quantity -1 --entry-price 12 --entry-date 2022-11-15",
    ),
    "position change": (
        "mine AAPL@2021-11-15 --quantity 140",
        "mine AAPL@2021-11-15 --entry-price 148.75 --tags income,core",
    ),
    "position close": (
        "mine AAPL@2021-11-15 --date 2022-12-20 --price 132.30",
        "mine AAPL@2021-11-15#2 --date 2022-12-20 --price 132.30",
    ),
    "position tag": (
        "mine AAPL@2021-11-15 income core",
        "mine AAPL@2021-11-15 income --remove",
    ),
    "position remove": ("mine AAPL@2021-11-15", "mine KO@2022-11-15#2"),
    "cash": ("mine 25000", "mine -1200.50 --date 2022-12-20"),
    "benchmark": ("individual SPY", "hedge_fund QUAL"),
    "ledger": ("individual", "hedge_fund"),
    "gains": ("individual", "high_net_worth --csv"),
    "remove": ("mine", "mine --yes"),
    "show": ("individual", "individual stress --date 2022-12-28 --json"),
    "report": ("individual", "hedge_fund --date 2022-12-28 --format html"),
    "export": (
        "individual --format xlsx",
        "individual --table risk_measures --start 2022-12-01 --end 2022-12-28",
    ),
    "readiness": ("", "individual --date 2022-12-28"),
    "alerts": ("rules", "try my_alerts.yaml"),
    "alerts list": ("", "--all --json"),
    "alerts rules": ("", "my_alerts.yaml"),
    "alerts try": ("", "my_alerts.yaml --json"),
    "docs-charts": (
        "individual",
        "hedge_fund --date 2022-12-28 --docs charts",
    ),
    "status": ("", "--json"),
    "run": ("", "individual --date 2022-12-28 --report"),
    "backfill": (
        "--start 2022-12-01 --end 2022-12-28",
        "individual --start 2022-12-01 --end 2022-12-28 --missing-only",
    ),
    "rerun-failed": ("", "individual --start 2022-12-01"),
    "stale": ("", "--rerun"),
    "verify": ("", "individual --start 2022-12-01 --end 2022-12-28 --repair"),
    "prices": ("AAPL", "AAPL --start 2022-12-01 --end 2022-12-28"),
    "coverage": ("", "--fill"),
    "refresh": (
        "--start 2022-12-28 --end 2022-12-28",
        "--start 2022-12-01 --end 2022-12-28",
    ),
    "doubtful": ("list", 'confirm AAPL 2022-12-28 --reason "the exchange says so"'),
    "doubtful list": ("", "--symbol AAPL --all"),
    "doubtful confirm": ("AAPL 2022-12-28", 'AAPL 2022-12-28 --reason "the exchange says so"'),
    "doubtful reject": ("AAPL 2022-12-28", 'AAPL 2022-12-28 --reason "a misprint"'),
    "retention": ("--dry-run", "--days 730"),
    "what-if": (
        "individual trades.csv",
        "individual trades.csv --date 2022-12-28 --save less_tech",
        "individual --target market_beta=0.8 --csv",
    ),
    "what-if-sessions": ("list", "show less_tech"),
    "what-if-sessions list": ("", "--json"),
    "what-if-sessions show": ("less_tech", "less_tech --json"),
    "what-if-sessions export": (
        "less_tech trades.csv",
        "less_tech orders.fix --format fix --sender FUND --target BROKER",
    ),
    "what-if-sessions remove": ("less_tech", "old_idea"),
    "scenarios": ("list", "check my_scenarios.yaml"),
    "scenarios list": ("", "--category rates --json"),
    "scenarios check": ("", "my_scenarios.yaml"),
    "scenarios run": ("individual", "--file my_scenarios.yaml --json"),
    "stress-reality": ("", "--date 2022-12-28"),
    "dev": ("", "--port 3001"),
    "db": ("status", "psql"),
    "db start": ("",),
    "db stop": ("",),
    "db status": ("", "--json"),
    "db url": ("", "--reader --tcp --sqlalchemy"),
    "db psql": ("", '-c "SELECT * FROM sigmasight.portfolio_today"'),
    "db migrate": ("",),
    "db grant": ("analyst individual", "analyst individual hedge_fund --password-stdin"),
    "db revoke": ("analyst", "analyst hedge_fund"),
    "db grants": ("", "--json"),
    "serve": ("", "--port 8001"),
    "mcp": ("individual", "--http --port 8001"),
    "users": ("list", "add --demo"),
    "users add": ("anna@example.com individual", "--demo"),
    "users list": ("", "--json"),
    "users disable": ("anna@example.com", "bob@example.com"),
    "users password": ("anna@example.com", "anna@example.com --password-stdin"),
    "worker": ("", "--concurrency 2"),
}
