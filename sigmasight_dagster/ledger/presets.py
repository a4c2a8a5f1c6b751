"""Presets of brokers as files: those that are shipped, those of a user's directory, and one by its path."""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from sigmasight_core.brokers.presets.parse import parse_preset
from sigmasight_core.brokers.presets.rules import Preset
from sigmasight_core.errors import InputError
from sigmasight_dagster.settings import Settings

_ROOM = "sigmasight_core.brokers.presets"


@lru_cache(maxsize=1)
def shipped() -> dict[str, Preset]:
    """The presets that come with the project, by name: read once. Callers do not change the dictionary."""
    found = [entry for entry in files(_ROOM).iterdir() if entry.name.endswith(".yaml")]
    texts = {
        entry.name: entry.read_text(encoding="utf-8") for entry in sorted(found, key=lambda entry: entry.name)
    }
    return _parsed(texts, {})


def presets(settings: Settings) -> dict[str, Preset]:
    """Every preset by name: those that are shipped and those of the user's directory, which go before them.

    :raises InputError: for a preset with a mistake, or a file that cannot be read.
    """
    known = shipped()
    directory = settings.presets_dir or settings.home / "presets"
    if settings.presets_dir and not directory.is_dir():
        raise InputError(f"SIGMASIGHT_PRESETS_DIR: {directory} is no directory; make it, or unset it")
    paths = sorted(directory.glob("*.yaml")) if directory.is_dir() else []
    return known | _parsed({str(path): read_text(path) for path in paths}, known)


def preset_of(file: Path, known: dict[str, Preset]) -> Preset:
    """The preset of one file; :raises InputError: for a mistake in it."""
    return parse_preset(read_text(file), str(file), known)


def read_text(path: Path) -> str:
    """:raises InputError: when a preset cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: give the path of a preset (YAML)") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; save it as UTF-8") from None


def _parsed(texts: dict[str, str], known: dict[str, Preset]) -> dict[str, Preset]:
    """Presets of texts by source; one that `extends` another of them comes after it in the alphabet."""
    made: dict[str, Preset] = {}
    for source, text in texts.items():
        preset = parse_preset(text, source, known | made)
        if preset.name in made:
            raise InputError(
                f"{source}: preset {preset.name} is there twice: also in {made[preset.name].source}"
            )
        made[preset.name] = preset
    return made
