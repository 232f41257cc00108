"""What lets a system start the daemon when a person logs in: a systemd unit, a launchd agent, a Windows task.

Each is a text in a folder of the person's own; no rights beyond theirs are asked for. The daemon knows its
manners itself, so the texts only say when it starts, that it comes last, and (where a system can enforce it) that
it has no network. Sources: systemd.exec(5), systemd.service(5) and systemd.syntax(7); launchd.plist(5);
Task Scheduler Schema 1.2.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import plistlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from photos_engine.errors import ConfigError
from photos_engine.files import write_atomically

NAME = "photos-engine"
_RESTART_S = 60
_TASK_NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"


@dataclass(frozen=True, slots=True)
class Unit:
    """One system's way of starting the daemon."""

    path: Path
    content: bytes
    start: tuple[tuple[str, ...], ...]  # commands that make it known and start it
    end: tuple[tuple[str, ...], ...]  # commands that stop it and make it forgotten


def make_unit(library: Path, *, platform: str = sys.platform, home: Path | None = None) -> Unit:
    """The unit that looks after a library, each its own. Raises: ConfigError for a path that can't be written down."""
    home = home or Path.home()
    name = f"{NAME}-{hashlib.blake2b(os.fsencode(library), digest_size=4).hexdigest()}"
    command = (sys.executable, "-P", "-m", "photos_engine", "--library", os.fspath(library), "daemon")
    try:
        if platform == "win32":
            return _windows_task(name, command, home)
        return _launchd_agent(name, command, home) if platform == "darwin" else _systemd_unit(name, command, home)
    except ValueError as error:  # XML has no way to write control characters, nor have names of broken encoding one
        raise ConfigError(f"{os.fspath(library)!r} can't be named in a file of the system's: {error}") from error


def install(unit: Unit, *, start: bool = True) -> None:
    """Write a unit and start it. Raises: ConfigError, in one line, where the system refuses."""
    try:
        write_atomically(unit.path, unit.content, make_folders=True)
    except OSError as error:
        raise ConfigError(f"{unit.path} can't be written: {error.strerror or error}") from error
    for command in unit.start if start else ():
        _call(command)


def uninstall(unit: Unit, *, stop: bool = True) -> bool:
    """Stop a unit and remove it; returns whether it was there. Raises: ConfigError."""
    was_there = unit.path.exists()
    for command in unit.end if stop and was_there else ():
        with contextlib.suppress(ConfigError):  # it may not be running, and is to go all the same
            _call(command)
    try:
        unit.path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{unit.path} can't be removed: {error.strerror or error}") from error
    return was_there


def _call(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"{command[0]} can't be run: {error}") from error
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())
        raise ConfigError(f"{' '.join(command)} failed: {said or f'status {done.returncode}'}")


def _systemd_unit(name: str, command: Sequence[str], home: Path) -> Unit:
    text = f"""[Unit]
Description=Keeps a photo library up to date when nobody would notice

[Service]
ExecStart={" ".join(map(quote_for_systemd, command))}
Restart=on-failure
RestartSec={_RESTART_S}
TimeoutStopSec={_RESTART_S}
KillMode=mixed
Nice=10
IOSchedulingClass=idle
CPUWeight=20
UMask=0077
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX

[Install]
WantedBy=default.target
"""
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "systemd" / "user"
    service = f"{name}.service"
    user = ("systemctl", "--user")
    return Unit(
        folder / service,
        text.encode(),
        ((*user, "daemon-reload"), (*user, "enable", "--now", service)),
        ((*user, "disable", "--now", service),),
    )


def quote_for_systemd(argument: str) -> str:
    r"""One argument of ExecStart: neither specifiers nor variables nor quotes nor odd bytes mean anything in it."""
    escaped = []
    for character in argument:
        if character in '"\\':
            escaped.append("\\" + character)
        elif character in "%$":
            escaped.append(character * 2)
        elif character.isprintable():
            escaped.append(character)
        else:
            escaped += [f"\\x{byte:02x}" for byte in os.fsencode(character)]
    return f'"{"".join(escaped)}"'


def _launchd_agent(name: str, command: Sequence[str], home: Path) -> Unit:
    label = f"org.{NAME}.{name.removeprefix(NAME + '-')}"
    content = plistlib.dumps(
        {
            "Label": label,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": _RESTART_S,
            "ProcessType": "Background",
            "LowPriorityIO": True,
            "Nice": 10,
            "Umask": 0o077,
        }
    )
    path = home / "Library" / "LaunchAgents" / f"{label}.plist"
    domain = f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"
    return Unit(
        path,
        content,
        (("launchctl", "bootstrap", domain, str(path)),),
        (("launchctl", "bootout", f"{domain}/{label}"),),
    )


def _windows_task(name: str, command: Sequence[str], home: Path) -> Unit:
    task = ElementTree.Element("Task", {"version": "1.2", "xmlns": _TASK_NAMESPACE})
    _fill(
        task,
        {
            "Triggers": {"LogonTrigger": {"Enabled": "true"}},
            "Settings": {
                "MultipleInstancesPolicy": "IgnoreNew",
                "DisallowStartIfOnBatteries": "false",  # the daemon itself waits for power
                "StopIfGoingOnBatteries": "false",
                "RestartOnFailure": {"Interval": f"PT{_RESTART_S // 60}M", "Count": "10"},
                "ExecutionTimeLimit": "PT0S",
                "Priority": "8",
            },
            "Actions": {"Exec": {"Command": command[0], "Arguments": subprocess.list2cmdline(command[1:])}},
        },
    )
    text = '<?xml version="1.0" encoding="UTF-16"?>\n' + ElementTree.tostring(task, encoding="unicode")
    if unwritable := [c for c in text if not c.isprintable() and c != "\n"]:
        raise ValueError(f"XML has no {unwritable[0]!r}")
    path = home / "AppData" / "Local" / NAME / f"{name}.xml"
    return Unit(
        path,
        text.encode("utf-16"),
        (("schtasks", "/Create", "/F", "/TN", name, "/XML", str(path)), ("schtasks", "/Run", "/TN", name)),
        (("schtasks", "/End", "/TN", name), ("schtasks", "/Delete", "/F", "/TN", name)),
    )


def _fill(element: ElementTree.Element, content: dict[str, object]) -> None:
    for tag, value in content.items():
        child = ElementTree.SubElement(element, tag)
        if isinstance(value, dict):
            _fill(child, value)
        else:
            child.text = str(value)
