"""Market data providers: where market data comes from. See `base` and docs/providers.md."""

from typing import TYPE_CHECKING

from sigmasight_core.errors import InputError

if TYPE_CHECKING:
    from sigmasight_dagster.providers.base import MarketDataProvider
    from sigmasight_dagster.settings import Settings


def make_provider(settings: "Settings") -> "MarketDataProvider":
    """The provider that the settings name, with the marks of private assets if there are any.

    Data is read when it is first asked for.

    :raises InputError: when a setting that the provider needs is missing or wrong.
    """
    provider = _named_provider(settings)
    if settings.marks_file is None:
        return provider
    from sigmasight_dagster.providers.marks import MarkedProvider

    return MarkedProvider(provider, settings.marks_file)


def _named_provider(settings: "Settings") -> "MarketDataProvider":
    if settings.provider == "live":
        from sigmasight_dagster.providers.live.provider import LiveProvider

        return LiveProvider(settings)
    if settings.provider == "sample":
        from sigmasight_dagster.providers.sample import SampleProvider

        return SampleProvider(settings.factor_proxies)
    if settings.provider == "simulated":
        from sigmasight_dagster.providers.simulated import SimulatedProvider

        return SimulatedProvider(settings.simulated_seed, settings.factor_proxies)
    if settings.files_dir is None:
        raise InputError("provider 'files' needs a directory of prices; set SIGMASIGHT_FILES_DIR to it")
    from sigmasight_dagster.providers.files.provider import FilesProvider

    return FilesProvider(settings.files_dir, settings.files_close_basis, settings.factor_proxies)
