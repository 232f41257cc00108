"""Measures the shipped files as a user runs them, on pictures that no training has seen.

One module per head says what is measured of it; `subject` runs the model, once per picture, and
`command` prints and writes the tables. Torch is not needed.
"""
