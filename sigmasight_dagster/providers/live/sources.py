"""The live sources by name: which give what, what each needs, and one politeness each per process."""

import threading
from collections.abc import Mapping
from typing import Any, Final

from pydantic import SecretStr

from sigmasight_core.errors import InputError
from sigmasight_dagster.providers.http.politeness import Manners, Politeness
from sigmasight_dagster.providers.local import make_local
from sigmasight_dagster.providers.vendors import plans
from sigmasight_dagster.settings import Settings

GIVES: Final[Mapping[str, tuple[str, ...]]] = {
    "price_sources": ("yahoo", "polygon", "fmp", "files", "simulated"),
    "cross_check_source": ("yahoo", "polygon", "fmp", "files", "simulated"),
    "yield_sources": ("fred", "files", "simulated"),
    "option_sources": ("yahoo", "polygon", "simulated"),
    "security_sources": ("yahoo", "polygon", "fmp", "files", "simulated"),
}
"""The sources that a setting may name."""

SIGN_UP: Final[Mapping[str, str]] = {
    "fred": "fred.stlouisfed.org/docs/api/api_key.html",
    "polygon": "polygon.io",
    "fmp": "financialmodelingprep.com",
}
"""Where the key of a source that needs one comes from."""

_POLITENESS: dict[tuple[str, Manners], Politeness] = {}
_MAKING = threading.Lock()


def politeness(source: str, manners: Manners) -> Politeness:
    """The one politeness of a source in this process: providers are made anew, the vendor's limit is not."""
    with _MAKING:
        if (source, manners) not in _POLITENESS:
            _POLITENESS[source, manners] = Politeness(source, manners)
        return _POLITENESS[source, manners]


def missing_key(name: str, settings: Settings) -> str | None:
    """What to do when the source lacks its key; None = it has it, or needs none."""
    if name not in SIGN_UP or _key(name, settings):
        return None
    return f"{name} needs a key: set SIGMASIGHT_{name.upper()}_API_KEY (from {SIGN_UP[name]})"


def chain(setting: str, settings: Settings) -> tuple[str, ...]:
    """Names of the sources that a setting names, in its order.

    :raises InputError: for a source that does not give such data, is there twice, or lacks its key or folder.
    """
    given: str | tuple[str, ...] = getattr(settings, setting)
    names = (given,) if isinstance(given, str) else given
    place = f"SIGMASIGHT_{setting.upper()}"
    for name in names:
        if name not in GIVES[setting]:
            raise InputError(f"{place}: {name} has none of this; use {', '.join(GIVES[setting])}")
        if names.count(name) > 1:
            raise InputError(f"{place}: {name} is there twice; name it once")
        reason = missing_key(name, settings)
        if reason and name != "fred":
            raise InputError(f"{place}: {reason}")
        if name == "files" and settings.files_dir is None:
            raise InputError(f"{place}: files needs a directory of prices; set SIGMASIGHT_FILES_DIR to it")
    return names


def make_source(name: str, settings: Settings) -> Any:
    """A source: an object with those methods of MarketDataProvider for which GIVES names it."""
    # Only the libraries of the sources in use are imported: yfinance, fredapi and httpx2 take a second.
    timeout = settings.source_timeout_seconds
    if name == "yahoo":
        from sigmasight_dagster.providers.yahoo import source as yahoo  # noqa: PLC0415 (on use)

        return yahoo.YahooSource(politeness(name, yahoo.MANNERS), settings.yahoo_url, timeout)
    if name == "fred":
        from sigmasight_dagster.providers.vendors import fred  # noqa: PLC0415 (on use)

        key = settings.fred_api_key
        return fred.FredSource(politeness(name, fred.MANNERS), key, settings.fred_url, timeout)
    if name in ("polygon", "fmp"):
        return _rest_source(name, settings, timeout)
    return make_local(name, settings)


def _rest_source(name: str, settings: Settings, timeout: float) -> Any:
    # Imported on use, as in make_source.
    key = _key(name, settings) or SecretStr("")
    if name == "polygon":
        from sigmasight_dagster.providers.vendors.polygon import PolygonSource  # noqa: PLC0415 (on use)

        polite = politeness(name, plans.POLYGON[settings.polygon_plan].manners)
        return PolygonSource(polite, key, settings.polygon_url, timeout, settings.polygon_plan)
    from sigmasight_dagster.providers.vendors.fmp import FmpSource  # noqa: PLC0415 (on use)

    polite = politeness(name, plans.FMP[settings.fmp_plan].manners)
    return FmpSource(polite, key, settings.fmp_url, timeout, settings.fmp_plan)


def _key(name: str, settings: Settings) -> SecretStr | None:
    key: SecretStr | None = getattr(settings, f"{name}_api_key")
    return key if key is not None and key.get_secret_value().strip() else None
