"""Which of ONNX Runtime's execution providers runs a graph: the best one that is installed and really starts.

A provider that is listed may still fail (no device, a driver of another version), and a library of photos is
analysed by the processor then, only slower. Nothing here imports the runtime, so that the choice can be tested
with providers that this machine doesn't have.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from photos_engine.errors import ConfigError

log = logging.getLogger(__name__)

AUTO, CPU = "auto", "cpu"
# Best first; `AUTO` never looks beyond the processor. ONNX Runtime's own Core ML provider is part of every Mac's
# package, and knows no DequantizeLinear: of an int8 graph it takes the scraps between the products and makes it
# slower. It is there for float graphs and for who asks; a Mac's better way is `sessions.coreml`.
PROVIDERS: Mapping[str, str] = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    CPU: "CPUExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
_OPTIONS: Mapping[str, Mapping[str, str]] = {"coreml": {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL"}}
_ONE_RUN_AT_A_TIME = {PROVIDERS["directml"]}

Requested = Sequence[str | tuple[str, dict[str, str]]]


class ProviderSession(Protocol):
    """As much of `onnxruntime.InferenceSession` as the choice needs."""

    def get_providers(self) -> list[str]:
        """The providers that run the graph's nodes, the one that is asked first in front."""
        ...


Session = TypeVar("Session", bound=ProviderSession)


def rank_providers(available: Collection[str], wanted: str = AUTO) -> list[str]:
    """The settings' names of providers to try, best first; the processor always ends the list.

    available: as `onnxruntime.get_available_providers()` names them. wanted: a key of `PROVIDERS`, or `AUTO`.
    Raises: ConfigError for another name.
    """
    if wanted not in (AUTO, *PROVIDERS):
        raise ConfigError(f"provider must be one of {', '.join((AUTO, *PROVIDERS))}, not {wanted!r}")
    names = list(PROVIDERS)
    asked = names[: names.index(CPU)] if wanted == AUTO else [name for name in [wanted] if name != CPU]
    installed = [name for name in asked if PROVIDERS[name] in available]
    if wanted not in (AUTO, CPU, *installed):
        log.warning("the provider %s is not part of the installed ONNX Runtime; the processor takes its place", wanted)
    return [*installed, CPU]


def open_with_best(
    create: Callable[[Requested], Session],
    available: Collection[str],
    wanted: str = AUTO,
    foreign: tuple[type[Exception], ...] = (RuntimeError, ValueError),
) -> Session:
    """Open a session with the best provider that starts; why a better one did not is logged.

    create: opens a session with providers, and may raise `foreign`; what it raises for the processor alone
    is the graph's fault, and passes through. Raises: ConfigError for an unknown `wanted`.
    """
    *better, last = rank_providers(available, wanted)
    for name in better:
        try:
            session = create(_request(name))
        except foreign as error:
            log.warning("the provider %s can't open the model: %s", name, error)
            continue
        if PROVIDERS[name] in session.get_providers():
            log.info("the provider %s runs the model", name)
            return session
        log.warning("the provider %s didn't start", name)  # the runtime has put the processor in its place
    return create(_request(last))


def runs_one_at_a_time(session: ProviderSession) -> bool:
    """Whether a session's provider forbids forward passes in several threads at once."""
    return not _ONE_RUN_AT_A_TIME.isdisjoint(session.get_providers())


def _request(name: str) -> list[Any]:
    provider, options = PROVIDERS[name], dict(_OPTIONS.get(name, {}))
    first = (provider, options) if options else provider
    return [first] if name == CPU else [first, PROVIDERS[CPU]]
