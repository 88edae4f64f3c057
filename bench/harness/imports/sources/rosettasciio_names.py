"""Which of rosettasciio's readers is for which file."""

from pathlib import Path

from harness.base.errors import InputError


def reader_of(file: Path, name: str) -> dict | None:
    """The reader of that name, else the first for the name's ending; None when there is none."""
    from rsciio import IO_PLUGINS

    if name:
        known = {word.lower(): plugin for plugin in IO_PLUGINS for word in (plugin["name"], *plugin["name_aliases"])}
        if name.lower() not in known:
            raise InputError(f"--reader: '{name}'; valid: {', '.join(plugin['name'] for plugin in IO_PLUGINS)}")
        return known[name.lower()]
    ending = file.suffix.removeprefix(".").lower()
    return next((plugin for plugin in IO_PLUGINS if ending and ending in plugin["file_extensions"]), None)
