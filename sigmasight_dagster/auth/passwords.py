"""Passwords: hashed by Argon2 in threads, few at once, so that logins do not hold up what others read."""

from typing import Final

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from sigmasight_core.errors import InputError

AT_ONCE: Final = 2
SHORTEST, LONGEST = 12, 256
_HASH: Final = PasswordHash((Argon2Hasher(),))


def hashed(password: str) -> str:
    """:raises InputError: on a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(f"a password has {SHORTEST} to {LONGEST} characters; choose another")
    return _HASH.hash(password)


class Passwords:
    """For the event loop."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(AT_ONCE)
        self._nobodys = _HASH.hash("the password of nobody")

    async def hashed(self, password: str) -> str:
        return await to_thread.run_sync(hashed, password, limiter=self._limiter)

    async def right(self, password: str, stored: str | None) -> bool:
        """Whether the hash is of the password; takes as long where there is no such user."""
        same = await to_thread.run_sync(
            _HASH.verify, password, stored or self._nobodys, limiter=self._limiter
        )
        return same and stored is not None
