"""Conventions that every calculation shares: position types, multipliers, day count, statuses.

Sign convention: quantities are signed (short is negative), prices are never negative,
``exposure`` is signed and ``market_value`` is not.
"""

from typing import Final, Literal

LONG: Final = "LONG"
SHORT: Final = "SHORT"
LONG_CALL: Final = "LC"
SHORT_CALL: Final = "SC"
LONG_PUT: Final = "LP"
SHORT_PUT: Final = "SP"

LINEAR_TYPES: Final = (LONG, SHORT)
OPTION_TYPES: Final = (LONG_CALL, SHORT_CALL, LONG_PUT, SHORT_PUT)
POSITION_TYPES: Final = LINEAR_TYPES + OPTION_TYPES
CALL_TYPES: Final = (LONG_CALL, SHORT_CALL)
BOUGHT_TYPES: Final = (LONG, LONG_CALL, LONG_PUT)

LotRule = Literal["fifo", "highest", "average"]
"""Which lots of a history a sale closes, and what its gain is."""
LOT_RULES: Final = ("fifo", "highest", "average")
DEFAULT_LOT_RULE: Final = "fifo"

OPTION_MULTIPLIER: Final = 100
"""Shares per listed US equity option contract."""

DAYS_PER_YEAR: Final = 365.0
"""Act/365 fixed: option time is calendar days to expiry / 365."""

SESSIONS_PER_YEAR: Final = 252
"""Trading sessions used to annualise volatilities."""

PRICE_LOOK_BACK_SESSIONS: Final = 7
"""Sessions before a date that hold its previous close and any price young enough to be carried to that."""

YIELD_AGE_SESSIONS: Final = 5
"""Sessions before a date from which Treasury yields may be carried to it (`risk_free.MAX_YIELD_AGE_DAYS`)."""

YIELD_LOOK_BACK_SESSIONS: Final = PRICE_LOOK_BACK_SESSIONS + YIELD_AGE_SESSIONS
"""Sessions before a date that hold the yields of its previous close and of any day whose price is carried."""

DIVIDEND_LOOK_BACK_SESSIONS: Final = 262
"""Sessions before a date that hold a year's dividends and the close before it: 375 days."""

EWMA_DECAY: Final = 0.94
"""RiskMetrics daily decay (J.P. Morgan/Reuters, RiskMetrics Technical Document, 1996)."""

IMPLAUSIBLE_SIGMA: Final = 6.0
"""Shocks further than this from today's one-year covariance (Mahalanobis distance) are called implausible."""

OK: Final = "ok"
"""Status of a row whose values are all there. Any other status is the reason why one is NULL."""

MARKS_SOURCE_PREFIX: Final = "marks: "
"""Source of a price that is a manual mark of a private asset begins so."""

PORTFOLIO_NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"
"""Names of portfolios, which are also Dagster partition keys ("|" and "," would break those)."""
