"""`python -m photos_engine.models.evaluate`: see `command`."""

from __future__ import annotations

from photos_engine.models.evaluate.command import main

if __name__ == "__main__":
    main()
