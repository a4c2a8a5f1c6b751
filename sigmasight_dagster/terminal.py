"""What every page on a terminal shares."""

from rich.console import Console


def wide_console() -> Console:
    """A console for tables: as wide as the terminal, or wide enough for one line a row in a file."""
    console = Console()
    return console if console.is_terminal else Console(width=160)
