"""Photos for the wall behind everything: wide, calm, large enough for the screen, with the cut to make."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterator
from datetime import date, time

import numpy as np

from photos_engine.curation import is_showable
from photos_engine.framing import FACE, Frame, find_frames, share_inside, things_of
from photos_engine.horizon import Horizon
from photos_engine.models.detection import area
from photos_engine.selection import choose_varied, spread
from photos_engine.types import AnalysedPhoto, FloatArray, Photo, Reason, Snapshot, Wallpaper
from photos_engine.worth import rate_looks

# How well a tag's scene serves as a background, 0 to 1: wide views of nature first, then built ones.
_SCENERY = {
    **dict.fromkeys(("landscape", "mountain", "snowy_mountain", "coast", "beach", "sea", "lake", "island"), 1.0),
    **dict.fromkeys(("starry_sky", "northern_lights", "glacier", "canyon", "desert", "waterfall", "volcano"), 1.0),
    **dict.fromkeys(("sunset", "sunrise", "twilight", "rainbow", "sky", "forest", "flower_field", "wave", "bay"), 0.9),
    **dict.fromkeys(("field", "open_country", "river", "hill", "cliff", "autumn_leaves", "cherry_blossom"), 0.8),
    **dict.fromkeys(("snow", "fog", "skyline", "night_city", "bridge", "lighthouse", "castle", "palm_tree"), 0.7),
    **dict.fromkeys(("garden", "park", "flower", "village", "harbor", "tree", "tower", "temple", "pond"), 0.5),
    **dict.fromkeys(("pet", "bird", "butterfly", "hot_air_balloon", "sailboat", "church", "water", "nature"), 0.4),
}
# What doesn't belong behind icons: things to read, and crowds.
_UNFIT = (
    *("text", "document", "receipt", "handwriting", "whiteboard", "barcode", "screenshot", "meme", "sign"),
    *("crowd", "conference", "trash", "parking_lot", "construction_site"),
)
_PEOPLE = ("person", "portrait", "selfie", "group", "family", "couple", "friends", "child", "baby", "team")
_SURE = 0.4  # from which probability on a tag counts here
_ENOUGH_SCENERY = 0.35
_KEPT, _KEPT_PEOPLE = 0.6, 0.85  # how much of what draws the eye must stay inside the crop
_NEAR = 0.02  # share of the frame from which on a person is in the picture and not far off
_CUT, _CUT_PEOPLE = 0.15, 0.05  # how much of it the crop's edges may pass through
_SLACK, _SLACK_THING = 0.05, 0.15  # of who is alive, of a thing: boxes are no outlines
_ALIVE = frozenset(
    {FACE, "person", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"}
)
_WITH_PEOPLE = 0.5  # of a scene's worth: a background is a view first, and people in it want to be looked at
_BUSY = 0.55
_LOOKED_AT = 12  # times the limit: how many of the most promising have their saliency read
_VARIED = 3  # times the limit: how many different ones the scenes, seasons and lights are chosen from
_LEVEL = 0.4  # how level the picture must have been held, where the model tells
_TILTED = 3.0  # degrees by which a horizon that is found may be off
_QUALITY, _SCENE, _CALM, _FIT, _TURN, _LIGHT, _LOSS = 0.3, 0.35, 0.2, 0.1, 0.05, 0.15, 0.2
_REPEAT = {"scene": 0.03, "season": 0.01, "light": 0.01, "colour": 0.02}
"""What each earlier choice with the same costs: a dozen beaches are one picture after a while."""
_LIGHTS = {
    "night": ("night", "night_city", "starry_sky", "moon", "northern_lights", "fireworks", "campfire", "candle"),
    "dusk": ("sunset", "sunrise", "twilight"),
}
_BY_DAY = 0.4  # brightness from which on it is, 0.5 being what was meant
_HOURS = ((6, "night"), (9, "dusk"), (17, "day"), (21, "dusk"), (24, "night"))  # until which hour


def suggest_wallpapers(
    snapshot: Snapshot,
    saliency: Callable[[Photo], FloatArray],
    *,
    screen: tuple[int, int],
    limit: int,
    on: date,
    at: time | None = None,
    hidden: Container[str] = (),
    colour: Callable[[Photo], str | None] = lambda _: None,
    horizon: Callable[[Photo], Horizon | None] = lambda _: None,
) -> tuple[Wallpaper, ...]:
    """Suggest up to `limit` wallpapers for a screen of (width, height) pixels, best first, varied, with the crop.

    Varied in scene, season, light and colour. at: a time of day; pictures in its light go first, and without one none
    does. hidden: ids of photos of people, places and days that the person hid. colour, horizon: say what colour a photo
    mostly is, and where its horizon lies.
    A photo that would have to be enlarged is left out, as are people and things cut in two, what is to be read, and
    pictures that are busy where the screen has its clock or icons. The order of equals changes from day to day.
    """
    promising = [
        (promise, row, item)
        for row, item in enumerate(snapshot.photos)
        if _is_large_enough(item.photo, screen)
        and (promise := _promise(item)) > 0
        and item.photo.id not in hidden
        and is_showable(item).ok
    ]
    promising.sort(key=lambda entry: (-entry[0], entry[2].photo.id))
    made: dict[str, Wallpaper] = {}
    rows = []
    for _, row, item in promising[: _LOOKED_AT * limit]:
        wallpaper = _make(item, saliency(item.photo), horizon(item.photo), screen, on, at)
        if wallpaper is not None:
            made[item.photo.id] = wallpaper
            rows.append(row)
    items = [snapshot.photos[row] for row in rows]
    worths = [made[item.photo.id].score for item in items]
    choice = choose_varied(items, snapshot.embeddings[np.array(rows, dtype=np.int64)], _VARIED * limit, worths)
    varied = [made[item.photo.id] for item in choice.chosen]
    facets = [[*_facets(item), ("colour", colour(item.photo))] for item in choice.chosen]
    chosen = (varied[row] for row in spread([wallpaper.score for wallpaper in varied], facets, _REPEAT, limit))
    return tuple(sorted(chosen, key=lambda wallpaper: (-wallpaper.score, wallpaper.photo.id)))


def _is_large_enough(photo: Photo, screen: tuple[int, int]) -> bool:
    return photo.width_px >= screen[0] and photo.height_px >= screen[1]


def _promise(item: AnalysedPhoto) -> float:
    """What a photo promises before its composition is looked at; 0 where it is unfit."""
    if any(item.tags.get(tag, 0.0) >= _SURE for tag in _UNFIT):
        return 0.0
    scenery = _scenery(item)
    return _QUALITY * rate_looks(item) + _SCENE * scenery if scenery >= _ENOUGH_SCENERY else 0.0


def _scenery(item: AnalysedPhoto) -> float:
    scene = max((_SCENERY[tag] * p for tag, p in item.tags.items() if tag in _SCENERY), default=0.0)
    return scene * (_WITH_PEOPLE if _shows_people(item) else 1.0)


def _shows_people(item: AnalysedPhoto) -> bool:
    """Named, told by a tag, or found; figures far off in a view don't count."""
    return (
        bool(item.photo.facts.people)
        or any(item.tags.get(tag, 0.0) >= _SURE for tag in _PEOPLE)
        or any(thing.label == "person" and area(thing.box) >= _NEAR for thing in item.objects)
    )


