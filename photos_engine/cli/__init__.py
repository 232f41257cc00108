"""The command line: a thin face over `PhotosEngine`; every command of it is described in docs/cli.md.

Answers go to stdout, everything else to stderr. Only here are errors turned into exit codes: 0 done,
1 the engine's error in one line, 2 wrong usage, 130 interrupted.
"""

from photos_engine.cli import daemon, knowledge, library, models, viewing  # noqa: F401  each puts its commands into `main`
from photos_engine.cli.face import main

__all__ = ["main"]
