"""What may be shown: one policy for memories, featured photos and wallpapers, so that none of them leaks.

The analyzer says what a picture looks like; where its file came from says what it is for. Both are weighed
as log-odds: the head's logit plus one weight per fact, so that no single one decides alone, and every
weight that mattered is given back as a reason. The weights are judgements, not fits: each is argued where
it stands, in units where 2.2 turns even odds into 9 to 1 and 4.6 into 99 to 1.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import numpy as np

from photos_engine.types import (
    UTILITY_KINDS,
    AnalysedPhoto,
    Decision,
    FloatArray,
    Photo,
    QualitySignals,
    Reason,
    Snapshot,
)

UTILITY_THRESHOLD = 0.5
"""From which probability on a photo counts as utility content: where both mistakes cost the same."""


class Origin(StrEnum):
    """How a file came into the library, as its name and folders tell."""

    CAMERA = "camera"
    SCREENSHOT_NAME = "screenshot_name"
    SCREENSHOT_FOLDER = "screenshot_folder"
    SCAN = "scan"
    MESSENGER = "messenger"
    DOWNLOAD = "download"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class UtilityVerdict:
    """What a photo is for: `kind` is None below the threshold; `probability` is the likeliest kind's."""

    kind: str | None
    probability: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class QualityVerdict:
    """Whether the shot failed. It only ranks and withholds from shows; it never hides from the library."""

    is_spoiled: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a photo may be shown unasked; `reasons` say why not."""

    ok: bool
    reasons: tuple[Reason, ...]


# --- where a file came from ----------------------------------------------------------------------

# What the systems call these, lower case, in the languages that they ship in.
_SCREENSHOT_NAME = re.compile(
    "screen[ _]?shot|screencap|bildschirmfoto|capture d['’ ]?[eé]cran|captura de (?:pantalla|tela|ecrã)|schermata"
    "|istantanea schermo|schermaf(?:beelding|druk)|skjermbilde|skärm(?:bild|avbild)|skærmbillede|näyttökuva"
    "|zrzut ekranu|sním(?:ek|ka) obrazovky|képernyőfotó|képernyőkép|captură de ecran|ekran (?:resmi|görüntüsü|alıntısı)"
    "|снимок экрана|скриншот|знімок екрана|στιγμιότυπο|スクリーンショット|スクリーンキャプチャ|截屏|截图|截圖|螢幕快照"
    "|스크린샷|화면 캡처|لقطة شاشة|צילום מסך|स्क्रीनशॉट|ภาพหน้าจอ|ảnh chụp màn hình|tangkapan? (?:layar|skrin)"
    "|posnetek zaslona|snimka zaslona|ekrano (?:kopija|nuotrauka)|ekrānuzņēmums|kuvatõmmis|екранна снимка|снимак екрана"
    "|skjáskot|نماگرفت|skærmbilleder"
)
_FOLDER = re.compile(
    "(?P<screenshot_folder>screenshots?|screen captures|bildschirmfotos"
    "|captures d['’]écran|capturas de (?:pantalla|tela)|schermafbeeldingen|skärmbilder|zrzuty ekranu|снимки экрана"
    "|スクリーンショット|截屏|截图|螢幕截圖|스크린샷)"
    "|(?P<scan>scans?|scanned documents|camscanner|adobe scan|office lens|numérisations|gescannt|スキャン|扫描)"
    "|(?P<download>downloads?|téléchargements|descargas|transferências|scaricati|pobrane|hämtade filer|lataukset"
    "|letöltések|stažené soubory|unduhan|загрузки|завантаження|ダウンロード|下载|下載|다운로드|التنزيلات)"
    "|(?P<messenger>whatsapp(?: images)?|telegram(?: images| desktop)?|signal|messenger|viber|wechat|weixin|kakaotalk"
    "|line|snapchat|instagram|facebook|threema pictures|sent|discord|zalo|qq_images|twitter|tiktok)"
    "|(?P<backup>backups?|old phone|cop(?:y|ies)|duplicates|sicherung|kopie|sauvegarde|copia(?: de seguridad)?"
    "|резервная копия|バックアップ|备份)"
    r"|(?P<camera>dcim|camera(?: roll)?|\d{3}[a-z_]{5})"  # the last are DCF's: 100apple, 101canon
)
_CAMERA_NAME = re.compile(r"(img|dsc|dscn|dscf|dsc_|p|pict|pxl|mvimg|gopr|dji|cimg|_mg|_dsc)[_-]?\d{4,}")
_MESSENGER_NAME = re.compile(
    r"(img-\d{8}-wa\d{4}|whatsapp image |signal-\d{4}-|received_\d{6}|fb_img_\d{6}|photo_\d{4}-\d\d-\d\d_"
    r"|viber_image_|mmexport\d{6}|kakaotalk_|snapchat-\d{4}|line_\d{6}|\d+_\d{6,}_\d+_[on]$)"
)
_SCAN_NAME = re.compile(
    r"(?:scan|scanned|camscanner|adobe ?scan|genius ?scan|office ?lens|gescannt|escaneo|escanear|digitalização"
    r"|scansione|numérisation|skan|skanowanie|scannen|сканирование|скан|スキャン|扫描|掃描|스캔)(?:[\W\d_]|$)"
)


def read_origins(path: Path) -> frozenset[Origin]:
    """Say what a file's name and its three nearest folders tell about how it came into the library."""
    *folders, name = path.parts[-4:]
    name = _fold(name)
    stem = name.rpartition(".")[0] or name
    origins = {origin for origin in map(_folder_origin, folders) if origin}
    if _SCREENSHOT_NAME.search(stem):
        origins.add(Origin.SCREENSHOT_NAME)
    elif _MESSENGER_NAME.match(stem):
        origins.add(Origin.MESSENGER)
    elif _SCAN_NAME.match(stem):
        origins.add(Origin.SCAN)
    elif _CAMERA_NAME.match(stem):
        origins.add(Origin.CAMERA)
    return frozenset(origins)


