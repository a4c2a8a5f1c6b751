"""Errors of the core. Each message names the thing that is wrong and the cure, in one line."""


class SigmaSightError(Exception):
    """Base of every error that SigmaSight raises on purpose; its text is fit to be shown to a user."""


class InputError(SigmaSightError):
    """Input from outside (a file, a symbol, a date, an option of a command) cannot be used."""


class DataQualityError(SigmaSightError):
    """Computed or fetched rows break their table's contract and must not be stored."""
