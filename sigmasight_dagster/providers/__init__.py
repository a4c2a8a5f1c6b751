"""Market data providers: where market data comes from. See `base` and docs/providers.md.

`base` is the protocol, `local` and `live` are what implements it; `vendors` and `yahoo` are the sources of
`live`, and none of them imports another. What several of them need is in `rows` and `http`.
Here is nothing that stores or computes: what is kept of an answer is decided in `engine`.
"""

from sigmasight_dagster.providers.base import MarketDataProvider
from sigmasight_dagster.providers.live.provider import LiveProvider
from sigmasight_dagster.providers.local import make_local
from sigmasight_dagster.providers.marks import marked
from sigmasight_dagster.settings import Settings


def make_provider(settings: Settings) -> MarketDataProvider:
    """The provider that the settings name, with the marks of private assets if there are any.

    Data is read when it is first asked for.

    :raises InputError: when a setting that the provider needs is missing or wrong.
    """
    if settings.provider == "live":
        return marked(LiveProvider(settings), settings.marks_file)
    return make_local(settings.provider, settings)
