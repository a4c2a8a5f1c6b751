"""Providers that need no network: the sample, the user's own files, and the simulated market."""

from sigmasight_core.errors import InputError
from sigmasight_dagster.providers.base import MarketDataProvider
from sigmasight_dagster.providers.files.provider import FilesProvider
from sigmasight_dagster.providers.marks import marked
from sigmasight_dagster.providers.sample import SampleProvider
from sigmasight_dagster.providers.simulated import SimulatedProvider
from sigmasight_dagster.settings import Settings


def make_local(name: str, settings: Settings) -> MarketDataProvider:
    """The provider of this name (sample, files or simulated), with the marks of private assets if any.

    Data is read when it is first asked for.

    :raises InputError: when a setting that the provider needs is missing or wrong.
    """
    return marked(_unmarked(name, settings), settings.marks_file)


def _unmarked(name: str, settings: Settings) -> MarketDataProvider:
    if name == "sample":
        return SampleProvider(settings.factor_proxies)
    if name == "simulated":
        return SimulatedProvider(settings.simulated_seed, settings.factor_proxies)
    if settings.files_dir is None:
        raise InputError("provider 'files' needs a directory of prices; set SIGMASIGHT_FILES_DIR to it")
    return FilesProvider(settings.files_dir, settings.files_close_basis, settings.factor_proxies)
