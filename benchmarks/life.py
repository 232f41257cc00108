"""What the whole engine makes of a scripted life: the figures of its truth, from one indexing run.

    python benchmarks/life.py --data DATA --seeds 1 --photos 1500

Trips, home, celebrations and memories are judged as `memories.py` does, utility content, duplicates and
spoiled shots as `curation.py` does; the script that plays the life lies beside the data folder.
"""

from __future__ import annotations

import argparse

import curation
import memories
from scripted import Truth, add_life_options, library_of, lives, print_figures, workplace

from photos_engine import PhotosEngine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_life_options(parser)
    options = parser.parse_args()
    with workplace(options) as folder:
        for life in lives(options, folder):
            truth = Truth(life)
            with PhotosEngine.open(library_of(life, folder)) as engine:
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
