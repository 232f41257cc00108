"""docs/cli.md has every command and every option, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from photos_engine.cli import main

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
SHARED = {"--library", "--json", "--help"}


def sections() -> dict[str, str]:
    parts = re.split(r"^### `photos-engine (.+)`$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (re.split("^## ", text, flags=re.MULTILINE)[0] for text in parts[2::2]), strict=True))


def commands(group: click.Group = main, above: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield above + name, command


def heading(name: str, command: click.Command) -> str:
    return " ".join([name, *(p.metavar or p.name.upper() for p in command.params if is_shown_argument(p))])


def is_shown_argument(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument) and parameter.required


def test_the_page_has_just_the_commands_that_there_are() -> None:
    assert sorted(sections()) == sorted(heading(name, command) for name, command in commands())


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_the_page_has_just_the_options_that_there_are(name: str, command: click.Command) -> None:
    section = sections()[heading(name, command)]
    there = {option for p in command.params if isinstance(p, click.Option) for option in p.opts} - SHARED
    assert set(re.findall(r"`[^`]*?(--[a-z-]+)[^`]*`", section)) - SHARED == there


def test_what_all_commands_share_is_said_once() -> None:
    before = PAGE.split("### ")[0]
    assert "--library DIR" in before
    assert "--json" in before
    for code in ("0: done", "1: the engine's error", "2: wrong", "130: interrupted"):
        assert code in before.replace("\n", " ").replace("  ", " ")
