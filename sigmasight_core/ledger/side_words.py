"""What columns beside the needed ones are called in brokers' and vendors' files, and what their words mean.

A column is known by its name in small letters with words joined by `_` (`csv_rows.plain_name`). A word is
known in capitals, with spaces for signs.
"""

import re
from typing import Final


def _spaced(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _barred(text: str) -> frozenset[str]:
    return frozenset(text.split("|"))


DIRECTION: Final = _spaced(
    "action side type buy_sell buysell bs b_s sell_buy transaction transaction_type trans_type trans "
    "trade_type trade_action trade_side direction long_short longshort l_s ls position_side "
    "position_type pos_type order_action order_side order_type activity activity_type operation "
    "buy_or_sell long_or_short verb trans_code transaction_code trade_code txn_type txn security_type "
    "sec_type asset_type asset_class asset instrument "
    "instrument_type product product_type investment_type investment kind category"
)
"""Columns that may say what was done, which way a position goes, or what kind of security it is."""
LONG_SHORT: Final = _spaced("long_short longshort l_s ls position_side long_or_short")
EXPOSURE: Final = _spaced("asset_class asset investment kind category")
"""Columns that mostly say what a holding is exposed to (`Bonds` of a bond fund): unknown words pass."""
SECURITY: Final = _spaced(
    "security_type sec_type asset_type instrument instrument_type product product_type investment_type"
)
SIZE: Final = _spaced("position pos net_position shares contracts size")
CURRENCY: Final = _spaced(
    "currency ccy curr cur currency_code trade_currency price_currency local_currency cost_currency "
    "base_currency settlement_currency trading_currency position_currency currency_primary "
    "currencyprimary quote_currency"
)
RATE: Final = _spaced("fx_rate fx exchange_rate fxrate currency_rate fx_rate_to_base conversion_rate")
MULTIPLIER: Final = _spaced(
    "multiplier contract_multiplier contract_size contractsize lot_size lotsize mult shares_per_contract "
    "price_multiplier point_value deliverable quantity_multiplier size_multiplier shares_per_unit "
    "contract_unit"
)
UNIT: Final = _spaced("unit units unit_of_measure uom quantity_unit quantity_type")
PRICE_UNIT: Final = _spaced("price_unit price_type quote_unit price_currency_unit")
RIGHT: Final = _spaced(
    "put_call putcall call_put callput pc p_c cp c_p right option_type opt_type put_or_call call_or_put "
    "option_right option_side call_put_indicator"
)
STRIKE: Final = frozenset({"strike", "strike_price", "option_strike", "exercise_price", "strikeprice"})
EXPIRY: Final = _spaced(
    "expiry expiration expiration_date expiry_date exp_date exp expires maturity maturity_date "
    "option_expiry option_expiration expirationdate expirydate last_trade_date"
)
UNDERLYING: Final = _spaced("underlying underlying_symbol underlier underlying_ticker root root_symbol")
VENUE: Final = _spaced(
    "exchange listing_exchange primary_exchange mic venue listing exch stock_exchange market_code "
    "exchange_code listed_on trading_venue"
)
EXIT: Final = _spaced(
    "sell_date date_sold sold_date sale_date close_date closing_date closed_date date_closed closed "
    "sell_price sale_price sold_price exit sold sold_on"
)
STATUS: Final = _spaced("status order_status trade_status position_status")
EFFECT: Final = _spaced("open_close openclose o_c position_effect effect open_close_indicator")
FACTOR: Final = _spaced("split_factor split_ratio adjustment_factor factor price_factor scale leverage")

OPINION: Final = re.compile(
    r"rating|recommend|signal|consensus|analyst|opinion|view|outlook|sentiment|score|grade|advice|target|"
    r"note|comment|remark|memo|reason|description|name|tag|strategy|term|model"
)
"""Names of columns whose words are what somebody thinks of a holding, not what was done."""

LONG: Final = frozenset({"LONG", "L", "LNG", "LC", "LP", "+", "LONG POSITION"})
SHORT: Final = frozenset({"SHORT", "SHRT", "SHT", "SC", "SP", "-", "SHORT POSITION"})
BUY: Final = _barred(
    "BUY|B|BOT|BOUGHT|PURCHASE|PURCHASED|BUY TO OPEN|BTO|BUY OPEN|YOU BOUGHT|BUY OPENING|BUY LONG|"
    "OPEN LONG|OPEN BUY|BUYTOOPEN"
)
SELL_SHORT: Final = _barred(
    "SELL SHORT|SHORT SELL|SOLD SHORT|SSHORT|SELLSHORT|SS|SHORT SALE|SELL TO OPEN|STO|SELL OPEN|"
    "OPEN SHORT|SELL OPENING|SELLTOOPEN|SHORTSELL"
)
SELL: Final = _barred(
    "SELL|SLD|SOLD|SALE|SELL TO CLOSE|STC|SELL CLOSE|YOU SOLD|SELL LONG|CLOSE LONG|SELLTOCLOSE|"
    "BUY TO COVER|BTC|BUY TO CLOSE|BUYTOCLOSE|COVER|COVER SHORT|BUY COVER|BC|CVR|CLOSE SHORT|BUY CLOSE|"
    "CLOSE|CLOSED"
)
COVER: Final = frozenset(
    word for word in SELL if "BUY" in word or word in {"BTC", "COVER", "COVER SHORT", "BC", "CVR"}
)
EVENTS: Final = _barred(
    "DIVIDEND|DIV|CASH DIVIDEND|QUALIFIED DIVIDEND|REINVEST|REINVESTMENT|REINVEST SHARES|"
    "REINVEST DIVIDEND|DEPOSIT|WITHDRAWAL|INTEREST|FEE|FEES|COMMISSION|TAX|TRANSFER|TRANSFER IN|"
    "TRANSFER OUT|JOURNAL|SPLIT|STOCK SPLIT|SPIN OFF|MERGER|EXERCISE|EXERCISED|ASSIGNED|ASSIGNMENT|"
    "EXPIRED|EXPIRATION|CONTRIBUTION|DISTRIBUTION|CREDIT|DEBIT|ADJUSTMENT|RECEIVE|DELIVER|TRADE"
)
CALL: Final = frozenset({"CALL", "CALLS", "C", "CALL OPTION", "LC", "SC"})
PUT: Final = frozenset({"PUT", "PUTS", "P", "PUT OPTION", "LP", "SP"})
SHARE: Final = _barred(
    "STOCK|STOCKS|STK|EQUITY|EQUITIES|SHARE|SHARES|COMMON STOCK|COMMON|CS|ETF|ETFS|ETN|ETP|FUND|"
    "MUTUAL FUND|MF|MUTUALFUND|EQ|REIT|ADR|PREFERRED|PREFERRED STOCK|STOCKS & ETFS|STOCK ETF|INDEX FUND|"
    "CLOSED END FUND|US EQUITY|DOMESTIC EQUITY|COMMON SHARES|UNIT|WARRANT|ETFS & CLOSED END FUNDS"
)
OPTION: Final = _barred(
    "OPTION|OPTIONS|OPT|EQUITY OPTION|INDEX OPTION|STOCK OPTION|OPTION CONTRACT|LISTED OPTION|OPTN"
)
NOT_SUPPORTED: Final = _barred(
    "FUTURE|FUTURES|FUT|FOP|FUTURE OPTION|FUTURES OPTION|BOND|BONDS|FIXED INCOME|CORPORATE BOND|"
    "MUNICIPAL BOND|TREASURY|NOTE|CD|CERTIFICATE OF DEPOSIT|FX|FOREX|CURRENCY|CRYPTO|CRYPTOCURRENCY|CFD|"
    "CFDS|SWAP|FORWARD|COMMODITY|CASH BALANCE|BILL"
)
CASH: Final = frozenset({"CASH", "CASH EQUIVALENT", "CASH AND CASH EQUIVALENTS", "MONEY MARKET"})
NEUTRAL: Final = _barred(
    "MARGIN|INDEX|PRIVATE|PRIVATE ASSET|OPEN|O|OPENED|FILLED|EXECUTED|OK|HELD|HOLDING|POSITION|MARKET|"
    "MKT|LIMIT|LMT|STOP|STOP LIMIT|TAXABLE|IRA|ROTH IRA|401K|INDIVIDUAL|JOINT|BROKERAGE|RETIREMENT|LOT"
)
EMPTY: Final = frozenset({"", "-", "--", "N/A", "NA", "NONE", "NULL", "NAN", "N A"})
DOLLARS: Final = frozenset({"USD", "$", "US$", "US DOLLAR", "US DOLLARS", "U S DOLLAR", "DOLLAR", "USDOLLAR"})
CONTRACTS: Final = frozenset({"CONTRACT", "CONTRACTS", "CTR", "CTRS"})
SHARES: Final = frozenset({"SHARE", "SHARES", "SHS", "SH"})
UNITS: Final = frozenset({"EACH", "EA", "UNIT", "UNITS", "1", "PCS", "QUANTITY"})
PRICES: Final = _barred(
    "PER SHARE|PER UNIT|SHARE|UNIT|USD|US DOLLARS|DOLLARS|DOLLAR|$|1|PRICE|LAST|TRADE|AVERAGE|AVG"
)
SETTLED: Final = _barred("OPEN|OPENED|FILLED|EXECUTED|OK|HELD|ACTIVE|SETTLED|COMPLETE|COMPLETED|CURRENT|DONE")
OPENING: Final = frozenset({"OPEN", "O", "OPENING", "TO OPEN", "OPENED"})


TOLD: Final = frozenset(
    word for word in BUY | SELL | SELL_SHORT | SHORT | LONG | COVER if len(word) > 2 and word != "CLOSED"
)
"""Words that say what was done or which way a position goes, whatever their column is called."""


def plain_word(text: str) -> str:
    """A word as the sets here spell it."""
    stripped = text.strip()
    if stripped in {"+", "-"}:
        return stripped
    return re.sub(r"[\s_/\-.,()]+", " ", stripped.upper()).strip()
