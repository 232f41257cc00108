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

from photos_engine.errors import StoreError
from photos_engine.scheduler import JOBS, units
from photos_engine.store import Store

DERIVED = ("places", "graph", "memories", "index", "read", "backup", "check")
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


def test_search_by_a_picture_and_with_facets(ask: Callable[..., Any], run: Run, photos: Path) -> None:
    found = ask("search", "--like", photos / "beach-dog.jpg", "--region", "0.5,0,0.5,1", "--facets")
    assert names([hit["path"] for hit in found["results"]]) == ["beach-dog.jpg"]
    assert found["understood"]["region"] == [0.5, 0.0, 1.0, 1.0]
    assert {"value": "beach", "photos": 1} in found["facets"]["tags"]
    assert "facets" not in ask("search", "dog")
    assert "tags: dog (3)" in run("search", "dog", "--facets").stdout


def test_suggest_completes_what_is_typed(ask: Callable[..., Any], run: Run) -> None:
    assert ask("suggest", "bea")["suggestions"] == [{"text": "beach", "kind": "tag", "photos": 1}]
    assert "nothing that goes on like that" in run("suggest", "qqq").stderr


def test_export_tags_says_what_it_left_alone(run: Run, ask: Callable[..., Any], photos: Path, tmp_path: Path) -> None:
    (photos / "dog.jpg.xmp").touch()
    report = ask("export-tags")
    assert names([refused["path"] for refused in report["refused"]]) == ["dog.jpg.xmp"]
    assert "1 sidecar left alone:" in run("export-tags").stdout
    assert "photos written to" in run("export-tags", "--feed", tmp_path / "feed.json").stdout
    assert (tmp_path / "feed.json").exists()


def test_search_that_finds_nothing_offers_what_would(run: Run) -> None:
    result = run("search", "giraffe")
    assert result.exit_code == 0
    assert result.stdout == "try: beach\n"
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


def test_merging_lists_what_may_be_deleted_and_deletes_nothing(ask: Callable[..., Any], run: Run, photos: Path) -> None:
    (group,) = ask("duplicates")["groups"]
    assert ask("duplicates", "merge", group["id"]) == ask("duplicates", "merge", "--all")
    (merged,) = ask("duplicates", "merge", "--all")["merged"]
    assert (merged["keep"], names(merged["deletable"])) == (group["keep"], ["dog-copy.jpg"])
    assert (photos / "dog-copy.jpg").exists()
    assert "may be deleted  " in run("duplicates", "merge", "--all").stdout
    assert run("duplicates", "merge").exit_code == 2
    assert run("duplicates", "merge", group["id"], "--all").exit_code == 2
    assert run("duplicates", "merge", "copy-none").exit_code == 1


def test_utility_and_featured_share_no_photo(ask: Callable[..., Any]) -> None:
    useful = ask("utility")["photos"]
    assert [(names([p["path"]]), p["kind"]) for p in useful] == [(["receipt.jpg"], "receipt")]
    assert "receipt.jpg" not in names([p["path"] for p in ask("featured")["photos"]])


def test_wallpapers_ask_for_the_screen(ask: Callable[..., Any], run: Run) -> None:
    assert len(ask("wallpapers", "--screen", "3840x2160")["photos"]) == 4
    assert ask("wallpapers", "--screen", "7680x4320")["photos"] == []
    assert len(ask("wallpapers", "--kind", "ultrawide", "--at", "18:30")["photos"]) == 4
    assert len(ask("wallpapers", "--kind", "portrait", "--at", "now")["photos"]) == 4
    assert run("wallpapers", "--at", "25:00").exit_code == 2


def test_crop_has_the_aspect(ask: Callable[..., Any], photos: Path) -> None:
    left, top, right, bottom = ask("crop", photos / "dog.jpg", "--aspect", "1:1")["crop"]
    assert (right - left) * 4000 == pytest.approx((bottom - top) * 3000)


