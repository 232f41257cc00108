"""Choosing an execution provider, with providers that this machine doesn't have."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.analyzers.sessions.providers import (
    AUTO,
    CPU,
    PROVIDERS,
    Requested,
    open_with_best,
    rank_providers,
    runs_one_at_a_time,
)
from photos_engine.errors import ConfigError

CUDA, DIRECTML, OPENVINO = PROVIDERS["cuda"], PROVIDERS["directml"], PROVIDERS["openvino"]


@dataclass
class _Session:
    providers: list[str]

    def get_providers(self) -> list[str]:
        return self.providers


class _Runtime:
    """Opens sessions; some providers raise, some are left out without a word, as ONNX Runtime does."""

    def __init__(self, *, broken: tuple[str, ...] = (), silent: tuple[str, ...] = ()) -> None:
        self.broken, self.silent = broken, silent
        self.asked: list[str] = []

    def open(self, requested: Requested) -> _Session:
        names = [item if isinstance(item, str) else item[0] for item in requested]
        self.asked.append(names[0])
        if failing := [name for name in names if name in self.broken]:
            raise RuntimeError(f"{failing[0]}: no device")
        return _Session([name for name in names if name not in self.silent])


@pytest.mark.parametrize(
    ("available", "wanted", "ranked"),
    [
        ((PROVIDERS[CPU],), AUTO, [CPU]),
        ((PROVIDERS[CPU], "AzureExecutionProvider"), AUTO, [CPU]),
        ((PROVIDERS[CPU], CUDA), AUTO, ["cuda", CPU]),
        ((PROVIDERS[CPU], CUDA), CPU, [CPU]),
        ((OPENVINO, PROVIDERS[CPU], CUDA), AUTO, ["cuda", "openvino", CPU]),
        ((OPENVINO, PROVIDERS[CPU], CUDA), "openvino", ["openvino", CPU]),
        (tuple(PROVIDERS.values()), AUTO, ["cuda", "directml", "openvino", CPU]),  # Core ML is not for int8 graphs
        (tuple(PROVIDERS.values()), "coreml", ["coreml", CPU]),
    ],
)
def test_the_best_that_is_installed_comes_first(available: tuple[str, ...], wanted: str, ranked: list[str]) -> None:
    assert rank_providers(available, wanted) == ranked


@given(available=st.sets(st.sampled_from(list(PROVIDERS.values()))), wanted=st.sampled_from([AUTO, *PROVIDERS]))
def test_the_processor_always_ends_the_list(available: set[str], wanted: str) -> None:
    ranked = rank_providers(available, wanted)
    assert ranked[-1] == CPU
    assert all(PROVIDERS[name] in available for name in ranked[:-1])


def test_a_provider_that_is_not_installed_is_said(caplog: pytest.LogCaptureFixture) -> None:
    assert rank_providers([PROVIDERS[CPU]], "cuda") == [CPU]
    assert "cuda is not part of the installed ONNX Runtime" in caplog.text


def test_an_unknown_provider_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="'gpu'"):
        rank_providers([PROVIDERS[CPU]], "gpu")


def test_the_first_that_opens_runs_the_model() -> None:
    runtime = _Runtime()
    session = open_with_best(runtime.open, PROVIDERS.values())
    assert session.providers == [CUDA, PROVIDERS[CPU]]
    assert runtime.asked == [CUDA]


def test_what_fails_is_logged_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    runtime = _Runtime(broken=(CUDA,), silent=(DIRECTML,))
    session = open_with_best(runtime.open, [CUDA, DIRECTML, PROVIDERS[CPU]])
    assert session.providers == [PROVIDERS[CPU]]
    assert runtime.asked == [CUDA, DIRECTML, PROVIDERS[CPU]]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "cuda" in warnings[0]
    assert "no device" in warnings[0]
    assert "directml" in warnings[1]


def test_a_graph_that_the_processor_can_not_open_is_no_matter_of_providers() -> None:
    with pytest.raises(RuntimeError, match="no device"):
        open_with_best(_Runtime(broken=(CUDA, PROVIDERS[CPU])).open, [CUDA, PROVIDERS[CPU]])


def test_core_ml_is_asked_for_the_program_that_holds_more_operations() -> None:
    requests: list[Requested] = []

    def create(requested: Requested) -> _Session:
        requests.append(requested)
        return _Session([PROVIDERS["coreml"], PROVIDERS[CPU]])

    open_with_best(create, PROVIDERS.values(), "coreml")
    (((name, options), last),) = requests
    assert (name, options["ModelFormat"], last) == (PROVIDERS["coreml"], "MLProgram", PROVIDERS[CPU])


def test_only_directml_wants_runs_one_after_another() -> None:
    assert runs_one_at_a_time(_Session([DIRECTML, PROVIDERS[CPU]]))
    assert not runs_one_at_a_time(_Session([CUDA, PROVIDERS[CPU]]))
    assert not runs_one_at_a_time(_Session([PROVIDERS[CPU]]))
