"""Builds the artefacts of `models/` from packages and pictures; the only room that imports torch."""