def test_crop_proposes_others_and_draws_them(ask: Callable[..., Any], photos: Path, tmp_path: Path) -> None:
    preview = tmp_path / "preview.jpg"
    answer = ask("crop", photos / "dog.jpg", "--aspect", "1:1", "--candidates", 3, "--preview", preview)
    assert answer["candidates"][0]["crop"] == answer["crop"]
    assert len(answer["candidates"]) == 3
    with Image.open(preview) as picture:
        assert picture.getpixel((picture.width // 4, 100))[2] > 150, "the fake's pictures are blue"


def test_a_preview_that_cannot_be_written_is_one_clear_error(run: Run, photos: Path) -> None:
    result = run("crop", photos / "dog.jpg", "--aspect", "1:1", "--preview", photos / "dog.jpg" / "no.jpg")
    assert result.exit_code == 1
    assert "can't be written" in result.stderr


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


def test_a_reaction_is_printed_as_stored(ask: Callable[..., Any], run: Run) -> None:
    made = ask("react", "theme:dog", "liked", "--on", "2023-07-04")
    assert made == {"memory": "theme:dog", "day": "2023-07-04", "reaction": "liked"}
    assert run("react", "theme:dog", "opened").stdout.startswith("opened on ")
    assert run("react", "theme:cat", "liked").exit_code == 1


def test_taste_is_shown_exported_and_forgotten(ask: Callable[..., Any], run: Run, photos: Path, tmp_path: Path) -> None:
    ask("decide", photos / "dog.jpg", "favourite")
    assert ask("taste", "show") == {"likes": 1, "dislikes": 0, "speaks": False, "reasons": []}
    assert "1 photo liked, 0 disliked" in run("taste", "show").stdout
    kept = tmp_path / "taste.json"
    assert ask("taste", "export", kept) == {"exported": 1, "file": str(kept)}
    assert json.loads(kept.read_text())["model"] == "fake-1"
    assert run("taste", "export", photos / "dog.jpg" / "no").exit_code == 1
    assert ask("taste", "reset") == {"forgotten": 1}
    assert ask("taste", "show")["likes"] == 0


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
    assert [job["job"] for job in jobs] == ["scan", "analyse", "reanalyse", *DERIVED]
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
    assert [r["job"] for r in runs] == [job for job in JOBS if job != "watch"]
    assert [r["job"] for r in runs if r["outcome"] != "done"] == ["reanalyse"]
    assert runs[1]["detail"] == {"analysed": 1, "failed": 1}
    jobs = json.loads(run("status", "--json").stdout)["jobs"]
    assert {job["job"] for job in jobs} == set(JOBS) - {"watch"}
    _header, *rows, _ = run("status").stdout.split("\n\n")[1].splitlines()
    assert [row.split()[0] for row in rows] == list(JOBS)
    assert rows[JOBS.index("watch")].endswith("after a change")
    assert rows[JOBS.index("analyse")].endswith("after a scan")


@pytest.mark.parametrize("may", ["yes", "no"])
def test_lines_of_the_daemon_can_leave_out_paths(
    run: Run, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, may: str
) -> None:
    def back_up_decisions() -> None:
        raise StoreError("/home/zoe/library: the disk is full")

    monkeypatch.setattr(engine, "back_up_decisions", back_up_decisions)
    monkeypatch.setenv("PHOTOS_ENGINE_LOG_PATHS", may)
    runs = {r["job"]: r["detail"] for r in map(json.loads, run("daemon", "--once").stdout.splitlines())}
    assert runs["backup"]["reason"] == f"{'/home/zoe/library' if may == 'yes' else '<path>'}: the disk is full"


def test_daemon_commands_plan_in_the_library(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOS_ENGINE_LIBRARY", str(tmp_path / "real"))
    assert json.loads(run("daemon", "pause", "analyse", "--json").stdout) == {"job": "analyse", "paused": True}
    assert json.loads(run("daemon", "run", "memories", "--json").stdout)["daemon"] is False
    with Store.open(tmp_path / "real") as store, store.read() as unit:
        plans = {plan.job: plan for plan in unit.jobs.plans()}
    assert (plans["analyse"].is_paused, plans["memories"].is_asked) == (True, True)
    assert run("daemon", "resume", "analyse").stdout == "analyse goes on\n"
    assert run("daemon", "run", "dust").exit_code == 2


def test_daemon_can_be_installed_and_removed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(units, "_call", called.append)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("PHOTOS_ENGINE_LIBRARY", str(tmp_path / "real"))
    written = json.loads(run("daemon", "install", "--no-start", "--json").stdout)["file"]
    assert Path(written).is_relative_to(tmp_path)
    assert (Path(written).exists(), called) == (True, [])
    assert json.loads(run("daemon", "uninstall", "--json").stdout)["removed"]
    assert not Path(written).exists()


def test_daemon_takes_several_folders_after_watch(run: Run, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        (folder / f"dog-{folder.name}.jpg").touch()
    first, *_ = (json.loads(line) for line in run("daemon", "--once", "--watch", *folders).stdout.splitlines())
    assert first["detail"]["new"] == 2
