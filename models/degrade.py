"""Known harm and known edits, done to good pictures: what stands in for human scores.

Each degradation is graded, so that the quality head has an order to learn; each edit leaves the
picture the same picture, so that the print has something to be blind to.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

BLUR = (0.002, 0.004, 0.008, 1 / 60, 0.03)  # standard deviation as a share of the longer side
MOTION = (0.01, 0.025, 0.06)  # length of the streak as a share of the longer side
BRIGHTNESS = (0.12, 0.25, 0.45, 0.7, 1.4, 1.9, 2.5, 3.2)  # factors
NOISE = (5.0, 12.0, 25.0, 45.0)  # standard deviation of 255, at the analyzer's own size
COMPRESSION = (40, 20, 8)  # JPEG quality


@dataclass(frozen=True, slots=True)
class Degraded:
    """A picture with the quality that it is meant to have left, each 0 to 1."""

    kind: str
    grade: int  # 0: as it was; the higher, the worse
    image: Image.Image
    sharpness: float = 1.0
    exposure: float = 1.0
    noise: float = 1.0

    @property
    def targets(self) -> tuple[float, float, float, float]:
        """Sharpness, exposure, noise, and overall, in which noise weighs least."""
        overall = self.sharpness * self.exposure * (0.4 + 0.6 * self.noise)
        return self.sharpness, self.exposure, self.noise, overall


def degrade(image: Image.Image, random: np.random.Generator) -> Iterator[Degraded]:
    """Yield the picture as it is, then every kind of harm in rising grades."""
    yield Degraded("none", 0, image)
    longer = max(image.size)
    for grade, share in enumerate(BLUR, 1):
        yield Degraded(
            "blur", grade, image.filter(ImageFilter.GaussianBlur(longer * share)), sharpness=_left(share / 0.007)
        )
    angle = random.uniform(0, math.pi)
    for grade, share in enumerate(MOTION, 1):
        yield Degraded("motion", grade, smear(image, max(2.0, longer * share), angle), sharpness=_left(share / 0.025))
    for factor in BRIGHTNESS:
        stops = math.log2(factor)
        kind, grade = (
            ("dark", BRIGHTNESS.index(0.7) - BRIGHTNESS.index(factor) + 1)
            if factor < 1
            else ("bright", BRIGHTNESS.index(factor) - 3)
        )
        left = _left(-stops / 1.2) if factor < 1 else _left(stops / 0.8)
        yield Degraded(kind, grade, ImageEnhance.Brightness(image).enhance(factor), exposure=left)
    pixels = np.asarray(image.resize((260, 260), Image.Resampling.BICUBIC), np.float32)
    for grade, deviation in enumerate(NOISE, 1):
        shaken = np.clip(pixels + random.normal(0, deviation, pixels.shape), 0, 255).astype(np.uint8)
        yield Degraded("noise", grade, Image.fromarray(shaken), noise=_left(deviation / 18))
    for grade, quality in enumerate(COMPRESSION, 1):
        yield Degraded("compression", grade, recompress(image, quality), noise=(0.8, 0.6, 0.3)[grade - 1])


def _left(harm: float) -> float:
    """What is left of a quality: 1 without harm, falling by e each unit."""
    return math.exp(-harm)


def smear(image: Image.Image, length_px: float, angle: float) -> Image.Image:
    """Blur along a straight line, as a moved camera does."""
    steps = max(2, min(24, round(length_px)))
    total = np.zeros((image.height, image.width, 3), np.float32)
    for step in np.linspace(-0.5, 0.5, steps):
        dx, dy = step * length_px * math.cos(angle), step * length_px * math.sin(angle)
        moved = image.transform(image.size, Image.Transform.AFFINE, (1, 0, dx, 0, 1, dy), Image.Resampling.BILINEAR)
        total += np.asarray(moved, np.float32)
    margin = math.ceil(length_px / 2)
    frame = Image.fromarray((total / steps).astype(np.uint8))
    box = (margin, margin, frame.width - margin, frame.height - margin)
    return frame.crop(box) if box[2] - box[0] > 32 and box[3] - box[1] > 32 else frame


def recompress(image: Image.Image, quality: int) -> Image.Image:
    """Save as JPEG and read it back."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def crop_share(image: Image.Image, share: float, x: float, y: float) -> Image.Image:
    """Cut a share of the width and height off; x and y (0 to 1) say how much of it at the left and top."""
    width, height = image.size
    dx, dy = round(width * share), round(height * share)
    left, top = round(dx * x), round(dy * y)
    return image.crop((left, top, width - dx + left, height - dy + top))


def resize_share(image: Image.Image, share: float) -> Image.Image:
    """Scale the picture's sides by a factor."""
    return image.resize(
        (max(1, round(image.width * share)), max(1, round(image.height * share))), Image.Resampling.LANCZOS
    )


EDITS: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "jpeg 90": lambda image, _: recompress(image, 90),
    "jpeg 60": lambda image, _: recompress(image, 60),
    "70 %, jpeg 60": lambda image, _: recompress(resize_share(image, 0.7), 60),
    "a third": lambda image, _: resize_share(image, 1 / 3),
    "crop 2.5 %": lambda image, random: crop_share(image, 0.025, *random.uniform(size=2)),
    "brightness 5 %": lambda image, random: ImageEnhance.Brightness(image).enhance(random.choice([0.95, 1.05])),
    "burst": lambda image, random: ImageEnhance.Brightness(crop_share(image, 0.025, *random.uniform(size=2))).enhance(
        random.uniform(0.95, 1.05)
    ),
}  # fmt: skip