def _facets(item: AnalysedPhoto) -> Iterator[tuple[str, object]]:
    yield "scene", max(_SCENERY, key=lambda tag: _SCENERY[tag] * item.tags.get(tag, 0.0))
    yield "season", _season(item.photo)
    yield "light", _light_of(item)


def _season(photo: Photo) -> int:
    """The quarter of the year, from December on; on the southern half it is half a year ahead."""
    is_south = photo.facts.gps is not None and photo.facts.gps.latitude < 0
    return (photo.taken.month + 6 * is_south) % 12 // 3


def _light_of(item: AnalysedPhoto) -> str:
    """Night, dusk or day: as it looks, otherwise as the clock says where it isn't bright.

    A room at night is as light as day, and a clock may be in another zone.
    """
    for light, names in _LIGHTS.items():
        if any(item.tags.get(tag, 0.0) >= _SURE for tag in names):
            return light
    brightness = item.quality.brightness
    is_bright = "indoors" in item.tags or (brightness is not None and brightness >= _BY_DAY)
    return _light_at(item.photo.taken.time()) if item.photo.is_dated and not is_bright else "day"


def _light_at(clock: time) -> str:
    return next(light for until, light in _HOURS if clock.hour < until)


def _make(
    item: AnalysedPhoto, saliency: FloatArray, horizon: Horizon | None, screen: tuple[int, int], on: date,
    at: time | None,
) -> Wallpaper | None:  # fmt: skip
    photo, level, size_px = item.photo, item.quality.level, (item.photo.width_px, item.photo.height_px)
    if level is not None and level < _LEVEL:
        return None
    if horizon is not None and abs(horizon.tilt_degrees(size_px)) > _TILTED:
        return None
    frame = find_frames(saliency, size_px, screen, things_of(photo.facts, item.objects), horizon)[0]
    kept, cut = (_KEPT_PEOPLE, _CUT_PEOPLE) if _shows_people(item) else (_KEPT, _CUT)
    calm = _calm(saliency, frame, is_upright=screen[1] > screen[0])
    if frame.kept < kept or frame.cut > cut or calm < 1 - _BUSY or _cuts_through(item, frame):
        return None
    turn = hashlib.blake2b(f"{on.isoformat()}/{photo.id}".encode(), digest_size=2).digest()
    scene = _scenery(item)
    reasons: tuple[Reason, ...] = (
        Reason("scene", _SCENE * scene, "It shows scenery that suits a background."),
        Reason("quality", _QUALITY * rate_looks(item), f"Its looks are {rate_looks(item):.2f} of 1."),
        Reason("calm", _CALM * calm, f"It is {calm:.0%} calm where the screen shows other things."),
        Reason("fit", _FIT * frame.kept, f"The crop keeps {frame.kept:.0%} of what draws the eye."),
        Reason("loss", -_LOSS * (1.0 - area(frame.box)), f"The crop is {area(frame.box):.0%} of the picture."),
        Reason("turn", _TURN * int.from_bytes(turn, "big") / 0xFFFF, "Every day has its own turn."),
    )
    if at is not None and (light := _light_at(at)) == _light_of(item):
        reasons = (*reasons, Reason("light", _LIGHT, f"It has the light of the {light}."))
    return Wallpaper(photo, round(min(1.0, max(0.0, sum(reason.weight for reason in reasons))), 4), frame.box, reasons)


def _calm(saliency: FloatArray, frame: Frame, *, is_upright: bool) -> float:
    """How little draws the eye where the screen has its own things, 0 to 1.

    Upright screens show a clock over the upper third; wide ones a dock or task bar along the bottom tenth.
    """
    rows, columns = saliency.shape
    left, top, right, bottom = frame.box
    reserved = (top, top + (bottom - top) / 3) if is_upright else (bottom - (bottom - top) / 10, bottom)
    first, last = int(reserved[0] * rows), max(int(reserved[0] * rows) + 1, round(reserved[1] * rows))
    west, east = int(left * columns), max(int(left * columns) + 1, round(right * columns))
    peak = float(saliency.max())
    return 1.0 - float(saliency[first:last, west:east].mean()) / peak if peak > 0 else 1.0


def _cuts_through(item: AnalysedPhoto, frame: Frame) -> bool:
    """Whether a named face, or somebody or something that isn't far off, is in the crop in part."""
    for thing in things_of(item.photo.facts, item.objects):
        if thing.label == FACE or area(thing.box) >= _NEAR:
            slack = _SLACK if thing.label in _ALIVE else _SLACK_THING
            if slack < share_inside(frame.box, [thing]) < 1.0 - slack:
                return True
    return False
