"""What holds for every command: options anywhere, exit codes, where output goes, odd names."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from fakes.engine import FakeEngine

from photos_engine.cli import main
from photos_engine.cli.face import Face
from photos_engine.errors import SchemaTooNew

Run = Callable[..., Result]


def commands(group: click.Group = main, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))
        else:
            yield (*above, name), command


@pytest.mark.parametrize("words", [words for words, _ in commands()], ids=" ".join)
def test_help_has_an_example_of_that_very_command(words: tuple[str, ...], run: Run, engine: FakeEngine) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    _, _, example = result.stdout.partition("Example:")
    assert f"photos-engine {' '.join(words)}" in example
    assert engine.closed == 0, "help must not open a library"


def test_main_help_shows_whole_sentences() -> None:
    result = CliRunner().invoke(main, ["--help"], prog_name="photos-engine")
    _, _, listed = result.stdout.partition("Commands:")
    assert "search" in listed
    assert "..." not in listed


@pytest.mark.parametrize(
    "arguments",
    [
        ("--library", "DIR", "--json", "status"),
        ("status", "--library", "DIR", "--json"),
        ("--json", "status", "--library", "DIR"),
        ("--library", "elsewhere", "--json", "status", "--library", "DIR"),
        ("models", "--library", "DIR", "list", "--json"),
    ],
)
def test_library_and_json_stand_before_or_after_the_command(arguments: tuple[str, ...], tmp_path: Path) -> None:
    opened = []

    def open_fake(library: Path | None) -> FakeEngine:
        opened.append(library)
        return FakeEngine(tmp_path)

    result = CliRunner().invoke(main, [str(tmp_path) if a == "DIR" else a for a in arguments], obj=Face(open_fake))
    assert result.exit_code == 0, result.output
    assert opened == [tmp_path]
    assert isinstance(json.loads(result.stdout), dict)


def test_engine_is_closed_after_good_and_bad_ends(run: Run, engine: FakeEngine) -> None:
    assert run("status").exit_code == 0
    assert run("explain", "nothing.jpg").exit_code == 1
    assert engine.closed == 2


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_error_is_one_line_on_stderr_and_nothing_on_stdout(run: Run, options: tuple[str, ...]) -> None:
    result = run("explain", "nothing.jpg", *options)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("photos-engine: error: no photo in the library")


def test_an_engine_that_does_not_open_is_an_error_like_any(tmp_path: Path) -> None:
    def refuse(_: Path | None) -> FakeEngine:
        raise SchemaTooNew("written by a newer version\nof the engine")

    result = CliRunner().invoke(main, ["status"], obj=Face(refuse))
    assert result.exit_code == 1
    assert result.stderr == "photos-engine: error: written by a newer version\\nof the engine\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("search",),
        ("search", "dog", "--limit", "0"),
        ("search", "--like", "a.jpg", "--region", "0.5,0,0.6,1"),
        ("search", "--like", "a.jpg", "--region", "here"),
        ("suggest",),
        ("featured", "--limit", "-1"),
        ("featured", "--limit", "99999999999999999999999"),
        ("featured", "--contact-sheet", ""),
        ("status", "--library", ""),
        ("--library=", "status"),
        ("index",),
        ("crop", "a.jpg"),
        ("crop", "a.jpg", "--aspect", "0:1"),
        ("crop", "a.jpg", "--aspect", "nan:1"),
        ("crop", "a.jpg", "--aspect", "inf:1"),
        ("crop", "a.jpg", "--aspect", "16"),
        ("wallpapers", "--screen", "1920"),
        ("wallpapers", "--screen", "0x100"),
        ("memories", "--on", "yesterday-ish"),
        ("memories", "--on", "2023-02-29"),
        ("memories", "--on", "0001-01-01"),
        ("memories", "--on", "1825-12-31"),
        ("memories", "--on", "2201-01-01"),
        ("decide", "a.jpg", "burn"),
        ("react", "theme:dog", "shown"),
        ("graph", "--format", "dot"),
        ("daemon", "--every", "0"),
        ("daemon", "--once", "stray"),
        ("daemon", "--once", "--watch", "/no/such/folder"),
        ("models", "use"),
        ("models", "prune"),
        ("no-such-command",),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: ")


def test_what_the_engine_calls_wrong_usage_ends_with_2(run: Run, photos: Path) -> None:
    run("index", photos)
    result = run("decide", "theme:dog", "not-utility")
    assert result.exit_code == 2
    assert result.stderr == "photos-engine: error: not-utility can't be decided about a memory\n"


def test_ctrl_c_ends_with_130_and_one_line(
    run: Run, engine: FakeEngine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine, "index", interrupt)
        result = run("index", photos)
    assert result.exit_code == 130
    assert result.stdout == ""
    assert (
        result.stderr.strip() == "photos-engine: interrupted; what is done is kept, and the next run goes on from there"
    )
    assert engine.closed == 1
    assert run("index", photos).exit_code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("search", "dog"),
        ("memories",),
        ("featured",),
        ("duplicates",),
        ("utility",),
        ("wallpapers",),
        ("graph",),
        ("people",),
        ("places",),
        ("trips",),
        ("interests",),
    ],
    ids=" ".join,
)
def test_an_empty_library_answers_with_nothing_and_a_hint(run: Run, command: tuple[str, ...]) -> None:
    result = run(*command, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert not any(
        value for key, value in answer.items() if key in ("results", "memories", "photos", "groups", "nodes")
    )
    assert "has no photos yet: photos-engine index PATH" in result.stderr


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names there are always Unicode")
def test_names_that_are_no_unicode_or_no_text(run: Run, photos: Path) -> None:
    odd = [b"dog-\xff.jpg", b"dog-\x1b[31m\nred.jpg"]
    for name in odd:
        (photos / os.fsdecode(name)).touch()
    assert run("index", photos).exit_code == 0

    found = run("search", "dog", "--json")
    names = {os.fsencode(Path(hit["path"]).name) for hit in json.loads(found.stdout_bytes)["results"]}
    assert names >= set(odd)

    shown = run("search", "dog").stdout
    assert "\x1b" not in shown
    assert r"dog-\x1b[31m\nred.jpg" in shown
    assert r"dog-\udcff.jpg" in shown
    assert run("explain", photos / os.fsdecode(odd[0])).exit_code == 0


@pytest.mark.parametrize("line", ["progress", "remark"])
def test_json_stands_alone_on_stdout(run: Run, photos: Path, line: str) -> None:
    result = run("index", photos, "--json") if line == "progress" else run("people", "--json")
    json.loads(result.stdout)
    assert result.stderr
