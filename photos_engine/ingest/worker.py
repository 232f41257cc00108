"""The decoding process: `python -m photos_engine.ingest.worker`, started and fed by `isolation` alone.

Hostile files are opened here and nowhere else. The process gives up what it doesn't need before it reads
the first: it may not write files, reach others, start programs, dump core or grow beyond its memory
limit, and steps behind the program that it works for. It ends when its standard input does, and by
itself when a photo hangs it and nobody is left to notice.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import IO, Final

from photos_engine.errors import PhotoError
from photos_engine.ingest.confinement import confine
from photos_engine.ingest.decode import decode_photo
from photos_engine.ingest.readers import DecodeLimits
from photos_engine.ingest.wire import (
    TOO_MUCH_MEMORY,
    Header,
    WireError,
    error_to_header,
    photo_to_frame,
    read_frame,
    write_frame,
    zone_from_json,
)

_NICENESS: Final = 5
# A worker that has grown beyond this between photos is replaced: that returns its memory.
_MAX_RESIDENT_BYTES: Final = 200 * 2**20
_PAGE_BYTES: Final = 4096
_MAX_OPEN_FILES: Final = 64
_LOOK_EVERY_S: Final = 0.05


def main() -> None:
    """Answers requests from standard input on standard output until it ends."""
    requests = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115
    answers = open(os.dup(1), "wb", buffering=0)  # noqa: SIM115, PTH123
    os.dup2(2, 1)  # what foreign libraries print must not end up among the answers
    try:
        settings, _ = read_frame(requests)
        _give_up_rights(int(settings["memory_limit_bytes"]))
        write_frame(answers, {"ready": True})
        _serve(requests, answers, settings)
    except (WireError, OSError):  # the engine is gone
        return


def _serve(requests: IO[bytes], answers: IO[bytes], settings: Header) -> None:
    limits = DecodeLimits(**settings["limits"])
    zone = zone_from_json(settings["default_zone"])
    for _ in range(int(settings["photos"])):
        request, _payloads = read_frame(requests)
        _set_alarm(settings["timeout_s"] * 2 + 5)
        try:
            admitted = limits if request["alone"] else limits.among_others()
            photo = decode_photo(request["path"], request["sidecars"], limits=admitted, default_zone=zone)
            header, payloads = photo_to_frame(photo)
        except PhotoError as error:
            header, payloads = error_to_header(error), []
        is_last = _resident_bytes() > _MAX_RESIDENT_BYTES
        write_frame(answers, {**header, "last": is_last}, payloads)
        _set_alarm(0)
        if is_last:
            return


def _give_up_rights(memory_limit_bytes: int) -> None:
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the engine's to handle
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    if not _set_limits(memory_limit_bytes):
        watch_memory(memory_limit_bytes)
    confine()


def _set_limits(memory_limit_bytes: int) -> bool:
    """Let the system enforce what it can; whether it limits memory. Windows knows no limits, macOS not this one."""
    try:
        import resource
    except ImportError:
        return False
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_OPEN_FILES, _MAX_OPEN_FILES))
    if address_space := _statm(0):
        most = address_space + memory_limit_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    return bool(address_space)


def watch_memory(more_bytes: int) -> None:
    """End this process when it has grown by so much, where no system does: for honest decoders of huge pictures."""
    import psutil  # only there

    process = psutil.Process()
    most = process.memory_info().rss + more_bytes

    def watch() -> None:
        while process.memory_info().rss <= most:
            time.sleep(_LOOK_EVERY_S)
        os._exit(TOO_MUCH_MEMORY)

    threading.Thread(target=watch, daemon=True).start()


def _set_alarm(seconds: float) -> None:
    """Ends this process after so many seconds, even in the midst of foreign code; 0 calls it off."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _resident_bytes() -> int:
    return _statm(1)


def _statm(index: int) -> int:
    """Of this process in bytes: 0 its address space, 1 what is resident. 0 where the platform won't say."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123
            return int(file.read().split()[index]) * _PAGE_BYTES
    except OSError:
        return 0


if __name__ == "__main__":
    main()
    sys.exit(0)
