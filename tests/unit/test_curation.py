import math
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.library import GOOD, SPOILED, Life
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine import curation
from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.curation import (
    Origin,
    apply_own_filter,
    assess_quality,
    assess_utility,
    is_showable,
    read_origins,
)
from photos_engine.types import UTILITY_KINDS, AnalysedPhoto, Decision, DetectedObject, QualitySignals, Stack

NOON = datetime(2024, 5, 1, 12)


def shoot(path: str = "DCIM/2024/05/IMG_01234.jpg", **facts: Any) -> AnalysedPhoto:
    return Life().shoot(NOON, path=path, **facts)


def seen(item: AnalysedPhoto, **probabilities: float) -> AnalysedPhoto:
    return replace(item, utility={**dict.fromkeys(UTILITY_KINDS, 0.001), **probabilities})


def codes(reasons: tuple[Any, ...]) -> set[str]:
    return {reason.code for reason in reasons}


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("/p/Pictures/Screenshots/Screenshot_20240501-101500.png", Origin.SCREENSHOT_NAME),
        ("/p/Pictures/Screenshots/1714551300.png", Origin.SCREENSHOT_FOLDER),
        ("/p/Screen Shot 2024-05-01 at 10.15.00.png", Origin.SCREENSHOT_NAME),
        ("/p/Bildschirmfoto 2024-05-01 um 10.15.00.png", Origin.SCREENSHOT_NAME),
        ("/p/Capture d’écran 2024-05-01 à 10.15.00.png", Origin.SCREENSHOT_NAME),
        ("/p/Capture d'e\u0301cran 2024-05-01.png", Origin.SCREENSHOT_NAME),  # decomposed, as macOS writes it
        ("/p/Captura de pantalla 2024-05-01.png", Origin.SCREENSHOT_NAME),
        ("/p/スクリーンショット 2024-05-01 10.15.00.png", Origin.SCREENSHOT_NAME),
        ("/p/Снимок экрана 2024-05-01.png", Origin.SCREENSHOT_NAME),
        ("/p/WhatsApp Images/IMG-20240501-WA0007.jpg", Origin.MESSENGER),
        ("/p/signal-2024-05-01-101500.jpg", Origin.MESSENGER),
        ("/p/Téléchargements/image.jpg", Origin.DOWNLOAD),
        ("/p/Download/image_12.jpg", Origin.DOWNLOAD),
        ("/p/Backup/old phone/IMG_01002.jpg", Origin.BACKUP),
        ("/p/DCIM/100APPLE/IMG_0001.JPG", Origin.CAMERA),
        ("/p/Scan_20240501.jpg", Origin.SCAN),
        ("/p/Сканирование 12.jpg", Origin.SCAN),
        ("/p/Office Lens/2024-05-01.jpg", Origin.SCAN),
        ("/p/Екранна снимка 1.png", Origin.SCREENSHOT_NAME),
        ("/p/Ekrano nuotrauka (3).png", Origin.SCREENSHOT_NAME),
        ("/p/zrzuty ekranu/1.png", Origin.SCREENSHOT_FOLDER),
    ],
)
def test_origins_are_read_from_names_and_folders(path: str, origin: Origin) -> None:
    assert origin in read_origins(Path(path))


@pytest.mark.parametrize("path", ["/p/Scandinavia/scandinavia 1.jpg", "/p/2024/Lisbon/tram.jpg", "/p/.jpg", "a"])
def test_ordinary_names_tell_nothing(path: str) -> None:
    assert read_origins(Path(path)) == frozenset()


def test_a_screenshots_name_outweighs_what_it_shows() -> None:
    item = seen(shoot("Pictures/Screenshots/Screenshot_20240501.png", camera=False, at=None), document=0.9)
    verdict = assess_utility(item)
    assert verdict.kind == "screenshot"
    assert verdict.probability > 0.95
    assert {"screenshot_name", "screenshot_folder"} <= codes(verdict.reasons)


def test_a_camera_takes_receipts_but_no_screenshots() -> None:
    assert assess_utility(seen(shoot(), receipt=0.9)).kind == "receipt"
    assert assess_utility(seen(shoot(), screenshot=0.9)).kind is None


