"""The collector is left as it was found."""

from __future__ import annotations

import gc

import pytest

from photos_engine.collecting import collecting_later


def test_the_collector_rests_within_the_block_and_no_longer() -> None:
    @collecting_later()
    def is_on() -> bool:
        return gc.isenabled()

    assert not is_on()
    assert not is_on()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="broken"), collecting_later():
        raise ValueError("broken")
    assert gc.isenabled()


def test_who_switched_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with collecting_later():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
