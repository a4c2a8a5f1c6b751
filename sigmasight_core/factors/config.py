"""Which factors there are, what stands for them, and how strongly betas are shrunk: configuration."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sigmasight_core.errors import InputError

Kind = Literal["market", "style", "rates"]

DEFAULT_KINDS: Final[Mapping[str, Kind]] = {
    "market": "market",
    "value": "style",
    "growth": "style",
    "momentum": "style",
    "quality": "style",
    "size": "style",
    "low_volatility": "style",
    "rates": "rates",
}
DEFAULT_PRIORS: Final[Mapping[Kind, tuple[float, float]]] = {
    "market": (1.0, 0.45),
    "style": (0.0, 0.7),
    "rates": (0.0, 0.05),
}


@dataclass(frozen=True)
class Factor:
    """One factor: the proxy whose returns stand for it (None = unavailable) and the prior of its betas.

    Priors are in the unit of the beta: per unit log return, for rates per percentage point of yield.
    """

    id: str
    proxy: str | None
    kind: Kind
    prior_mean: float
    prior_std: float

    def __post_init__(self) -> None:
        if not self.id:
            raise InputError("a factor has an empty id; give it a name")
        if self.kind not in DEFAULT_PRIORS:
            raise InputError(f"factor {self.id}: kind '{self.kind}' is unknown; use market, style or rates")
        if not (math.isfinite(self.prior_mean) and math.isfinite(self.prior_std) and self.prior_std > 0):
            raise InputError(
                f"factor {self.id}: the prior needs a finite mean and a positive standard deviation"
            )


@dataclass(frozen=True)
class FactorModelConfig:
    """The factors in their order, and the estimation window in sessions.

    Exactly one factor is the market, at most one is rates: the state is built on them.
    """

    factors: tuple[Factor, ...]
    window: int = 252
    min_obs: int = 60

    def __post_init__(self) -> None:
        ids = self.factor_ids
        kinds = [factor.kind for factor in self.factors]
        if len(set(ids)) != len(ids):
            raise InputError(f"factor ids must be unique, got {', '.join(ids)}")
        if kinds.count("market") != 1 or kinds.count("rates") > 1:
            raise InputError("a factor model needs exactly one market factor and at most one rates factor")
        if not len(ids) + 2 <= self.min_obs <= self.window:
            raise InputError(
                f"min_obs is {self.min_obs}; with {len(ids)} factors and a window of {self.window} sessions "
                f"it must lie between {len(ids) + 2} and {self.window}"
            )

    @property
    def factor_ids(self) -> tuple[str, ...]:
        """Factor ids in the order of the configuration."""
        return tuple(factor.id for factor in self.factors)

    @property
    def priors(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of the prior of each factor's beta, in the same order."""
        factors = self.factors
        return tuple(f.prior_mean for f in factors), tuple(f.prior_std for f in factors)

    @property
    def market(self) -> int:
        """Position of the market factor."""
        return next(i for i, factor in enumerate(self.factors) if factor.kind == "market")

    @property
    def rates(self) -> int | None:
        """Position of the rates factor, None if there is none."""
        return next((i for i, factor in enumerate(self.factors) if factor.kind == "rates"), None)

    @property
    def full_obs(self) -> int:
        """Common sessions from which on a window counts as full: 20 in 21, 240 of 252.

        Yields lack about 2 sessions a year (bond holidays), of which each costs 2 changes.
        """
        return -(-20 * self.window // 21)

    @classmethod
    def default(
        cls, proxies: Mapping[str, str | None], *, window: int = 252, min_obs: int = 60
    ) -> "FactorModelConfig":
        """The eight standard factors; one that `proxies` does not name, or names None, is unavailable.

        :param proxies: factor id -> symbol of the proxy; for 'rates' the name of the yield series.
        :raises InputError: for an id that is not one of the eight.
        """
        unknown = sorted(set(proxies) - set(DEFAULT_KINDS))
        if unknown:
            raise InputError(f"unknown factors {', '.join(unknown)}; known are {', '.join(DEFAULT_KINDS)}")
        factors = tuple(
            Factor(name, proxies.get(name) or None, kind, *DEFAULT_PRIORS[kind])
            for name, kind in DEFAULT_KINDS.items()
        )
        return cls(factors, window, min_obs)