def test_what_is_about_as_surely_a_receipt_as_a_document_is_a_receipt() -> None:
    verdict = assess_utility(seen(shoot(), receipt=0.985, document=0.99))
    assert verdict.kind == "receipt"
    assert verdict.probability == pytest.approx(0.99)
    assert "narrower" in codes(verdict.reasons)
    assert sum(reason.weight for reason in verdict.reasons) == pytest.approx(math.log(99), abs=1e-3)
    assert assess_utility(seen(shoot(), receipt=0.9, document=0.99)).kind == "document"
    assert assess_utility(seen(shoot(), receipt=0.45, document=0.55)).kind == "document"


def test_a_screen_sized_png_without_a_camera_is_a_screenshot() -> None:
    item = seen(shoot("a/1.png", camera=False, at=None, size=(1170, 2532)), screenshot=0.05)
    lossless = replace(item, photo=replace(item.photo, format="PNG"))
    assert assess_utility(lossless).kind == "screenshot"
    assert assess_utility(item).probability < assess_utility(lossless).probability
    other_size = replace(lossless, photo=replace(lossless.photo, width_px=1171))
    assert assess_utility(other_size).kind is None


def test_a_download_is_a_meme_where_it_looks_a_little_like_one() -> None:
    download = shoot("Download/image_12.jpg", camera=False, at=None)
    assert assess_utility(seen(download, meme=0.2)).kind == "meme"
    assert assess_utility(seen(download, meme=0.002)).kind is None
    assert assess_utility(seen(shoot(), meme=0.2)).kind is None


def test_a_persons_word_is_final() -> None:
    item = seen(shoot(decisions=[Decision.NOT_UTILITY]), receipt=0.999)
    verdict = assess_utility(item)
    assert (verdict.kind, verdict.probability) == (None, 0.0)
    assert codes(verdict.reasons) == {"decided_not_utility"}


@settings(deadline=None)
@given(st.fixed_dictionaries({kind: st.floats(0, 1) for kind in UTILITY_KINDS}), st.sampled_from(UTILITY_KINDS))
def test_more_likeness_never_makes_utility_less_probable(utility: dict[str, float], kind: str) -> None:
    item = replace(shoot(), utility=utility)
    more = replace(item, utility={**utility, kind: 1.0})
    verdict = assess_utility(item)
    assert 0 <= verdict.probability <= assess_utility(more).probability <= 1
    assert (verdict.kind is not None) == (verdict.probability >= 0.5)
    assert verdict.reasons


def test_reasons_add_up_to_the_probability() -> None:
    verdict = assess_utility(seen(shoot("Download/image_12.jpg", camera=False, at=None), meme=0.2))
    odds = sum(reason.weight for reason in verdict.reasons)
    assert verdict.probability == pytest.approx(1 / (1 + 2.718281828**-odds))


def test_blurred_and_dark_shots_are_spoiled() -> None:
    assert codes(assess_quality(shoot(quality=replace(GOOD, sharpness=0.02))).reasons) == {"blurred"}
    assert codes(assess_quality(shoot(quality=replace(GOOD, exposure=0.02))).reasons) == {"badly_exposed"}
    assert not assess_quality(shoot()).is_spoiled


@pytest.mark.parametrize("tag", ["night", "fireworks", "concert"])
def test_what_is_dark_by_nature_is_not_thrown_out(tag: str) -> None:
    dark = shoot(quality=replace(GOOD, exposure=0.05))
    assert assess_quality(dark).is_spoiled
    assert not assess_quality(replace(dark, tags={tag: 0.9})).is_spoiled
    assert assess_quality(replace(dark, tags={tag: 0.1})).is_spoiled


def test_a_long_exposure_is_soft_on_purpose() -> None:
    soft = shoot(quality=replace(GOOD, sharpness=0.05))
    long = replace(soft, photo=replace(soft.photo, facts=replace(soft.photo.facts, exposure_s=4.0)))
    assert assess_quality(soft).is_spoiled
    assert not assess_quality(long).is_spoiled


@pytest.mark.parametrize("tag", ["motorsport", "waterfall", "fog"])
def test_what_is_soft_on_purpose_is_not_thrown_out(tag: str) -> None:
    soft = shoot(quality=replace(GOOD, sharpness=0.2))
    assert assess_quality(soft).is_spoiled
    assert not assess_quality(replace(soft, tags={tag: 0.9})).is_spoiled


