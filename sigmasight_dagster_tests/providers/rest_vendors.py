"""Good answers of Polygon and FMP in the shapes that they document, made of neutral rows."""

import pandas as pd

from sigmasight_dagster_tests.providers.fault_server import Handler, Request, Rows

SPLITS: Rows = []
Payload = dict[str, object] | list[dict[str, object]] | None


def within(rows: Rows, first: str, last: str) -> Rows:
    return [row for row in rows if first <= str(row["date"]) <= last]


def milliseconds(date: str) -> int:
    return int(pd.Timestamp(date, tz="America/New_York").timestamp() * 1000)


def currency(rows: Rows) -> str:
    return str(rows[0]["currency"]) if rows else "USD"


class Polygon:
    """Handlers of Polygon's paths for symbols with rows (date, open, high, low, close, volume, currency).

    :param splits: rows with symbol, date, ratio. :param dividends: symbol, date, amount, currency.
    :param page: rows on a page of bars; the rest is behind next_url.
    """

    def __init__(self, bars: dict[str, Rows], splits: Rows = (), dividends: Rows = (), page: int = 10**6):  # type: ignore[assignment]
        self._bars, self._splits, self._dividends, self._page = bars, splits, dividends, page

    def handlers(self) -> dict[str, Handler]:
        return {
            "/v2/aggs/ticker/": self._aggregates,
            "/v3/reference/splits": self._reference_splits,
            "/v3/reference/dividends": self._reference_dividends,
            "/v3/reference/tickers/": self._ticker,
        }

    def _aggregates(self, request: Request) -> Payload:
        parts = request.path.split("/")
        ticker, first, last = parts[4], parts[8], parts[9]
        assert request.query["adjusted"] == "false"
        assert request.headers["authorization"].startswith("Bearer ")
        rows = request.spoil(within(self._bars.get(ticker, []), first, last))
        begin = int(request.query.get("cursor", 0))
        shown = rows[begin : begin + self._page]
        answer: dict[str, object] = {
            "ticker": ticker,
            "status": "OK",
            "adjusted": False,
            "resultsCount": len(shown),
        }
        if shown:
            names = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
            answer["results"] = [
                {"t": milliseconds(str(row["date"])), **{k: row.get(name) for k, name in names.items()}}
                for row in shown
            ]
        if begin + self._page < len(rows):
            answer["next_url"] = (
                f"https://api.polygon.io{request.path}?cursor={begin + self._page}&adjusted=false"
            )
        return answer

    def _reference_splits(self, request: Request) -> Payload:
        rows = [row for row in self._splits if row["symbol"] == request.query["ticker"]]
        return {
            "status": "OK",
            "results": [
                {
                    "execution_date": row["date"],
                    "split_from": 1,
                    "split_to": row["ratio"],
                    "ticker": row["symbol"],
                }
                for row in rows
                if row["date"] >= request.query["execution_date.gte"]
            ],
        }

    def _reference_dividends(self, request: Request) -> Payload:
        rows = [row for row in self._dividends if row["symbol"] == request.query["ticker"]]
        return {
            "status": "OK",
            "results": [
                {
                    "ex_dividend_date": row["date"],
                    "cash_amount": row["amount"],
                    "currency": row.get("currency", "USD"),
                }
                for row in rows
                if row["date"] >= request.query["ex_dividend_date.gte"]
            ],
        }

    def _ticker(self, request: Request) -> Payload:
        ticker = request.path.split("/")[4]
        rows = self._bars.get(ticker)
        if rows is None:
            return None
        found = {
            "ticker": ticker,
            "name": f"{ticker} Inc.",
            "type": "CS",
            "primary_exchange": "XNAS",
            "currency_name": currency(request.spoil(rows)).lower(),
            "sic_description": "ELECTRONIC COMPUTERS",
            "market_cap": 2.5e12,
        }
        return {"status": "OK", "results": found}


class Fmp:
    """Handlers of FMP's paths; as Polygon's, and `adjusted` is the adjusted close of a row, if it has one."""

    def __init__(self, bars: dict[str, Rows], splits: Rows = (), dividends: Rows = ()):  # type: ignore[assignment]
        self._bars, self._splits, self._dividends = bars, splits, dividends

    def handlers(self) -> dict[str, Handler]:
        return {
            "/stable/historical-price-eod/non-split-adjusted": self._as_traded,
            "/stable/historical-price-eod/dividend-adjusted": self._adjusted,
            "/stable/splits": self._all_splits,
            "/stable/dividends": self._all_dividends,
            "/stable/profile": self._profile,
        }

    def _rows(self, request: Request) -> Rows:
        assert request.headers["apikey"]
        assert "apikey" not in request.query
        rows = self._bars.get(request.query["symbol"], [])
        return request.spoil(within(rows, request.query["from"], request.query["to"]))[::-1]

    def _as_traded(self, request: Request) -> Payload:
        names = {
            "adjOpen": "open",
            "adjHigh": "high",
            "adjLow": "low",
            "adjClose": "close",
            "volume": "volume",
        }
        return [
            {
                "symbol": request.query["symbol"],
                "date": row["date"],
                **{k: row.get(v) for k, v in names.items()},
            }
            for row in self._rows(request)
        ]

    def _adjusted(self, request: Request) -> Payload:
        return [
            {"date": row["date"], "adjClose": row.get("adjusted", row["close"])}
            for row in self._rows(request)
        ]

    def _all_splits(self, request: Request) -> Payload:
        rows = [row for row in self._splits if row["symbol"] == request.query["symbol"]]
        return [{"date": row["date"], "numerator": row["ratio"], "denominator": 1} for row in rows]

    def _all_dividends(self, request: Request) -> Payload:
        rows = [row for row in self._dividends if row["symbol"] == request.query["symbol"]]
        return [
            {"date": row["date"], "adjDividend": row["amount"], "dividend": row["amount"]} for row in rows
        ]

    def _profile(self, request: Request) -> Payload:
        symbol = request.query["symbol"]
        if symbol not in self._bars:
            return []
        known = {"companyName": f"{symbol} Inc.", "sector": "Technology", "industry": "Consumer Electronics"}
        place = {"exchange": "NASDAQ", "country": "US", "marketCap": 2.5e12, "isEtf": False, "isFund": False}
        return [{"symbol": symbol, "currency": currency(request.spoil(self._bars[symbol])), **known, **place}]
