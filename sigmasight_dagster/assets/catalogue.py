"""The declared assets as the rest of the project asks for them: configured, fetched, by grain."""

from sigmasight_core.tables import Grain
from sigmasight_dagster import assets
from sigmasight_dagster.engine.declaration import RiskAsset, with_factor_window
from sigmasight_dagster.settings import Settings


def declared(settings: Settings) -> tuple[RiskAsset, ...]:
    """Every declaration, upstream first, with the configured window of the factor model."""
    return with_factor_window(assets.RISK_ASSETS, settings.factor_model.window)


def source_assets() -> tuple[RiskAsset, ...]:
    """Those whose rows a provider gives."""
    return tuple(asset for asset in assets.RISK_ASSETS if asset.is_source)


def tables_of(grain: Grain) -> list[str]:
    """Tables of every asset of a grain, upstream first."""
    return [name for asset in assets.RISK_ASSETS if asset.grain is grain for name in asset.table_names]