def test_pockets_and_covered_lenses_are_accidents() -> None:
    # As the analyzer sees them: nothing is blurred or badly exposed where there is nothing.
    pocket = shoot(quality=QualitySignals(1.0, 0.6, 0.1, 0.03), tags=["text"])
    assert codes(assess_quality(pocket).reasons) == {"accidental"}
    assert not assess_quality(replace(pocket, quality=GOOD)).is_spoiled
    assert codes(assess_quality(replace(pocket, quality=GOOD, aesthetics=0.01)).reasons) == {"accidental"}


@pytest.mark.parametrize(
    "facts",
    [
        {"tags": ["starry_sky"]},  # something is seen
        {"tags": ["text"], "objects": [DetectedObject("person", (0.1, 0.1, 0.2, 0.3), 0.9)]},
        {"tags": ["text"], "people": ["Ada"]},
        {"tags": ["text"], "utility": "document"},
        {"tags": ["text"], "decisions": [Decision.FAVOURITE]},
    ],
)
def test_what_shows_something_is_no_accident(facts: dict[str, Any]) -> None:
    assert "accidental" not in codes(
        assess_quality(shoot(quality=QualitySignals(1.0, 0.6, 0.1, 0.03), **facts)).reasons
    )


def test_a_long_exposure_is_no_accident() -> None:
    dark = shoot(quality=QualitySignals(1.0, 0.6, 0.1, 0.03), tags=[])
    long = replace(dark, photo=replace(dark.photo, facts=replace(dark.photo.facts, exposure_s=20.0)))
    assert assess_quality(dark).is_spoiled
    assert not assess_quality(long).is_spoiled


@pytest.mark.parametrize(
    ("brightness", "exposure", "aesthetics", "tags", "code"),
    [
        (0.15, 0.95, 0.05, {}, "dark"),
        (0.15, 0.95, 0.60, {}, None),  # dark, and a pleasure to look at
        (0.15, 0.95, 0.10, {"night": 0.9}, None),
        (0.15, 0.20, 0.60, {"night": 0.9}, "dark"),  # not even a lamp
        (0.90, 0.15, 0.05, {}, "burnt_out"),
        (0.90, 0.15, 0.05, {"snow": 0.9}, "burnt_out"),  # whoever shows snow shows it white, not burnt out
        (0.90, 0.15, 0.30, {}, "burnt_out"),
        (0.80, 0.80, 0.05, {}, None),  # a thing on white
        (0.50, 0.30, 0.05, {}, None),
    ],
)
def test_bad_light_is_what_leaves_nothing_to_look_at(
    brightness: float, exposure: float, aesthetics: float, tags: dict[str, float], code: str | None
) -> None:
    quality = replace(GOOD, exposure=exposure, brightness=brightness)
    item = replace(shoot(quality=quality, aesthetics=aesthetics), tags={"dog": 0.9, **tags})
    assert codes(assess_quality(item).reasons) == ({code} if code else set())


def test_a_soft_picture_is_blurred_where_nothing_pleases() -> None:
    soft = replace(GOOD, sharpness=0.35)
    assert codes(assess_quality(shoot(quality=soft, aesthetics=0.05)).reasons) == {"blurred"}
    assert not assess_quality(shoot(quality=soft, aesthetics=0.4)).is_spoiled
    assert not assess_quality(shoot(quality=soft)).is_spoiled


def test_the_inside_of_a_pocket_is_no_night() -> None:
    pocket = replace(shoot(quality=QualitySignals(1.0, 0.3, 1.0, 0.12, 0.1), aesthetics=0.03), tags={"night": 0.95})
    assert codes(assess_quality(pocket).reasons) == {"accidental", "dark"}


def test_a_messenger_takes_camera_data_out_of_everything() -> None:
    reasons = assess_utility(seen(shoot("WhatsApp Images/IMG-20240501-WA0007.jpg"), meme=0.3)).reasons
    assert "messenger" in codes(reasons)
    assert "no_camera" not in codes(reasons)


@pytest.mark.parametrize(("brightness", "code"), [(0.1, "dark"), (0.9, "burnt_out"), (None, "badly_exposed")])
def test_bad_exposure_is_named(brightness: float | None, code: str) -> None:
    item = shoot(quality=replace(GOOD, exposure=0.1, brightness=brightness))
    assert codes(assess_quality(item).reasons) == {code}