@lru_cache(maxsize=4096)  # thousands of photos lie in the same few folders
def _folder_origin(name: str) -> Origin | None:
    match = _FOLDER.fullmatch(_fold(name))
    return Origin(match.lastgroup) if match and match.lastgroup else None


def _fold(text: str) -> str:
    # macOS writes names decomposed (e + accent); the words above are composed.
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).lower()


def has_camera_facts(photo: Photo) -> bool:
    """Whether a camera wrote into the file: its make, its model or an exposure."""
    facts = photo.facts
    return (facts.camera_make or facts.camera_model or facts.exposure_s or facts.f_number) is not None


# --- utility content -----------------------------------------------------------------------------

# Pixel sizes of the screens of common phones, tablets and computers, shorter side first.
_SCREENS = frozenset(
    {(640, 960), (640, 1136), (720, 1280), (720, 1520), (720, 1560), (720, 1600), (720, 1612), (750, 1334), (768, 1024)}
    | {(768, 1366), (800, 1280), (828, 1792), (900, 1440), (900, 1600), (1024, 1280), (1050, 1680), (1080, 1920)}
    | {(1080, 2160), (1080, 2220), (1080, 2240), (1080, 2246), (1080, 2280), (1080, 2310), (1080, 2316), (1080, 2340)}
    | {(1080, 2376), (1080, 2400), (1080, 2408), (1080, 2412), (1080, 2424), (1080, 2460), (1080, 2520), (1080, 2560)}
    | {(1125, 2436), (1170, 2532), (1179, 2556), (1206, 2622), (1200, 1920), (1220, 2712), (1242, 2208), (1242, 2688)}
    | {(1260, 2800), (1284, 2778), (1290, 2796), (1320, 2868), (1344, 2992), (1440, 2560), (1440, 2880), (1440, 2960)}
    | {(1440, 3040), (1440, 3088), (1440, 3120), (1440, 3168), (1440, 3200), (1440, 3216), (1440, 3440), (1488, 2266)}
    | {(1536, 2048), (1600, 2560), (1620, 2160), (1640, 2360), (1664, 2560), (1668, 2224), (1668, 2388), (1752, 2800)}
    | {(1800, 2880), (1848, 2960), (1864, 2880), (1964, 3024), (2048, 2732), (2160, 3840), (2234, 3456), (2880, 5120)}
)
_LOSSLESS = frozenset({"PNG", "BMP", "GIF"})
_HEAD_FLOOR = 0.002
"""The head is a linear layer fitted on some thousand pictures: below 1 in 500 its figures are no evidence."""
_LEAST_ODDS = math.log(_HEAD_FLOOR / (1.0 - _HEAD_FLOOR))


