"""Folders are watched as the system allows, and looked over where it doesn't."""

from __future__ import annotations

import queue
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from photos_engine.scheduler import watching
from photos_engine.scheduler.watching import Watcher

SOON_S = 20.0


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> queue.Queue[Collection[str]]:
    monkeypatch.setattr(watching, "DEBOUNCE_MS", 50)
    monkeypatch.setattr(watching, "POLLED_EVERY_MS", 50)
    return queue.Queue()


@pytest.fixture
def watcher(told: queue.Queue[Collection[str]], tmp_path: Path) -> Iterator[Watcher]:
    made = Watcher(told.put, library=str(tmp_path / "library"))
    yield made
    made.close()


@pytest.mark.parametrize("is_far", [False, True])
def test_a_change_names_its_folder(
    watcher: Watcher,
    told: queue.Queue[Collection[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_far: bool,
) -> None:
    monkeypatch.setattr(watching, "is_remote", lambda _: is_far)
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    watcher.follow(map(str, folders))
    for number in range(100):  # the watch begins a little after `follow` returns
        (folders[1] / f"{number}.jpg").touch()
        try:
            assert told.get(timeout=0.5) == {str(folders[1])}
            return
        except queue.Empty:
            continue
    pytest.fail("nothing was told")


def test_a_system_without_watches_is_looked_over(
    watcher: Watcher, told: queue.Queue[Collection[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = watching.watch

    def exhausted(*paths: str, force_polling: bool, **settings: object) -> object:
        if not force_polling:
            raise OSError(28, "no space left on device")
        return real(*paths, force_polling=True, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(watching, "watch", exhausted)
    watcher.follow([str(tmp_path)])
    for number in range(100):
        (tmp_path / f"{number}.jpg").touch()
        try:
            assert told.get(timeout=0.5) == {str(tmp_path)}
            return
        except queue.Empty:
            continue
    pytest.fail("nothing was told")


def test_other_folders_can_be_followed(watcher: Watcher, tmp_path: Path) -> None:
    watcher.follow([str(tmp_path)])
    first = list(watcher._threads)
    watcher.follow([str(tmp_path)])
    assert watcher._threads == first
    watcher.follow([str(tmp_path / "missing")])
    assert watcher.folders == (str(tmp_path / "missing"),)
    watcher.close()
    assert not any(thread.is_alive() for thread in first)


def test_what_comes_back_or_takes_a_folder_s_place_is_told_of(
    watcher: Watcher, told: queue.Queue[Collection[str]], tmp_path: Path
) -> None:
    folder, other = tmp_path / "card", tmp_path / "other"
    watcher.follow([str(folder)])
    assert told.empty()
    for take in (folder.mkdir, lambda: (folder.rename(other), folder.mkdir())):
        take()
        for _ in range(3):
            watcher.follow([str(folder)])
        assert told.get(timeout=SOON_S) == {str(folder)}
        while not told.empty():
            told.get()
        for number in range(100):  # and watched from now on
            (folder / f"{number}.jpg").touch()
            try:
                assert told.get(timeout=0.5) == {str(folder)}
                break
            except queue.Empty:
                continue
        else:
            pytest.fail("nothing was told")
