"""Decoding in processes of its own: a file that crashes, hangs or exhausts a decoder costs that one photo.

Image decoders are C code that reads strangers' bytes. Each worker is a plain subprocess (no
`multiprocessing`, whose children would run the embedding program's main module again) that talks over
pipes in the protocol of `wire`. One thread of the engine waits for each worker; decoding many photos is
as parallel as there are workers.
"""

from __future__ import annotations

import logging
import math
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import tzinfo
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from photos_engine.errors import DecodeError, ImageTooLarge, PhotoError, PhotosEngineError, UsageError
from photos_engine.ingest.decode import NEEDS_MORE_MEMORY
from photos_engine.ingest.readers import DecodeLimits
from photos_engine.ingest.wire import (
    TOO_MUCH_MEMORY,
    Header,
    WireError,
    error_from_header,
    photo_from_frame,
    read_frame,
    write_frame,
    zone_to_json,
)
from photos_engine.types import DecodedPhoto

logger = logging.getLogger(__name__)

_START_TIMEOUT_S: Final = 60.0
# A worker is replaced after so many photos, against what foreign code may leak.
_PHOTOS_PER_WORKER: Final = 2_000
_PIPE_BYTES: Final = 2**20  # what anybody may ask for
# One thread each: parallel photos beat parallel loops inside one.
_WORKER_ENVIRONMENT: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """A file to decode, with its sidecars, the most specific first."""

    path: Path
    sidecars: tuple[Path, ...] = ()


Decoded = DecodedPhoto | PhotoError
_Answer = tuple[DecodeRequest, Decoded | PhotosEngineError]


@dataclass(slots=True)
class _Run:
    """One call of `decode`: where its answers go, and whether anybody still wants them."""

    answers: queue.SimpleQueue[_Answer] = field(default_factory=queue.SimpleQueue)
    is_abandoned: bool = False


