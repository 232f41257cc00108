"""Every command over a real library: real photos in, real answers out, in processes of their own where it matters."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_sample_images

from photos_engine.cli import main
from photos_engine.models.registry import MANIFEST, load_manifest
from photos_engine.scheduler import JOBS

SOON_S = 60.0
PHOTOS_TO_INTERRUPT = 96


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs that scikit-learn carries, dated, with a copy, something broken and a name in raw bytes."""
    folder = tmp_path_factory.mktemp("photos")
    for number, pixels in enumerate(load_sample_images().images):
        for part, columns in enumerate(np.array_split(pixels, 2, axis=1)):
            exif = Image.Exif()
            exif.get_ifd(0x8769).update({0x9003: f"2023:07:0{number + 1} 1{part}:00:00", 0x9011: "+02:00"})
            Image.fromarray(columns).save(folder / f"IMG_{number}{part}.jpg", quality=92, exif=exif)
    with Image.open(folder / "IMG_00.jpg") as original:
        original.save(folder / "IMG_00 copy.jpg", quality=70)
    (folder / "broken.jpg").write_bytes((folder / "IMG_00.jpg").read_bytes()[:400])
    if sys.platform.startswith("linux"):
        shutil.copy(folder / "IMG_10.jpg", os.path.join(os.fsencode(folder), b"dark-\xff.jpg"))  # noqa: PTH118  bytes
    return folder


