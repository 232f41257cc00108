"""What starts the daemon: each text says what was meant, for any path that a folder may have."""

from __future__ import annotations

import os
import plistlib
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.errors import ConfigError
from photos_engine.scheduler import units
from photos_engine.scheduler.units import Unit, install, make_unit, quote_for_systemd, uninstall

ODD = Path('/home/Zoë O\'Hara/my "photos" 100% & $HOME <x>/back\\slash')
NAMESPACE = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}


@pytest.fixture(autouse=True)
def no_configuration_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def read_systemd_word(line: str) -> list[str]:
    """As systemd reads ExecStart: quotes and C escapes, then specifiers and variables."""
    words = []
    for word in shlex.split(line.replace("\\x", "\\\\x")):
        content = word.encode("utf-8", "surrogateescape").decode("latin-1")
        parts = content.split("\\x")
        bytes_ = parts[0] + "".join(chr(int(part[:2], 16)) + part[2:] for part in parts[1:])
        words.append(os.fsdecode(bytes_.replace("%%", "%").replace("$$", "$").encode("latin-1")))
    return words


def test_the_systemd_unit_starts_the_daemon_of_just_this_library() -> None:
    unit = make_unit(ODD, platform="linux", home=Path("/home/zoe"))
    assert unit.path.parent == Path("/home/zoe/.config/systemd/user")
    text = unit.content.decode()
    (line,) = [line.removeprefix("ExecStart=") for line in text.splitlines() if line.startswith("ExecStart=")]
    assert read_systemd_word(line) == [sys.executable, "-P", "-m", "photos_engine", "--library", str(ODD), "daemon"]
    for wanted in ("Nice=10", "RestrictAddressFamilies=AF_UNIX", "WantedBy=default.target", "Restart=on-failure"):
        assert wanted in text.splitlines()
    assert unit.path != make_unit(Path("/other"), platform="linux", home=Path("/home/zoe")).path


# Backslashes before an x are told from escapes by systemd's own reader, not by the one above.
@given(st.text(st.characters(blacklist_characters="\0\\", blacklist_categories=["Cs"]), min_size=1))
def test_any_argument_comes_back_from_systemd(argument: str) -> None:
    quoted = quote_for_systemd(argument)
    assert quoted.isprintable()
    assert read_systemd_word(quoted) == [argument]


def test_bytes_that_are_no_text_are_escaped() -> None:
    assert quote_for_systemd(os.fsdecode(b"/p\xff\n")) == '"/p\\xff\\x0a"'


def test_the_launchd_agent_says_the_same() -> None:
    unit = make_unit(ODD, platform="darwin", home=Path("/Users/zoe"))
    content = plistlib.loads(unit.content)
    assert unit.path == Path(f"/Users/zoe/Library/LaunchAgents/{content['Label']}.plist")
    assert content["ProgramArguments"][-3:] == ["--library", str(ODD), "daemon"]
    assert content["RunAtLoad"] is True
    assert content["KeepAlive"] == {"SuccessfulExit": False}
    assert content["ProcessType"] == "Background"


def test_the_windows_task_says_the_same() -> None:
    folder = Path('C:\\Users\\Zoë O\'Hara\\my photos & "more"\\')
    unit = make_unit(folder, platform="win32", home=Path("/home/zoe"))
    task = ElementTree.fromstring(unit.content.decode("utf-16").split("\n", 1)[1])
    assert task.findtext(".//t:Command", namespaces=NAMESPACE) == sys.executable
    arguments = task.findtext(".//t:Arguments", namespaces=NAMESPACE)
    assert arguments == subprocess.list2cmdline(["-P", "-m", "photos_engine", "--library", str(folder), "daemon"])
    assert task.find(".//t:LogonTrigger", NAMESPACE) is not None
    assert task.findtext(".//t:ExecutionTimeLimit", namespaces=NAMESPACE) == "PT0S"


@pytest.mark.parametrize("platform", ["darwin", "win32"])
@pytest.mark.parametrize("name", [b"/photos\xff", b"/photos\x01"])
def test_a_path_that_xml_cannot_hold_is_refused_in_one_line(platform: str, name: bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        make_unit(Path(os.fsdecode(name)), platform=platform, home=Path("/home/zoe"))
    assert "\n" not in str(caught.value)


def test_installing_writes_and_starts_and_uninstalling_undoes_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(units, "_call", lambda command: called.append(tuple(command)))
    unit = make_unit(tmp_path / "library", platform="linux", home=tmp_path)
    install(unit)
    assert unit.path.read_bytes() == unit.content
    assert called == [("systemctl", "--user", "daemon-reload"), (*called[1][:4], unit.path.name)]
    assert uninstall(unit)
    assert not unit.path.exists()
    assert called[-1][:3] == ("systemctl", "--user", "disable")
    assert not uninstall(unit)


def test_a_system_that_refuses_is_one_line(tmp_path: Path) -> None:
    refusing = (sys.executable, "-c", "import sys; sys.exit('no\\nbus')")
    with pytest.raises(ConfigError, match=r"failed: no bus$"):
        install(Unit(tmp_path / "unit", b"", (refusing,), ()))
    with pytest.raises(ConfigError, match="can't be run"):
        install(Unit(tmp_path / "unit", b"", (("no-such-program-here",),), ()))
    assert uninstall(Unit(tmp_path / "unit", b"", (), (refusing,)))
