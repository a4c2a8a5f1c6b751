"""Addresses of sources, as the settings give them."""

from urllib.parse import urlsplit

from sigmasight_core.errors import InputError


def checked_address(url: str, setting: str) -> str:
    """The address without a slash at its end.

    :raises InputError: if it is none; the text names the setting, not the address: it may hold a login.
    """
    place = urlsplit(url.strip())
    if place.scheme not in ("http", "https") or not place.hostname or place.username or place.query:
        raise InputError(f"{setting} is no address of a service; write https://HOST, without login and query")
    return url.strip().rstrip("/")
