"""ANSA's artefacts: the graphs, what they promise (`manifest.json`), and the words they know.

`registry` finds and verifies them. `training` builds them and `evaluate` measures them; neither is
imported at run time.
"""