# What is written on is for reading; the scene tag of such a kind is a second opinion from the same embedding, half as
# good as an independent one would be, and worth nothing where no text is seen. Which kind it is, is the head's to say.
_TEXT, _WRITTEN_TAG = 1.0, 2.0
_NARROWER = 1.0
"""A receipt is a document as well, and the head may be sure of both: within these log-odds it is called the former."""
_WRITTEN_KINDS = frozenset({"receipt", "document", "handwriting", "whiteboard", "barcode"})


@dataclass(frozen=True, slots=True)
class _Evidence:
    text: str
    weights: Mapping[str, float]


_EVIDENCE: Mapping[str, _Evidence] = {
    # The systems name screenshots, people don't: it outweighs a head that sees only the photo in the screenshot.
    "screenshot_name": _Evidence("its file is named as a screenshot", {"screenshot": 8.0}),
    # People and apps also put other saved pictures there.
    "screenshot_folder": _Evidence("it lies in a folder for screenshots", {"screenshot": 6.0}),
    # Exactly a screen's pixels, lossless, and no camera: hardly anything else is all three.
    "screen_sized": _Evidence("it has exactly a screen's pixels and no camera's data", {"screenshot": 5.0}),
    # Android also saves screenshots as JPEG, but film stills and messenger pictures have these sizes too.
    "screen_sized_lossy": _Evidence("it has a screen's pixels and no camera's data", {"screenshot": 2.0}),
    "lossless": _Evidence("its format is one that cameras don't write", {"screenshot": 1.5, "meme": 0.5}),
    # Programs that edit or resize strip ordinary photos as well, so this alone is weak.
    "no_camera": _Evidence("no camera wrote into its file", {"screenshot": 0.5, "meme": 1.0}),
    "download": _Evidence("it was downloaded", {"meme": 2.5, "screenshot": 0.5, "document": 0.5, "barcode": 0.5}),
    # With neither camera, place, people nor a camera's or a messenger's name: of ten such files nine come from the web.
    # What memes look like says little against it, since many are photographs: only what hardly any looks like does.
    "from_the_web": _Evidence("nothing in it tells who took it", {"meme": 2.5}),
    "messenger": _Evidence("it came through a messenger", {"meme": 1.0, "screenshot": 0.5}),
    "scan": _Evidence("its file is named or filed as a scan", {"document": 5.0, "receipt": 1.0, "handwriting": 1.0}),
    # A camera can't take a screenshot, and memes lose their camera data on the way.
    "camera": _Evidence("a camera took it", {"screenshot": -5.0, "meme": -3.0}),
    "gps": _Evidence("it was taken at a known place", {"screenshot": -2.0, "meme": -1.5}),
    # Someone took the trouble to name who is in it.
    "people_named": _Evidence("people are named in it", dict.fromkeys(UTILITY_KINDS, -3.0)),
}


def assess_utility(item: AnalysedPhoto, *, explain: bool = True) -> UtilityVerdict:
    """Join the head's probability of each kind with the facts of the file; a person's decision is final.

    explain: else reasons are given for utility content alone, in half of the time.
    """
    if Decision.NOT_UTILITY in item.photo.decisions:
        return UtilityVerdict(None, 0.0, (Reason("decided_not_utility", -1.0, "You said that it serves no purpose."),))
    odds = dict.fromkeys(UTILITY_KINDS, _LEAST_ODDS)
    odds |= {kind: _logit(seen) for kind, seen in item.utility.items() if seen > _HEAD_FLOOR and kind in odds}
    facts = _utility_facts(item.photo)
    for fact in facts:
        for kind, weight in _EVIDENCE[fact].weights.items():
            odds[kind] += weight
    written = _weigh_writing(item.tags)
    for kind, weight in (*written.items(), *item.own_odds.items()):
        odds[kind] += weight
    kind = max(odds, key=odds.__getitem__)
    probability = 1.0 / (1.0 + math.exp(-odds[kind]))
    ahead = odds[kind] - odds["receipt"]
    is_narrower = kind == "document" and ahead <= _NARROWER and odds["receipt"] >= 0.0
    kind = "receipt" if is_narrower else kind
    if probability < UTILITY_THRESHOLD and not explain:
        return UtilityVerdict(None, probability, ())
    seen = item.utility.get(kind, 0.0)
    reasons = [Reason("seen", _logit(seen), f"It looks like {describe_kind(kind)} with a probability of {seen:.0%}.")]
    reasons += [
        Reason(fact, _EVIDENCE[fact].weights[kind], f"{_EVIDENCE[fact].text.capitalize()}.")
        for fact in facts
        if kind in _EVIDENCE[fact].weights
    ]
    if kind in written:
        reasons.append(Reason("written", written[kind], "It is written on."))
    if is_narrower:
        reasons.append(Reason("narrower", ahead, "A receipt is a document, too."))
    if kind in item.own_odds:
        reasons.append(Reason("own_filter", item.own_odds[kind], "You took others like it out."))
    reasons.sort(key=lambda reason: -abs(reason.weight))
    return UtilityVerdict(kind if probability >= UTILITY_THRESHOLD else None, probability, tuple(reasons))


