"""A library's life, and a death at any moment of it: a program, `python crashing.py FOLDER KILLS SEED`.

Everything is imported once, and each life is a fork: a life takes a second that way, and a killed one leaves behind
what a killed process leaves behind, which is its files. Prints one JSON object: the moments of the kills, what
checks found wrong, and the state that each library came to in the end.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.analyzer import BrightnessAnalyzer, ColourAnalyzer, install, open_fakes
from fakes.decoding import InProcessPool
from PIL import Image

from photos_engine import Decision, PhotosEngine
from photos_engine import pictures as pictures_module

DAY = date(2024, 7, 1)
PICTURES = 32
STAGES = ("index", "refresh", "swap")
LOADED_LATER = ("faiss", "holidays", "networkx", "scipy.cluster.hierarchy", "scipy.sparse", "sklearn.linear_model")
OLD, NEW = ColourAnalyzer.model_name, BrightnessAnalyzer.model_name


class Lives:
    """Pictures, models, and a library that lives again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pictures, self.library = folder / "pictures", folder / "library"
        self.pictures.mkdir(parents=True)
        for number in range(PICTURES):
            self._paint(number)
        (self.pictures / "broken.jpg").write_bytes((self.pictures / "IMG_00.jpg").read_bytes()[:300])
        shutil.copy(self.pictures / "IMG_01.jpg", self.pictures / "copy.jpg")
        install(folder / "models" / "new", NEW)

    def _paint(self, number: int) -> None:
        fields = np.random.default_rng(number // 2).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        if number % 2:  # every other one is like the one before
            fields = np.clip(fields.astype(int) + 6, 0, 255).astype(np.uint8)
        exif = Image.Exif()
        when = f"{2020 + number % 4}:07:{1 + number // 8:02} 12:00:{number:02}"
        exif.get_ifd(0x8769).update({0x9003: when, 0x9011: "+02:00"})
        picture = Image.fromarray(fields).resize((320, 240), Image.Resampling.BICUBIC)
        picture.save(self.pictures / f"IMG_{number:02}.jpg", quality=90, exif=exif)

    def open(self) -> PhotosEngine:
        return PhotosEngine.open(self.library, models_folder=self.folder / "models", batch_size=4)

    def live(self, tell: Callable[[str], object]) -> None:
        """All that is done to a library; what an earlier life has done is not done again."""
        with self.open() as engine:
            tell("index")
            engine.index([self.pictures], reanalyse=False)
            for name, decision in (("IMG_04.jpg", Decision.FAVOURITE), ("IMG_09.jpg", Decision.HIDE)):
                engine.decide(self.pictures / name, decision)
            tell("refresh")
            engine.refresh(today=DAY)
            engine.duplicates()
            engine.back_up_decisions()
            engine.tidy()
            tell("swap")
            if engine.status().model != NEW:
                engine.use_model(NEW)
                engine.reanalyse()
            engine.refresh(today=DAY)

    def state(self) -> dict[str, Any]:
        """What a library has come to, without what differs from run to run (times, revisions)."""
        with self.open() as engine:
            status, snapshot = engine.status(), engine.snapshot()
            nodes = [{k: v for k, v in node.items() if k != "revision"} for node in engine.graph.as_json()["nodes"]]
            return {
                "counts": [status.photos, status.analysed, status.failed, status.pending, status.model],
                "photos": [
                    [
                        p.photo.id,
                        [path.name for path in p.photo.paths],
                        sorted(p.tags),
                        sorted(p.photo.decisions),
                    ]
                    for p in snapshot.photos
                ],
                "embeddings": hashlib.sha256(snapshot.embeddings.tobytes()).hexdigest(),
                "groups": sorted([group.kind, *sorted(group.photo_ids)] for group in engine.duplicates()),
                "memories": [[m.id, m.cover.id, [p.id for p in m.photos]] for m in engine.memories(DAY)],
                "graph": sorted(json.dumps(node, sort_keys=True, default=str) for node in nodes),
                "backup": [
                    d["subject"] for d in json.loads((self.library / "decisions.json").read_text())["decisions"]
                ],
            }

    def problems(self) -> list[str]:
        with self.open() as engine:
            report = engine.check()
            return [] if report.is_clean else list(report.problems)


def fork(body: Callable[[Callable[[str], object]], Any]) -> tuple[int, int]:
    """Start a life of its own; what it tells can be read, a line each."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    status = 1
    try:
        with os.fdopen(writing, "w", buffering=1) as pipe:
            told = body(lambda word: pipe.write(f"{word}\n"))
            if told is not None:
                pipe.write(json.dumps(told))
        status = 0
    except BaseException:  # nobody else will tell: a fork that raised would go on as its parent
        traceback.print_exc()
    finally:
        os._exit(status)


def ask(body: Callable[[], Any]) -> Any:
    """What a function says in a process of its own."""
    pid, pipe = fork(lambda _: body())
    with os.fdopen(pipe) as answer:
        content = answer.read()
    assert os.waitpid(pid, 0)[1] == 0, "a life of its own ended badly"
    return json.loads(content)


def fork_and_wait(body: Callable[[Callable[[str], object]], None]) -> None:
    """Let a life go on to its end."""
    pid, pipe = fork(body)
    with os.fdopen(pipe) as told:
        told.read()
    assert os.waitpid(pid, 0)[1] == 0, "a life ended badly by itself"


def time_stages(lives: Lives) -> dict[str, float]:
    """How long each stage of an undisturbed life takes."""
    pid, pipe = fork(lives.live)
    began, last, seconds = time.monotonic(), "", dict.fromkeys(STAGES, 0.0)
    with os.fdopen(pipe) as told:
        for line in told:
            now = time.monotonic()
            if last:
                seconds[last] += now - began
            began, last = now, line.strip()
    assert os.waitpid(pid, 0)[1] == 0
    return seconds | {last: time.monotonic() - began}


def kill_in(lives: Lives, stage: str, after_s: float) -> bool:
    """Let a library live until some time into a stage; returns whether it died by that."""
    pid, pipe = fork(lives.live)
    with os.fdopen(pipe) as told:
        for line in told:
            if line.strip() == stage:
                time.sleep(after_s)
                os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def main() -> None:
    folder, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    lives = Lives(folder)
    for module in LOADED_LATER:  # by whoever needs it: every life would for itself
        import_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures_module, "DecodePool", InProcessPool)
        open_fakes(patch, install(folder / "shipped", OLD))
        seconds = time_stages(lives)
        states, made, problems = [ask(lives.state)], dict.fromkeys(STAGES, 0), []
        while sum(made.values()) < kills or min(made.values()) < kills // len(STAGES) // 2:  # none spared by its speed
            shutil.rmtree(lives.library)
            for stage in STAGES:
                was_killed = kill_in(lives, stage, chance.uniform(0, seconds[stage]))
                made[stage] += was_killed
                problems += [f"after a kill in {stage}: {problem}" for problem in ask(lives.problems)]
            fork_and_wait(lives.live)
            states.append(ask(lives.state))
            problems += ask(lives.problems)
    sys.stdout.write(json.dumps({"kills": made, "problems": problems, "states": states}) + "\n")


if __name__ == "__main__":
    main()
