"""`python -m photos_engine` is the command `photos-engine`."""

from photos_engine.cli import main

main(prog_name="photos-engine")