_LIKE_ONE, _LIKE_ANY = 0.95, 0.8
"""Cosines of ansa-2's embeddings: pages of one layout lie above the first, any two receipts about the second."""
_OPEN_MIND = 0.05
"""How much of a picture just like it a person must have taken out for the odds to halve. One such picture turns
95 % into 48 %, five into 16 %: enough for what was doubtful, too little against a file that is named a screenshot."""


def apply_own_filter(snapshot: Snapshot) -> Snapshot:
    """Let a photo lose odds of being utility content where the person took out others of its kind that look like it.

    Learned from "not utility" decisions alone, each time anew, so taking one back takes back what it taught.
    """
    taught = [row for row, item in enumerate(snapshot.photos) if Decision.NOT_UTILITY in item.photo.decisions]
    lessons = [snapshot.photos[row] for row in taught]
    photos = tuple(apply_lessons(snapshot.photos, snapshot.embeddings, lessons, snapshot.embeddings[taught]))
    return replace(snapshot, photos=photos) if taught else snapshot


def apply_lessons(
    items: Sequence[AnalysedPhoto], embeddings: FloatArray, lessons: Sequence[AnalysedPhoto], taught: FloatArray
) -> list[AnalysedPhoto]:
    """Some photos with the odds that the lessons, photos which the person took out, leave them.

    embeddings (n, 512), taught (m, 512): row by row of the photos and of the lessons.
    """
    if not lessons:
        return list(items)
    kinds = [max(UTILITY_KINDS, key=lambda kind: lesson.utility.get(kind, 0.0)) for lesson in lessons]
    like = np.clip((embeddings @ taught.T - _LIKE_ANY) / (_LIKE_ONE - _LIKE_ANY), 0, 1)
    likeness = {kind: like[:, [k == kind for k in kinds]].sum(axis=1) for kind in set(kinds)}
    odds = {kind: -np.log1p(shares / _OPEN_MIND) for kind, shares in likeness.items()}
    return [
        replace(item, own_odds={kind: float(row[n]) for kind, row in odds.items() if row[n] < 0})
        for n, item in enumerate(items)
    ]


def describe_kind(kind: str) -> str:
    """Name a kind of utility content with its article, for sentences."""
    words = kind.replace("_", " ")
    return words if kind == "handwriting" else f"a {words}"


def _weigh_writing(tags: Mapping[str, float]) -> dict[str, float]:
    if not (text := tags.get("text", 0.0)):
        return {}
    return dict.fromkeys(_WRITTEN_KINDS, text * (_TEXT + _WRITTEN_TAG * _surest(tags, _WRITTEN_KINDS)))


def _logit(probability: float) -> float:
    if probability <= _HEAD_FLOOR:
        return _LEAST_ODDS
    clipped = min(probability, 1.0 - _HEAD_FLOOR)
    return math.log(clipped / (1.0 - clipped))


