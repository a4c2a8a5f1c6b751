"""URLs of PostgreSQL: read as users write them, written as every driver reads them, shown without secrets.

Drivers differ on a password that is not percent-encoded: one takes the tail after its `@` for the host, and
shows it in its errors. So no driver sees a URL that did not come through here.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, unquote

from sigmasight_core.errors import InputError

SECRETS: Final = frozenset({"password", "sslpassword", "oauth_client_secret", "scram_client_key"})
ONE_FOR_BOTH: Final = (
    "SIGMASIGHT_DATABASE_URL and DAGSTER_POSTGRES_URL name the same database: "
    "give Dagster's storage one of its own (createdb dagster)"
)
"""What is said when both settings name one database."""
_LIBPQ: Final = """
host hostaddr port dbname user passfile require_auth channel_binding connect_timeout client_encoding
options application_name fallback_application_name keepalives keepalives_idle keepalives_interval
keepalives_count tcp_user_timeout replication gssencmode ssl sslmode sslnegotiation sslcompression
sslcert sslkey sslkeylogfile sslcertmode sslrootcert sslcrl sslcrldir sslsni requirepeer
ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version krbsrvname
gsslib gssdelegation scram_server_key service target_session_attrs load_balance_hosts oauth_issuer
oauth_client_id oauth_scope
"""
_PARAMETERS: Final = SECRETS.union(_LIBPQ.split())
_NOT_A_URL: Final = "not a URL; use postgresql://user@host/database"
_SCHEME: Final = re.compile(r"postgres(?:ql)?(?:\+\w+)?://", re.ASCII)
_HOST: Final = r"(?:\[[0-9A-Fa-f:.%]+\]|[\w.%~-]*)(?::[0-9]*)?"
_PLACE: Final = re.compile(rf"({_HOST}(?:,{_HOST})*)(?:/([^/?#@]*))?(?:\?(.*))?", re.DOTALL)


def canonical_url(url: str, name: str = "the database URL") -> str:
    """A URL with every special character percent-encoded: `postgresql://user:password@host:port/database?...`

    A `%` that no two hexadecimal digits follow, and other characters that ought to be encoded, stand for
    themselves: `@`, `/`, `?`, `#` and spaces in a password too.

    :param name: what it is, for the error.
    :raises InputError: on what is no URL of PostgreSQL; it does not repeat the URL.
    """
    scheme = _SCHEME.match(url.strip())
    if not scheme:
        other = re.match(r"(\w+)(?:\+\w+)?://", url.strip(), re.ASCII)
        problem = f"{other.group(1)} is not PostgreSQL; use postgresql://" if other else _NOT_A_URL
        raise InputError(f"{name}: {problem}")
    rest = url.strip()[scheme.end() :]
    for login, at, place in _readings(rest):
        found = _PLACE.fullmatch(place)
        parameters = _parameters(found.group(3)) if found else None
        if found and parameters is not None:
            user, colon, password = login.partition(":")
            database = "" if found.group(2) is None else f"/{_encoded(found.group(2))}"
            query = "&".join(f"{key}={_encoded(value, '/,:')}" for key, value in parameters)
            who = f"{_encoded(user)}{colon}{_encoded(password)}{at}"
            return f"postgresql://{who}{found.group(1)}{database}" + (f"?{query}" if query else "")
    raise InputError(f"{name}: {_NOT_A_URL}")


def with_parameter(url: str, key: str, value: str) -> str:
    """A canonical URL with one more parameter, in place of one of the same name."""
    place, _, query = url.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith(f"{key}=")]
    return f"{place}?{'&'.join([*kept, f'{key}={_encoded(value)}'])}"


def without_password(url: str) -> tuple[str, str | None]:
    """A canonical URL without its password, and the password as it is."""
    place, _, query = url.partition("?")
    login, at, host = place.removeprefix("postgresql://").rpartition("@")
    user, colon, password = login.partition(":")
    parts = query.split("&") if query else []
    given = [part.partition("=")[2] for part in parts if part.startswith("password=")]
    kept = "&".join(part for part in parts if not part.startswith("password="))
    secret = given[-1] if given else password if colon else None
    bare = f"postgresql://{user}{at}{host}" + (f"?{kept}" if kept else "")
    return bare, None if secret is None else unquote(secret)


def masked(text: str, url: str) -> str:
    """A text without the secrets of a canonical URL, encoded or not."""
    bare, password = without_password(url)
    parameters = _parameters(bare.partition("?")[2]) or []
    secrets = {password or "", *(unquote(value) for key, value in parameters if key in SECRETS)}
    for secret in sorted(secrets, key=len, reverse=True):
        encoded = [quote(secret, safe=safe) for safe in ("", "/", " +")]
        for shown in (secret, *encoded, repr(secret)[1:-1]):
            text = text.replace(shown, "***") if shown else text
    return text


def identity(url: str) -> tuple[str, str, str]:
    """Host, port and database that a canonical URL names, to tell whether two are the same."""
    bare, _ = without_password(url)
    place, _, query = bare.removeprefix("postgresql://").partition("?")
    given = dict(_parameters(query) or [])
    login, _, where = place.rpartition("@")
    address, _, database = where.partition("/")
    host, _, port = address.rpartition(":") if re.search(r":[0-9]*$", address) else (address, "", "")
    host, port = given.get("host", host), given.get("port", port)
    named = given.get("dbname", database) or given.get("user", login)
    return unquote(host).lower() or "localhost", port or "5432", unquote(named)


def _readings(rest: str) -> Iterator[tuple[str, str, str]]:
    """What stands before and after each `@` that may end the login, from the left; first that none does."""
    yield "", "", rest
    for found in re.finditer("@", rest):
        yield rest[: found.start()], "@", rest[found.end() :]


def _parameters(query: str | None) -> list[tuple[str, str]] | None:
    """Names and values as they are written; None when one is no parameter of libpq's."""
    pairs = [part.partition("=") for part in (query or "").split("&") if part]
    if any(not equals or key not in _PARAMETERS for key, equals, _ in pairs):
        return None
    return [(key, value) for key, _, value in pairs]


def _encoded(text: str, safe: str = "") -> str:
    """Percent-encoded; what is so already stays."""
    return quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text), safe=f"%{safe}")