def recipes(count: int) -> Life:
    """So many doubtful pages of one layout, a page of another, a named screenshot, a photo."""
    life = Life()
    layout = life.look("recipe")
    for n in range(count):
        life.shoot(NOON + timedelta(days=n), path=f"{n}.jpg", vector=life.look("", layout, 0.1))
        life.items[-1] = seen(life.items[-1], document=0.9)
    life.items.append(seen(life.shoot(NOON, "invoice", path="invoice.jpg"), document=0.9))
    del life.items[-2]
    screen = life.shoot(NOON, path="Screenshot_1.png", camera=False, at=None, vector=life.look("", layout, 0.1))
    life.items[-1] = seen(screen, document=0.3)
    return life


def kinds_of(life: Life) -> dict[str, str | None]:
    return {i.photo.path.name: assess_utility(i).kind for i in apply_own_filter(life.snapshot()).photos}


def take_out(life: Life, row: int, *decisions: Decision) -> None:
    item = life.items[row]
    life.items[row] = replace(item, photo=replace(item.photo, decisions=frozenset(decisions)))


def test_what_is_taken_out_takes_its_like_along_and_comes_back_with_it() -> None:
    life = recipes(6)
    before = kinds_of(life)
    assert [before[f"{n}.jpg"] for n in range(6)] == ["document"] * 6
    for row in (0, 1):
        take_out(life, row, Decision.NOT_UTILITY)
    after = kinds_of(life)
    assert [after[f"{n}.jpg"] for n in range(6)] == [None] * 6
    assert (after["invoice.jpg"], after["Screenshot_1.png"]) == ("document", "screenshot"), "neither others nor facts"
    learned = next(i for i in apply_own_filter(life.snapshot()).photos if i.photo.path.name == "5.jpg")
    assert "own_filter" in codes(assess_utility(learned).reasons)
    for row in (0, 1):
        take_out(life, row)
    assert kinds_of(life) == before


def test_without_a_word_the_filter_changes_nothing() -> None:
    snapshot = recipes(3).snapshot()
    assert apply_own_filter(snapshot) is snapshot


def test_favourites_have_not_failed() -> None:
    assert not assess_quality(shoot(quality=SPOILED, decisions=[Decision.FAVOURITE])).is_spoiled


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"decisions": [Decision.HIDE]}, "hidden"),
        ({"decisions": [Decision.FEATURE_LESS]}, "feature_less"),
        ({"utility": "receipt"}, "utility_receipt"),
        ({"quality": SPOILED}, "blurred"),
        ({"stack": Stack("copy-1", "copy", "other")}, "not_keeper_copy"),
        ({"stack": Stack("burst-1", "burst", "other")}, "not_keeper_burst"),
    ],
)
def test_the_policy_withholds(facts: dict[str, Any], code: str) -> None:
    verdict = is_showable(shoot(**facts))
    assert not verdict.ok
    assert code in codes(verdict.reasons)


def test_the_policy_shows_ordinary_photos_and_keepers() -> None:
    item = shoot()
    assert is_showable(item).ok
    assert not is_showable(item).reasons
    assert is_showable(replace(item, stack=Stack("burst-1", "burst", item.photo.id))).ok
    assert is_showable(replace(item, stack=Stack("similar-1", "similar", "other"))).ok
    assert is_showable(shoot(utility="receipt", decisions=[Decision.NOT_UTILITY])).ok
    rejected = replace(item.photo, facts=replace(item.photo.facts, rating=-1))
    assert codes(is_showable(replace(item, photo=rejected)).reasons) == {"rejected"}


def test_scenes_are_named_as_in_the_taxonomy() -> None:
    known = {tag.id for tag in Taxonomy.load().tags}
    assert {*curation._DARK_SCENES, *curation._SOFT_SCENES} <= known
    assert set(curation._SAYS_NOTHING) <= known


@given(
    st.dictionaries(st.sampled_from(UTILITY_KINDS), st.floats(0, 1), max_size=4),
    st.dictionaries(st.sampled_from(["text", "receipt", "dog"]), st.floats(0, 1)),
    st.dictionaries(st.sampled_from(UTILITY_KINDS), st.floats(-5, 0), max_size=2),
    st.booleans(),
)
def test_a_verdict_without_its_reasons_is_the_same(
    utility: dict[str, float], tags: dict[str, float], own: dict[str, float], is_download: bool
) -> None:
    item = shoot("Download/image_12.jpg", camera=False, at=None) if is_download else shoot()
    item = replace(item, utility=utility, tags=tags, own_odds=own)
    whole, short = assess_utility(item), assess_utility(item, explain=False)
    assert short == (whole if whole.kind else replace(whole, reasons=()))
