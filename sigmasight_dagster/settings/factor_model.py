"""The table [factor_model] of sigmasight.toml: which factors, on what window, with what prior."""

from collections.abc import Collection, Mapping
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sigmasight_core.errors import InputError
from sigmasight_core.factors.config import DEFAULT_KINDS, DEFAULT_PRIORS, Factor, FactorModelConfig, Kind

RESERVED: dict[str, str] = {"market": "market", "rates": "rates"}
"""The ids of these kinds: scenarios, units and reports know the two by name."""


class FactorDefinition(BaseModel):
    """One factor: what differs from the standard one of that id, or all of a factor of one's own."""

    model_config = ConfigDict(extra="forbid")

    kind: str | None = Field(default=None, description="market, style or rates")
    proxy: str | None = Field(default=None, description="Symbol; of a factor of one's own only")
    prior_mean: float | None = Field(default=None, description="Mean of the prior of betas")
    prior_std: float | None = Field(default=None, description="Standard deviation of the prior of betas")


class FactorModelSettings(BaseModel):
    """Factors in their order, window and least observations in sessions."""

    model_config = ConfigDict(extra="forbid")

    factors: list[str] = Field(default_factory=lambda: list(DEFAULT_KINDS))
    define: dict[str, FactorDefinition] = Field(default_factory=dict)
    window: int = Field(default=252, ge=20, le=1260)
    min_obs: int = 60

    def config(self, proxies: Mapping[str, str | None]) -> FactorModelConfig:
        """The factor model.

        :param proxies: symbol by standard factor, None or absent = unavailable.
        :raises InputError: when factors, priors or window do not make a model.
        """
        stray = sorted(set(self.define) - set(self.factors))
        if stray:
            raise InputError(
                f"factor_model.define.{stray[0]}: not in factor_model.factors "
                f"({', '.join(self.factors)}); add it there or remove it"
            )
        factors = tuple(self._factor(name, proxies) for name in self.factors)
        try:
            return FactorModelConfig(factors, self.window, self.min_obs)
        except InputError as error:
            raise InputError(f"factor_model: {error}") from None

    def own_proxies(self) -> dict[str, str]:
        """Symbol by factor of the user's own."""
        return {name: text for name, what in self.define.items() if (text := what.proxy) is not None}

    def check_proxies(self, symbols: Collection[str] | None) -> None:
        """:raises InputError: when the proxy of an own factor is none of the symbols; None = any will do."""
        for name, symbol in self.own_proxies().items():
            if symbols is not None and symbol not in symbols:
                raise InputError(
                    f"factor_model.define.{name}: proxy '{symbol}' has no prices; use a symbol that has"
                )

    def _factor(self, name: str, proxies: Mapping[str, str | None]) -> Factor:
        place = f"factor_model.define.{name}"
        what = self.define.get(name, FactorDefinition())
        kind, proxy = self._kind(name, place, what), what.proxy or proxies.get(name) or None
        mean, std = DEFAULT_PRIORS[kind]
        try:
            return Factor(
                name,
                proxy,
                kind,
                mean if what.prior_mean is None else what.prior_mean,
                std if what.prior_std is None else what.prior_std,
            )
        except InputError as error:
            raise InputError(f"{place}: {error}") from None

    def _kind(self, name: str, place: str, what: FactorDefinition) -> Kind:
        if name in DEFAULT_KINDS:
            standard = DEFAULT_KINDS[name]
            if what.kind not in (None, standard):
                raise InputError(
                    f"{place}: kind is {standard}, not '{what.kind}'; give the factor another id"
                )
            if what.proxy is not None:
                cure = "rates is the 10-year yield" if name == "rates" else "set it in factor_proxies"
                raise InputError(f"{place}: a standard factor has no proxy here; {cure}")
            return standard
        if what.kind is None or what.proxy is None:
            raise InputError(
                f"{place}: unknown factor; known are {', '.join(DEFAULT_KINDS)}, and one of your own needs "
                "kind and proxy"
            )
        if what.kind in RESERVED:
            raise InputError(
                f"{place}: a factor of kind {what.kind} must have the id '{RESERVED[what.kind]}'"
            )
        if what.kind not in DEFAULT_PRIORS:
            raise InputError(f"{place}: kind '{what.kind}' is unknown; use style")
        return cast(Kind, what.kind)


def parse_factor_model(given: Any) -> FactorModelSettings:
    """The table as read from the settings, checked as far as is possible without data.

    :raises InputError: one line that names the key and the cure.
    """
    try:
        settings = FactorModelSettings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(("factor_model", *map(str, first["loc"])))
        known = ", ".join(
            FactorDefinition.model_fields if "define" in key else FactorModelSettings.model_fields
        )
        cure = f"unknown key; use {known}" if first["type"] == "extra_forbidden" else str(first["msg"])
        raise InputError(f"{key}: {cure}, got {first['input']!r}") from None
    settings.config({})
    return settings