class DecodePool:
    """Decodes photos in `workers` isolated processes; start-up is lazy, `close` ends them.

    timeout_s: what one photo may take; beyond it its worker is killed and replaced.
    memory_limit_bytes: what a worker may allocate beyond its start. Linux enforces it; elsewhere a worker looks itself.
    default_zone: a ZoneInfo or fixed offset for photos that record no zone; None is the machine's.
    Safe to use from several threads at once.
    """

    def __init__(
        self,
        workers: int = 2,
        *,
        timeout_s: float = 30.0,
        memory_limit_bytes: int = 2**30,
        limits: DecodeLimits | None = None,
        default_zone: tzinfo | None = None,
    ) -> None:
        if workers < 1 or timeout_s <= 0 or memory_limit_bytes <= 0:
            raise UsageError("a pool needs at least one worker, and a time and memory limit above 0")
        settings = {
            "memory_limit_bytes": memory_limit_bytes,
            "timeout_s": timeout_s,
            "limits": asdict(limits or DecodeLimits()),
            "default_zone": zone_to_json(default_zone),
            "photos": _PHOTOS_PER_WORKER,
        }
        self._watch = _Watch()
        self._workers = [_Worker(settings, timeout_s, self._watch) for _ in range(workers)]
        self._turns = _Turns()
        self._jobs: queue.SimpleQueue[tuple[DecodeRequest, _Run] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def decode(
        self, requests: Iterable[DecodeRequest], *, look_ahead: int = 24
    ) -> Iterator[tuple[DecodeRequest, Decoded]]:
        """Yields each request with its photo or the reason why there is none, as they finish.

        `requests` is consumed in the caller's thread, at most `look_ahead` ahead of what was yielded;
        so much is decoded while the caller works on what it has got.

        Raises: PhotosEngineError when no decoding process can be started at all.
        """
        self._start()
        run = _Run()
        pending = 0
        try:
            for request in requests:
                self._jobs.put((request, run))
                pending += 1
                if pending >= look_ahead:
                    yield _unpacked(run.answers.get())
                    pending -= 1
            for _ in range(pending):
                yield _unpacked(run.answers.get())
        finally:
            run.is_abandoned = True

    def decode_one(self, request: DecodeRequest) -> DecodedPhoto:
        """Decodes a single photo. Raises: PhotoError."""
        ((_, decoded),) = self.decode([request])
        if isinstance(decoded, PhotoError):
            raise decoded
        return decoded

    def close(self) -> None:
        """Ends the workers, also in the midst of a photo; calling it again does nothing."""
        with self._lock:
            self._is_closed = True
            threads, self._threads = self._threads, []
        for _ in threads:
            self._jobs.put(None)
        for worker in self._workers:
            worker.stop()
        self._watch.close()
        for thread in threads:
            thread.join()
        for worker in self._workers:
            worker.clear_away()

    def _start(self) -> None:
        with self._lock:
            if self._is_closed:
                raise UsageError("the pool is closed")
            if not self._threads:
                self._threads = [
                    threading.Thread(target=self._feed, args=(worker,), name=f"decode-{number}", daemon=True)
                    for number, worker in enumerate(self._workers)
                ]
                self._threads.append(threading.Thread(target=self._watch.run, name="decode-watch", daemon=True))
                for thread in self._threads:
                    thread.start()

    def _feed(self, worker: _Worker) -> None:
        while (job := self._jobs.get()) is not None:
            request, run = job
            if run.is_abandoned:
                continue
            answer: Decoded | PhotosEngineError
            try:
                with self._turns.among_others():
                    answer = worker.decode(request)
                if isinstance(answer, ImageTooLarge):
                    with self._turns.alone():
                        answer = worker.decode(request, alone=True)
            except PhotosEngineError as error:
                answer = error
            run.answers.put((request, answer))


def _unpacked(answer: _Answer) -> tuple[DecodeRequest, Decoded]:
    request, decoded = answer
    if isinstance(decoded, DecodedPhoto | PhotoError):
        return request, decoded
    raise decoded


class _Worker:
    """One decoding process and its successors; used by one thread, stopped from any."""

    def __init__(self, settings: Header, timeout_s: float, watch: _Watch) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._watch = watch
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._served = 0
        self._is_stopped = False

    def decode(self, request: DecodeRequest, *, alone: bool = False) -> Decoded:
        """One photo's answer, whatever becomes of the process. Raises: PhotosEngineError if none starts.

        alone: no other photo is being decoded, so that this one may be big.
        """
        path = os.fspath(request.path)
        process = self._process
        if process is not None and process.poll() is not None:  # killed while idle: no photo's fault
            self._discard(process)
            process = None
        process = process or self._start()
        deadline = self._watch.begin(process, self._timeout_s)
        try:
            sidecars = [os.fspath(sidecar) for sidecar in request.sidecars]
            _send(process, {"path": path, "sidecars": sidecars, "alone": alone})
            header, payloads = _receive(process)
            answer = photo_from_frame(header, payloads) if "photo" in header else error_from_header(header, path)
        except (WireError, OSError) as error:
            self._watch.call_off(deadline)
            return self._bury(path, process, error, deadline)
        self._served += 1
        if not self._watch.call_off(deadline) or header.get("last") is True or self._served >= _PHOTOS_PER_WORKER:
            self._discard(process)
        return answer

    def stop(self) -> None:
        """Ends the process and starts no other."""
        with self._lock:
            self._is_stopped = True
            if self._process is not None:
                self._process.kill()

    def clear_away(self) -> None:
        """Takes in what `stop` left of the process; once its thread has ended."""
        if self._process is not None:
            self._discard(self._process)

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_stopped:
                raise UsageError("the pool is closed")
            try:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "photos_engine.ingest.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    bufsize=0,
                    env=_environment(),
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
            except OSError as error:
                raise PhotosEngineError(f"a decoding process can't be started: {error}") from error
            _widen(process)
            self._process, self._served = process, 0
        deadline = self._watch.begin(process, _START_TIMEOUT_S)
        try:
            _send(process, self._settings)
            _receive(process)
        except (WireError, OSError) as error:
            self._discard(process)
            raise PhotosEngineError(f"a decoding process ended while starting (status {process.returncode})") from error
        finally:
            self._watch.call_off(deadline)
        return process

    def _bury(self, path: str, process: subprocess.Popen[bytes], error: Exception, deadline: _Deadline) -> PhotoError:
        """Ends a process that failed, and says why for a person."""
        if not deadline.has_struck and isinstance(error, WireError):
            try:
                process.wait(1)  # it may be dying still: its own signal says more than ours would
            except subprocess.TimeoutExpired:
                logger.warning("a decoding process sent rubbish and is replaced: %s", error)
        status = process.poll()
        self._discard(process)
        if deadline.has_struck:
            return DecodeError(path, f"decoding took longer than {self._timeout_s:g} s")
        if status == TOO_MUCH_MEMORY:
            return ImageTooLarge(path, NEEDS_MORE_MEMORY)
        how = f" (signal {-status})" if status is not None and status < 0 else ""
        return DecodeError(path, f"the decoder crashed{how}")

    def _discard(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._process = None
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


class _Turns:
    """Photos are decoded beside others, or alone: what is too big for the one has its turn without them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside, self._waiting = 0, 0
        self._is_taken = False

    @contextmanager
    def among_others(self) -> Iterator[None]:
        """Not while one is alone, or is waiting for the others to end."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._is_taken or self._waiting))
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """When all others have ended."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: not (self._is_taken or self._inside))
            self._waiting -= 1
            self._is_taken = True
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()


@dataclass(eq=False, slots=True)
class _Deadline:
    """When a process is to be killed, unless that is called off before."""

    process: subprocess.Popen[bytes]
    due: float
    has_struck: bool = False


class _Watch:
    """Kills the processes of a pool whose time is up, by one thread that sleeps until the next deadline."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._deadlines: set[_Deadline] = set()
        self._next_look = math.inf
        self._is_closed = False

    def begin(self, process: subprocess.Popen[bytes], seconds: float) -> _Deadline:
        """Let a process live for so long."""
        deadline = _Deadline(process, time.monotonic() + seconds)
        with self._changed:
            self._deadlines.add(deadline)
            if deadline.due < self._next_look:
                self._changed.notify()
        return deadline

    def call_off(self, deadline: _Deadline) -> bool:
        """Whether the process was left alive; when this returns, it won't be killed any more."""
        with self._changed:
            self._deadlines.discard(deadline)
            return not deadline.has_struck

    def run(self) -> None:
        """What the thread does, until `close`."""
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                for deadline in [deadline for deadline in self._deadlines if deadline.due <= now]:
                    self._deadlines.remove(deadline)
                    deadline.has_struck = True
                    deadline.process.kill()
                self._next_look = min((deadline.due for deadline in self._deadlines), default=math.inf)
                self._changed.wait(None if self._next_look == math.inf else self._next_look - now)

    def close(self) -> None:
        """Let the thread end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()


def _widen(process: subprocess.Popen[bytes]) -> None:
    """Lets a whole picture fit into the pipe, so that the process needn't wait for its reader."""
    if sys.platform == "linux" and process.stdout is not None:
        import fcntl

        with suppress(OSError):  # the system grants each user so much for pipes; it works with less
            fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _send(process: subprocess.Popen[bytes], header: Header) -> None:
    assert process.stdin is not None  # as it was started
    write_frame(process.stdin, header)


def _receive(process: subprocess.Popen[bytes]) -> tuple[Header, list[bytearray]]:
    assert process.stdout is not None  # as it was started
    return read_frame(process.stdout)


def _environment() -> dict[str, str]:
    """The engine's own, so that the worker finds the same modules, and never ones in the current folder."""
    search_path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**os.environ, **_WORKER_ENVIRONMENT, "PYTHONPATH": search_path}
