"""Settings of portfolios as accounts: what their cash earns and what debt costs."""

from pydantic import Field
from pydantic_settings import BaseSettings

from sigmasight_core.account.terms import CashTerms


class AccountSettings(BaseSettings):
    """Interest on cash, in fractions per year beside the 3-month yield; when a balance is doubted."""

    cash_interest_spread: float | None = Field(
        default=None,
        description="Cash earns the 3-month yield less this, per year; not set = nothing (docs/account.md)",
        ge=0,
        le=0.2,
    )
    cash_borrow_spread: float | None = Field(
        default=None,
        description="Negative cash pays the 3-month yield and this, per year; not set = nothing",
        ge=0,
        le=0.5,
    )

    statement_tolerance: float = Field(
        default=1.0,
        description="A stated balance that differs from the computed one by more than this (USD) is told",
        ge=0,
        allow_inf_nan=False,
    )

    @property
    def cash_terms(self) -> CashTerms:
        """What cash earns and costs."""
        return CashTerms(self.cash_interest_spread, self.cash_borrow_spread)
