"""Screenshots of telephones and computers that never were: drawn pixel by pixel, with no camera between."""

from __future__ import annotations

from PIL import Image

from photos_engine.models.training.generate.camera import compress
from photos_engine.models.training.generate.phones import PHONE_APPS, foot, status_bar
from photos_engine.models.training.generate.screen import Screen
from photos_engine.models.training.generate.studio import Studio
from photos_engine.models.training.generate.windows import desktop

PHONES = ((360, 780), (360, 640), (390, 844), (480, 640))
DESKTOPS = ((960, 600), (960, 540), (800, 600), (700, 520))


def screenshot(studio: Studio) -> Image.Image:
    """What some screen shows."""
    if studio.chance(0.5):
        screen = Screen.switch_on(studio, studio.pick(PHONES))
        top = status_bar(screen)
        studio.layout(PHONE_APPS)(screen, top)
        foot(screen)
    else:
        screen = Screen.switch_on(studio, studio.pick(DESKTOPS))
        desktop(screen)
    return compress(studio, screen.image, 60, 98) if studio.chance(0.6) else screen.image
