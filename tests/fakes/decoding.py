"""A decode pool without processes, for tests in which isolation is not at stake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from photos_engine.errors import PhotoError
from photos_engine.ingest import DecodeLimits, DecodeRequest, decode_photo
from photos_engine.types import DecodedPhoto


class InProcessPool:
    """`DecodePool`, in the caller's own process: it starts at once and protects from nothing."""

    def __init__(self, *_: Any, limits: DecodeLimits | None = None, **__: Any) -> None:
        self._limits = limits or DecodeLimits()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def decode(
        self, requests: Iterable[DecodeRequest], *, look_ahead: int = 24
    ) -> Iterator[tuple[DecodeRequest, DecodedPhoto | PhotoError]]:
        for request in requests:
            try:
                yield request, self.decode_one(request)
            except PhotoError as error:
                yield request, error

    def decode_one(self, request: DecodeRequest) -> DecodedPhoto:
        return decode_photo(request.path, sidecars=request.sidecars, limits=self._limits)
