"""What single commands do, over the engine in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fakes.engine import FakeEngine
from PIL import Image

Run = Callable[..., Result]


@pytest.fixture
def engine(engine: FakeEngine, photos: Path) -> FakeEngine:
    """An engine that has indexed the photos."""
    engine.index([photos])
    return engine


@pytest.fixture
def ask(run: Run) -> Callable[..., Any]:
    """The JSON answer of a command that succeeds."""

    def answer(*arguments: object) -> Any:
        result = run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return answer


def names(paths: list[str]) -> list[str]:
    return [Path(path).name for path in paths]


def test_index_reports_what_it_did(run: Run, photos: Path) -> None:
    (photos / "forest.jpg").touch()
    report = json.loads(run("index", photos, "--json").stdout)
    assert (report["found"], report["new"], report["analysed"]) == (7, 1, 1)
    assert names([failure["path"] for failure in report["failed"]]) == ["broken.jpg"]


def test_index_goes_on_beside_a_missing_folder_and_lists_it(run: Run, photos: Path, tmp_path: Path) -> None:
    result = run("index", photos, tmp_path / "nowhere", "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["found"] == 6
    assert {"path": str(tmp_path / "nowhere"), "error": "unreadable", "reason": "no such file or folder"} in report[
        "failed"
    ]


def test_index_of_nothing_that_exists_ends_with_1(run: Run, tmp_path: Path) -> None:
    result = run("index", tmp_path / "a", tmp_path / "b")
    assert result.exit_code == 1
    assert "no such file or folder, nor are the others" in result.stderr


def test_search_limits_its_answer(ask: Callable[..., Any]) -> None:
    assert names([hit["path"] for hit in ask("search", "dog")["results"]]) == [
        "beach-dog.jpg",
        "dog-copy.jpg",
        "dog.jpg",
    ]
    assert len(ask("search", "dog", "--limit", "2")["results"]) == 2


def test_search_that_finds_nothing_offers_what_would(run: Run) -> None:
    result = run("search", "giraffe")
    assert result.exit_code == 0
    assert result.stdout == "did you mean: beach\n"
    assert "nothing in the library answers to that" in result.stderr


def test_memories_of_a_day(ask: Callable[..., Any]) -> None:
    assert len(ask("memories", "--on", "today")["memories"]) == 1
    assert ask("memories", "--on", "2001-01-01")["memories"] == []
    assert len(ask("memories", "--refresh")["memories"]) == 1


@pytest.mark.parametrize("command", ["memories", "featured", "wallpapers", "duplicates"])
def test_contact_sheets_are_pictures(run: Run, command: str, tmp_path: Path) -> None:
    result = run(command, "--contact-sheet", tmp_path / "sheets")
    assert result.exit_code == 0, result.output
    assert "1 picture written" in result.stderr
    (path,) = (tmp_path / "sheets").iterdir()
    with Image.open(path) as sheet:
        colours = {sheet.getpixel((x, y)) for x in range(0, sheet.width, 7) for y in range(0, sheet.height, 7)}
    assert any(blue > 150 and red < 80 for red, _, blue in colours), "the fake's thumbnails are blue"


def test_duplicates_name_the_keeper(ask: Callable[..., Any]) -> None:
    (group,) = ask("duplicates")["groups"]
    assert names([group["keep"], *group["photos"]]) == ["dog.jpg", "dog.jpg", "dog-copy.jpg"]


def test_utility_and_featured_share_no_photo(ask: Callable[..., Any]) -> None:
    useful = ask("utility")["photos"]
    assert [(names([p["path"]]), p["kind"]) for p in useful] == [(["receipt.jpg"], "receipt")]
    assert "receipt.jpg" not in names([p["path"] for p in ask("featured")["photos"]])


def test_wallpapers_ask_for_the_screen(ask: Callable[..., Any]) -> None:
    assert len(ask("wallpapers", "--screen", "3840x2160")["photos"]) == 4
    assert ask("wallpapers", "--screen", "7680x4320")["photos"] == []


def test_crop_has_the_aspect(ask: Callable[..., Any], photos: Path) -> None:
    left, top, right, bottom = ask("crop", photos / "dog.jpg", "--aspect", "1:1")["crop"]
    assert (right - left) * 4000 == pytest.approx((bottom - top) * 3000)


def test_a_decision_is_printed_as_stored_and_can_be_carried_over(
    ask: Callable[..., Any], photos: Path, tmp_path: Path
) -> None:
    made = ask("decide", photos / "dog.jpg", "favourite")
    assert (made["subject_kind"], made["decision"]) == ("photo", "favourite")
    assert ask("explain", photos / "dog.jpg")["decisions"] == [made]
    kept = tmp_path / "decisions.json"
    assert ask("decisions", "export", kept) == {"exported": 1, "file": str(kept)}
    assert ask("decide", made["subject"], "undo")["decision"] == "undo"
    assert ask("explain", photos / "dog.jpg")["decisions"] == []
    assert ask("decisions", "import", kept)["imported"] == 1
    assert ask("explain", photos / "dog.jpg")["decisions"] == [made]


def test_import_of_something_else_is_an_error(run: Run, photos: Path) -> None:
    assert run("decisions", "import", photos / "dog.jpg").exit_code == 1


def test_graph_and_the_neighbourhood_of_a_node(ask: Callable[..., Any], run: Run) -> None:
    whole = ask("graph")
    part = ask("graph", "--about", "city:FR/Lyon")
    assert {"city:FR/Lyon"} < {node["id"] for node in part["nodes"]} <= {node["id"] for node in whole["nodes"]}
    assert json.loads(run("graph", "--format", "json").stdout) == whole
    assert run("graph", "--format", "graphml", "--json").stdout.lstrip().startswith("<?xml")
    assert "city:FR/Lyon" in run("graph").stdout
    assert run("graph", "--about", "city:FR/Lyon").stdout.startswith("Lyon")
    assert run("graph", "--about", "city:nowhere").exit_code == 1


def test_places_are_aligned(run: Run) -> None:
    header, *rows = run("places").stdout.splitlines()
    assert len(rows) == 3
    assert all(row[header.index("kind") - 1] == " " != row[header.index("kind")] for row in rows)


def test_models_list_and_use(ask: Callable[..., Any], run: Run) -> None:
    listed = ask("models", "list")["models"]
    assert [(m["name"], m["active"], m["analysed"]) for m in listed] == [("fake-1", True, 5), ("fake-0", False, 0)]
    assert ask("models", "use", "fake-1") == {"name": "fake-1", "active": True, "changed": False, "pending": 0}
    unknown = run("models", "use", "other")
    assert unknown.exit_code == 1
    assert "installed: fake-0, fake-1" in unknown.stderr


def test_another_model_takes_over_when_it_has_seen_the_library(ask: Callable[..., Any], run: Run, photos: Path) -> None:
    assert ask("models", "use", "fake-0") == {"name": "fake-0", "active": False, "changed": True, "pending": 5}
    status = ask("status")
    assert (status["model"], status["next_model"], status["next_pending"]) == ("fake-1", "fake-0", 5)
    assert "next model  fake-0, which has seen 0 of 5 photos" in run("status").stdout
    assert "(next, 0 photos analysed)" in run("models", "list").stdout
    jobs = [json.loads(line) for line in run("daemon", "--once").stdout.splitlines()]
    assert [job["job"] for job in jobs] == ["scan", "analyse", "reanalyse", "graph", "memories"]
    assert jobs[2]["detail"] == {"model": "fake-0", "analysed": 5, "pending": 0, "failed": 0, "taken_over": True}
    assert ask("status")["model"] == "fake-0"
    assert ask("models", "use", "fake-1")["active"], "a model that was in use takes over at once"


def test_a_change_of_the_model_can_be_called_off(ask: Callable[..., Any], run: Run) -> None:
    ask("models", "use", "fake-0")
    assert run("models", "use", "fake-1").stdout == ("fake-1 is in use already\nfake-0 is not to take over any more\n")
    assert ask("status")["next_model"] is None


def test_index_goes_on_with_a_change_of_the_model(run: Run, ask: Callable[..., Any], photos: Path) -> None:
    assert "takes over from fake-1 when it has seen 5 photos" in run("models", "use", "fake-0").stdout
    assert run("index", photos).exit_code == 0
    assert ask("status")["model"] == "fake-0"


def test_a_model_need_not_have_seen_anything_to_be_used_now(ask: Callable[..., Any]) -> None:
    assert ask("models", "use", "fake-0", "--now")["active"]


def test_models_prune_forgets_all_but_the_one_in_use(ask: Callable[..., Any], run: Run) -> None:
    assert run("models", "prune", "fake-1").exit_code == 1
    ask("models", "use", "fake-0", "--now")
    assert ask("models", "prune", "fake-1") == {"pruned": "fake-1", "photos": 5}
    assert run("models", "prune", "fake-1").exit_code == 1


def test_models_verify_names_the_changed_file(run: Run, ask: Callable[..., Any], engine: FakeEngine) -> None:
    assert ask("models", "verify") == {
        "ok": True,
        "files": [{"model": "fake-1", "file": "scene.onnx", "sha256": "0" * 64}],
    }
    engine.problems = ["scene.onnx is not the file that its manifest describes"]
    broken = run("models", "verify", "--json")
    assert (broken.exit_code, broken.stdout) == (1, "")
    assert "scene.onnx" in broken.stderr


def test_check_ends_with_1_until_it_is_repaired(run: Run, engine: FakeEngine) -> None:
    assert run("check").exit_code == 0
    engine.problems = ["thumbnails: 1 is missing"]
    found = run("check", "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["problems"] == ["thumbnails: 1 is missing"]
    assert run("check", "--repair").exit_code == 0


def test_daemon_once_prints_a_line_for_each_job(run: Run, photos: Path) -> None:
    (photos / "forest.jpg").touch()
    result = run("daemon", "--once")
    runs = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(r["job"], r["outcome"]) for r in runs] == [(j, "done") for j in ("scan", "analyse", "graph", "memories")]
    assert runs[1]["detail"] == {"analysed": 1, "failed": 1}
    jobs = json.loads(run("status", "--json").stdout)["jobs"]
    assert {job["job"] for job in jobs} == {"scan", "analyse", "graph", "memories"}


def test_daemon_takes_several_folders_after_watch(run: Run, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        (folder / f"dog-{folder.name}.jpg").touch()
    first, *_ = (json.loads(line) for line in run("daemon", "--once", "--watch", *folders).stdout.splitlines())
    assert first["detail"]["new"] == 2
