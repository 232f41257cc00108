"""What the whole engine makes of a scripted life: the figures of its truth, from one indexing run.

    python benchmarks/life.py --data DATA --seeds 1 --photos 1500

Trips, home, celebrations and memories are judged as `memories.py` does, utility content, duplicates and
spoiled shots as `curation.py` does; the script that plays the life lies beside the data folder.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import curation
import memories
from scripted import Truth, add_life_options, lives, print_figures

from photos_engine import PhotosEngine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_life_options(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number, life in enumerate(lives(options, Path(folder))):
            truth = Truth(life)
            with PhotosEngine.open(Path(folder) / f"library{number}") as engine:
                report = engine.index([life])
                figures = {
                    "life": {
                        "folder": life,
                        "files": len(truth.facts),
                        "analysed": report.analysed,
                        "failed": len(report.failed),
                        "photos_per_second": round(report.photos_per_second, 1),
                    },
                    **memories.judge(engine, truth),
                    **curation.judge(engine, truth),
                }
            print_figures(figures, as_json=options.json)


if __name__ == "__main__":
    main()