def _utility_facts(photo: Photo) -> list[str]:
    origins = frozenset[Origin]().union(*map(read_origins, photo.paths))
    facts = [
        origin.value
        for origin in (Origin.SCREENSHOT_NAME, Origin.SCREENSHOT_FOLDER, Origin.SCAN, Origin.MESSENGER, Origin.DOWNLOAD)
        if origin in origins
    ]
    if has_camera_facts(photo):
        facts.append("camera")
    else:
        if Origin.MESSENGER not in origins:  # which take the camera's data out of everything
            facts.append("no_camera")
        is_lossless = photo.format in _LOSSLESS
        if is_lossless:
            facts.append("lossless")
        if (min(photo.width_px, photo.height_px), max(photo.width_px, photo.height_px)) in _SCREENS:
            facts.append("screen_sized" if is_lossless else "screen_sized_lossy")
    if photo.facts.gps is not None:
        facts.append("gps")
    if photo.facts.people:
        facts.append("people_named")
    is_known = origins & {Origin.CAMERA, Origin.MESSENGER} or {"camera", "gps", "people_named"} & set(facts)
    if Origin.DOWNLOAD in origins and not is_known:
        facts.append("from_the_web")
    return facts


# --- spoiled shots -------------------------------------------------------------------------------

_SHARP_ENOUGH, _SHARP = 0.25, 0.45
"""The quality head falls by e for each grade of harm: 0.25 is a blur of a hundredth of the longer side. No good picture
of a scripted life lies below the second, which counts where nothing pleases in it either."""
_NEVER_SHARP = 0.15
"""Below this nothing is left to see, however soft the scene is by nature."""
_DARK, _BRIGHT, _BURNT, _WHITE = 0.3, 0.67, 0.6, 0.25
"""Brightness, 0.5 being as meant, and what exposure a bright picture has left where it is burnt out, and where it is
whatever it shows: things on white have more."""
_UNLIT = 0.35
"""Exposure of a dark picture below which no light fell on anything in it, so that it is no night scene either: one of
1,419 good held-out pictures lies below, and all that were darkened to an eighth."""
_PLEASES_DARK, _PLEASES_BRIGHT, _PLEASES = 0.2, 0.15, 0.1
"""Aesthetics from which on a dark, a bright, a soft picture is worth looking at as it is. With the brightness this
finds 26 of 29 held-out pictures darkened by two stops or more, 23 of 29 overexposed ones, and 3 of 2,491 good ones."""
_EXPOSED_ENOUGH = 0.45
"""Of a model that tells neither brightness nor aesthetics."""
_A_PICTURE = 0.2
"""Overall quality below which nothing is left: of 36 shots of a pocket, of a covered lens and of the floor in passing
25 lie below (all but floors), of 753 good pictures of a scripted life none. A blurred scene may, too, so what is
seen in it is asked as well."""
_PLAIN = 0.05
"""Aesthetics below which a picture of nothing counts as an accident, whatever its quality: of 87 such shots 80 are."""
_SAYS_NOTHING = ("text", "outdoors", "indoors", "room", "nature", "sky", "night", "rain")
_SEEN = 0.6  # a tag from which on something is in the picture; of what nobody meant to take text is seen, and lamps
_LONG_EXPOSURE_S = 0.5
"""Nobody holds a camera still for that long by accident: traffic trails, water, stars."""

# Tags of scenes that are dark or soft by nature.
_DARK_SCENES = frozenset(
    {
        *("night", "night_city", "twilight", "starry_sky", "moon", "northern_lights", "sunset", "silhouette", "cave"),
        *("fireworks", "lightning", "candle", "campfire", "fireplace", "christmas_lights", "halloween", "aquarium"),
        *("concert", "stage_show", "theater", "nightclub", "performer"),
    }
)
_SOFT_SCENES = frozenset(
    {
        *("sunset", "sunrise", "twilight", "starry_sky", "northern_lights", "fog", "lightning", "fireworks"),
        *("waterfall", "underwater", "motorsport"),
    }
)


