"""Which portfolios are a user's, in SQL: of use without a connection of the API."""

from typing import Final

from sigmasight_core.tables import Portfolios, table_name
from sigmasight_core.tables.access.users import UserPortfolios, Users
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import quoted

USERS, GRANTS, REGISTRY = (quoted(SCHEMA, table_name(model)) for model in (Users, UserPortfolios, Portfolios))
THEIRS: Final = (
    f"ARRAY(SELECT p.portfolio FROM {REGISTRY} AS p WHERE u.role = 'admin' OR EXISTS ("
    f"SELECT FROM {GRANTS} AS g WHERE g.email = u.email AND g.portfolio = p.portfolio) ORDER BY p.portfolio)"
)
"""Those that a user `u` may see, sorted."""


def may_see(email: str, portfolio: str) -> str:
    """Condition: a user who is not disabled sees a portfolio. Both are expressions of SQL."""
    return (
        f"EXISTS (SELECT FROM {USERS} AS u WHERE u.email = {email} AND u.disabled_at IS NULL "
        f"AND {portfolio} = ANY({THEIRS}))"
    )
