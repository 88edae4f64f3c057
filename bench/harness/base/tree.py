"""Where the project's own files are, beside this package."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