def assess_quality(item: AnalysedPhoto) -> QualityVerdict:
    """Say whether the shot failed: blurred, so dark or burnt-out that little is left, or taken by accident.

    What makes a scene dark or soft by nature (night, fog, a long exposure) lowers the demand in proportion to how
    sure that is; a favourite or a well rated photo has not failed, whatever it looks like.
    """
    photo, quality = item.photo, item.quality
    reasons = []
    is_long = (photo.facts.exposure_s or 0.0) >= _LONG_EXPOSURE_S
    enough = _SHARP if item.aesthetics is not None and item.aesthetics < _PLEASES else _SHARP_ENOUGH
    if quality.sharpness < enough:
        demand = max(_NEVER_SHARP, enough * (1.0 - _surest(item.tags, _SOFT_SCENES)))
        if not is_long and quality.sharpness < demand:
            reasons.append(Reason("blurred", quality.sharpness - enough, "It is blurred."))
    if _is_badly_lit(item):
        reasons.append(_name_exposure(quality))
    if not is_long and _shows_nothing(item):
        text = "It was taken by accident: nothing is to be seen in it."
        reasons.append(Reason("accidental", min(-0.01, quality.overall - _A_PICTURE), text))
    if reasons and (photo.is_favourite or (photo.facts.rating or 0) >= 3):
        return QualityVerdict(False, (Reason("chosen", 1.0, "You marked it as good."),))
    return QualityVerdict(bool(reasons), tuple(reasons))


def _is_badly_lit(item: AnalysedPhoto) -> bool:
    """Whether it is so dark or so bright that little is left; dark scenes may be dark."""
    quality, pleases = item.quality, item.aesthetics
    is_dark_by_nature = _surest(item.tags, _DARK_SCENES)
    if quality.brightness is None or pleases is None:
        return quality.exposure < _EXPOSED_ENOUGH * (1.0 - is_dark_by_nature)
    if quality.brightness < 0.5 and quality.exposure < _UNLIT:
        return True
    if quality.brightness < _DARK:
        return pleases < _PLEASES_DARK * (1.0 - is_dark_by_nature)
    left = _BURNT if pleases < _PLEASES_BRIGHT else _WHITE
    return quality.brightness > _BRIGHT and quality.exposure < left


def _name_exposure(quality: QualitySignals) -> Reason:
    if quality.brightness is None:
        return Reason("badly_exposed", quality.exposure - _EXPOSED_ENOUGH, "It is too dark or too bright.")
    weight = -2.0 * abs(quality.brightness - 0.5)
    is_dark = quality.brightness < 0.5
    return Reason("dark", weight, "It is too dark.") if is_dark else Reason("burnt_out", weight, "It is burnt out.")


def _shows_nothing(item: AnalysedPhoto) -> bool:
    """Whether it is of the inside of a pocket, a covered lens, the floor: poor, with nothing and nobody in it.

    A page is poor and full of text, so what has a use is none.
    """
    is_poor = item.quality.overall < _A_PICTURE or (item.aesthetics is not None and item.aesthetics < _PLAIN)
    is_seen = any(p >= _SEEN for tag, p in item.tags.items() if tag not in _SAYS_NOTHING)
    is_somebody_there = bool(item.objects or item.photo.facts.people)
    return is_poor and not is_seen and not is_somebody_there and assess_utility(item, explain=False).kind is None


def _surest(tags: Mapping[str, float], names: frozenset[str]) -> float:
    return max(map(tags.__getitem__, names & tags.keys()), default=0.0)


# --- the one policy ------------------------------------------------------------------------------


def is_showable(
    item: AnalysedPhoto, utility: UtilityVerdict | None = None, quality: QualityVerdict | None = None
) -> Verdict:
    """Say whether a photo may be shown unasked, in memories, featured photos and wallpapers alike.

    Not what was hidden, featured less or rejected by a person, not utility content, not spoiled shots, and
    of files that show the same or frames of one burst only the keeper. utility, quality: where they are at hand.
    """
    photo, reasons = item.photo, list[Reason]()
    if photo.is_hidden:
        reasons.append(Reason("hidden", -1.0, "You hid it."))
    if Decision.FEATURE_LESS in photo.decisions:
        reasons.append(Reason("feature_less", -1.0, "You wanted to see less of it."))
    if photo.facts.rating == -1:
        reasons.append(Reason("rejected", -1.0, "Its metadata mark it as rejected."))
    if item.stack is not None and not item.is_keeper:
        reasons.append(Reason(f"not_keeper_{item.stack.kind}", -1.0, "A better one shows the same."))
    utility = utility or assess_utility(item)
    if utility.kind is not None:
        reasons.append(Reason(f"utility_{utility.kind}", -utility.probability, f"It is {describe_kind(utility.kind)}."))
    quality = quality or assess_quality(item)
    if quality.is_spoiled:
        reasons += quality.reasons
    return Verdict(not reasons, tuple(reasons))