@pytest.fixture(scope="module")
def library(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("libraries") / "main"
    result = CliRunner().invoke(main, ["--library", str(folder), "index", str(photos), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["analysed"] == 5
    assert [(Path(f["path"]).name, f["error"]) for f in report["failed"]] == [("broken.jpg", "decode_error")]
    return folder


@pytest.fixture
def ask(library: Path) -> Callable[..., Any]:
    def answer(*arguments: object) -> Any:
        result = CliRunner().invoke(main, ["--library", str(library), "--json", *map(str, arguments)])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return answer


def test_second_run_analyses_nothing(ask: Callable[..., Any], photos: Path) -> None:
    report = ask("index", photos)
    assert (report["new"], report["changed"], report["moved"], report["gone"], report["analysed"]) == (0, 0, 0, 0, 0)


def test_photos_come_out_as_they_went_in(ask: Callable[..., Any], photos: Path, tmp_path: Path) -> None:
    status = ask("status")
    assert (status["photos"], status["analysed"], status["failed"], status["pending"]) == (5, 5, 1, 0)
    found = ask("explain", photos / "IMG_10.jpg")
    assert found["facts"]["taken"] == "2023-07-02T10:00:00+02:00"
    assert found["signals"] is not None
    results = ask("search", "flower", "--limit", "3")
    assert {"query", "stage", "understood", "suggestions", "results"} == set(results)
    assert len(results["results"]) <= 3
    copies = [group for group in ask("duplicates")["groups"] if group["kind"] in ("exact", "copy")]
    assert any({"IMG_00.jpg", "IMG_00 copy.jpg"} <= {Path(p).name for p in group["photos"]} for group in copies)
    left, top, right, bottom = ask("crop", photos / "IMG_00.jpg", "--aspect", "1:1")["crop"]
    assert (right - left) * 320 == pytest.approx((bottom - top) * 427, abs=2)
    assert isinstance(ask("memories", "--refresh", "--contact-sheet", tmp_path)["memories"], list)


@pytest.mark.parametrize(
    "command",
    [
        ("memories", "--on", "today"),
        ("featured", "--limit", "2"),
        ("utility",),
        ("wallpapers", "--screen", "300x300"),
        ("taste", "show"),
        ("graph",),
        ("people",),
        ("places",),
        ("trips",),
        ("interests",),
        ("models", "list"),
        ("models", "verify"),
        ("check",),
    ],
    ids=" ".join,
)
def test_command_answers_in_json_and_in_words(ask: Callable[..., Any], library: Path, command: tuple[str, ...]) -> None:
    assert isinstance(ask(*command), dict)
    result = CliRunner().invoke(main, ["--library", str(library), *command])
    assert result.exit_code == 0, result.output
    assert "Traceback" not in result.output


def test_search_by_a_picture(ask: Callable[..., Any], photos: Path, tmp_path: Path) -> None:
    found = ask("search", "--like", photos / "IMG_00.jpg", "--limit", "3")
    assert found["understood"] == {"like": ["IMG_00.jpg"]}
    assert "IMG_00.jpg" not in {Path(hit["path"]).name for hit in found["results"]}
    stranger = tmp_path / "stranger.jpg"
    shutil.copy(photos / "IMG_10.jpg", stranger)
    part = ask("search", "2023", "--like", stranger, "--region", "0,0,0.5,0.5", "--facets")
    assert set(part["facets"]) == {"years", "places", "people", "tags"}
    assert part["understood"].keys() == {"dates", "like"}
    assert ask("suggest", "screensh")["suggestions"][0]["text"] == "screenshot"


def test_copies_are_merged_and_nothing_is_deleted(ask: Callable[..., Any], photos: Path) -> None:
    before = sorted(photos.rglob("*"))
    merged = ask("duplicates", "merge", "--all")["merged"]
    shown = [{Path(path).name for path in (group["keep"], *group["deletable"])} for group in merged]
    assert any({"IMG_00.jpg", "IMG_00 copy.jpg"} <= names for names in shown)
    assert sorted(photos.rglob("*")) == before
    assert ask("decide", merged[0]["id"], "undo")["decision"] == "undo"


def test_there_is_nothing_to_make_of_a_memory_that_is_none(library: Path) -> None:
    result = CliRunner().invoke(main, ["--library", str(library), "react", "memory:trip:none", "liked"])
    assert result.exit_code == 1
    assert result.output.splitlines() == ["photos-engine: error: no memory with the id memory:trip:none"]


def test_tags_are_told_to_other_programs(ask: Callable[..., Any], tmp_path: Path) -> None:
    written = ask("export-tags", "--feed", tmp_path / "tags.json")["written"]
    assert len(json.loads((tmp_path / "tags.json").read_text(encoding="utf-8"))["photos"]) == written > 0


def test_taste_is_forgotten_when_asked(ask: Callable[..., Any], photos: Path) -> None:
    ask("decide", photos / "IMG_10.jpg", "favourite")
    assert ask("taste", "show")["likes"] == 1
    assert ask("taste", "reset") == {"forgotten": 1}
    assert ask("taste", "show")["likes"] == 0
    ask("decide", photos / "IMG_10.jpg", "undo")


def test_decisions_outlive_the_library(ask: Callable[..., Any], photos: Path, tmp_path: Path) -> None:
    made = ask("decide", photos / "IMG_11.jpg", "favourite")
    kept = tmp_path / "decisions.json"
    assert ask("decisions", "export", kept)["exported"] == 1
    other = ["--library", str(tmp_path / "other"), "--json"]
    assert CliRunner().invoke(main, [*other, "decisions", "import", str(kept)]).exit_code == 0
    assert CliRunner().invoke(main, [*other, "index", str(photos)]).exit_code == 0
    found = json.loads(CliRunner().invoke(main, [*other, "explain", str(photos / "IMG_11.jpg")]).stdout)
    assert found["decisions"] == [made]
    assert ask("decide", made["subject"], "undo")["decision"] == "undo"


def test_check_finds_damage_and_repairs_it(library: Path, ask: Callable[..., Any], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    ask("search", "flower")  # the vector index and the graph are made when they are asked for
    ask("graph")
    shutil.copytree(library, damaged)
    arguments = ["--library", str(damaged), "--json", "check"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    next(damaged.glob("thumbnails/*/*.jpg")).write_bytes(b"")
    next(damaged.glob("index/*.vectors")).write_bytes(b"not vectors")
    (damaged / "graph.json.gz").write_bytes(b"not a graph")
    (damaged / "thumbnails" / "00").mkdir(exist_ok=True)
    litter = damaged / "thumbnails" / "00" / f"{'0' * 32}.jpg"
    litter.write_bytes(b"of nobody")
    found = CliRunner().invoke(main, arguments)
    assert found.exit_code == 1
    problems = json.loads(found.stdout)["problems"]
    assert [problem.split(":")[0] for problem in problems] == ["vector index", "graph", "thumbnails"]
    mended = CliRunner().invoke(main, [*arguments, "--repair"])
    assert mended.exit_code == 0
    assert len(json.loads(mended.stdout)["repaired"]) == 3
    assert not litter.exists()
    assert json.loads(CliRunner().invoke(main, arguments).stdout)["problems"] == []


def test_check_reports_a_damaged_database(library: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(library, damaged)
    database = damaged / "library.sqlite"
    content = bytearray(database.read_bytes())
    for page in range(len(content) // 2, len(content) - 100, 4096):
        content[page : page + 100] = b"\xff" * 100
    database.write_bytes(content)
    result = CliRunner().invoke(main, ["--library", str(damaged), "check"])
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_every_command_is_tried_here() -> None:
    def names(group: click.Group) -> Iterator[str]:
        for name, command in group.commands.items():
            yield from names(command) if isinstance(command, click.Group) else [name]

    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in names(main) if f'"{name}"' not in source] == []


# --- processes ---


def start(library: Path, *arguments: object, **settings: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "photos_engine", "--library", str(library), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings)


def test_use_of_the_active_model_and_of_an_unknown_one(ask: Callable[..., Any], library: Path) -> None:
    name = ask("status")["model"]
    assert ask("models", "use", name)["changed"] is False
    process = start(library, "models", "use", "nothing-of-the-kind")
    output, errors = process.communicate(timeout=SOON_S)
    assert (process.returncode, output) == (1, "")
    assert name in errors


def test_another_model_takes_over_and_back(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the shipped model under a second name, in a copy of the library."""
    copied, manifest = tmp_path / "library", load_manifest()
    shutil.copytree(library, copied)
    twin = tmp_path / "models" / "twin"
    twin.mkdir(parents=True)
    for name in manifest.artefacts:
        (twin / name).symlink_to(manifest.folder / name)
    document = json.loads((manifest.folder / MANIFEST).read_text(encoding="utf-8"))
    (twin / MANIFEST).write_text(json.dumps(document | {"name": "twin-1"}), encoding="utf-8")
    monkeypatch.setenv("PHOTOS_ENGINE_MODELS_FOLDER", str(twin.parent))
    monkeypatch.setenv("PHOTOS_ENGINE_LIBRARY", str(copied))

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(main, [*arguments, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    found = run("search", "flower")["results"]
    assert run("models", "use", "twin-1")["pending"] == 5
    assert CliRunner().invoke(main, ["daemon", "--once"]).exit_code == 0
    assert run("status")["model"] == "twin-1"
    assert run("search", "flower")["results"] == found
    assert run("models", "use", manifest.name)["active"]
    assert run("models", "prune", "twin-1") == {"pruned": "twin-1", "photos": 5}
    assert [model["analysed"] for model in run("models", "list")["models"]] == [5, 0]
    assert run("check")["clean"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_daemon_reports_its_runs_and_ends_when_told(photos: Path, tmp_path: Path) -> None:
    # Whatever else the machine is busy with while this runs.
    process = start(
        tmp_path / "library", "daemon", "--watch", photos, env={**os.environ, "PHOTOS_ENGINE_DAEMON_WAITS_FOR": "hot"}
    )
    assert process.stdout is not None
    runs = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert [(run["job"], run["outcome"]) for run in runs] == [("scan", "done"), ("analyse", "done")]
    second = start(tmp_path / "library", "daemon")
    _, errors = second.communicate(timeout=SOON_S)
    assert (second.returncode, errors.count("\n")) == (1, 1)
    assert "another daemon looks after the library" in errors
    for command in (("pause", "check"), ("run", "backup"), ("resume", "check")):
        answer = CliRunner().invoke(main, ["--library", str(tmp_path / "library"), "daemon", *command])
        assert answer.exit_code == 0, answer.output
    while (run := json.loads(process.stdout.readline()))["job"] != "backup":
        assert run["outcome"] == ("skipped" if run["job"] == "reanalyse" else "done"), run
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=SOON_S)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_ctrl_c_ends_an_index_run_cleanly_and_the_next_goes_on(tmp_path: Path) -> None:
    folder, library = tmp_path / "photos", tmp_path / "library"
    folder.mkdir()
    noise = np.random.default_rng(1)
    for number in range(PHOTOS_TO_INTERRUPT):
        Image.fromarray(noise.integers(0, 255, (300, 400, 3), np.uint8)).save(folder / f"{number}.jpg", quality=60)
    # Progress is told after the first of the batches. The smaller they are, the more is still to come by then.
    batches = {"PHOTOS_ENGINE_BATCH_SIZE": str(PHOTOS_TO_INTERRUPT // 16)}
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are deaf to it
    process = start(library, "index", folder, start_new_session=True, env={**os.environ, **batches})
    signal.signal(signal.SIGINT, heard)
    assert process.stderr is not None
    while "analysing" not in process.stderr.readline():
        pass
    os.killpg(process.pid, signal.SIGINT)  # a terminal's Ctrl-C reaches the decoding processes too
    output, errors = process.communicate(timeout=SOON_S)
    assert (process.returncode, output) == (130, ""), errors
    assert "Traceback" not in errors
    assert errors.strip().splitlines()[-1].startswith("photos-engine: interrupted")
    status = json.loads(CliRunner().invoke(main, ["--library", str(library), "status", "--json"]).stdout)
    assert 0 < status["analysed"] < PHOTOS_TO_INTERRUPT
    report = json.loads(CliRunner().invoke(main, ["--library", str(library), "index", str(folder), "--json"]).stdout)
    assert report["analysed"] == PHOTOS_TO_INTERRUPT - status["analysed"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX pipes")
def test_a_reader_that_leaves_is_no_error(library: Path) -> None:
    with start(library, "graph", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_daemon_once_does_each_job(ask: Callable[..., Any], library: Path) -> None:
    result = CliRunner().invoke(main, ["daemon", "--once", "--library", str(library)])
    assert result.exit_code == 0, result.output
    runs = [json.loads(line) for line in result.stdout.splitlines()]
    assert [run["job"] for run in runs] == [job for job in JOBS if job != "watch"]
    assert [run["job"] for run in runs if run["outcome"] != "done"] == ["reanalyse"]
    assert {job["job"] for job in ask("status")["jobs"]} >= {run["job"] for run in runs}


def test_a_system_can_start_the_daemon(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    arguments = ["--library", str(library), "--json", "daemon"]
    written = CliRunner().invoke(main, [*arguments, "install", "--no-start"])
    assert str(library) in Path(json.loads(written.stdout)["file"]).read_text(encoding="utf-8")
    assert json.loads(CliRunner().invoke(main, [*arguments, "uninstall"]).stdout)["removed"]


def test_help_loads_no_engine() -> None:
    code = "from photos_engine.cli import main\nmain(['--help'], standalone_mode=False)\n"
    code += "import sys\nprint(sorted({'onnxruntime', 'faiss', 'networkx', 'sqlalchemy'} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "[]"
