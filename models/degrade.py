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

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX

BLUR = (0.002, 0.004, 0.008, 1 / 60, 0.03)  # standard deviation as a share of the longer side
MOTION = (0.01, 0.025, 0.06)  # length of the streak as a share of the longer side
UNDER = (0.7, 1.5, 2.5, 4.0)  # stops of light too little
OVER = (0.7, 1.4, 2.2, 3.2)  # stops of light too much
NOISE = (5.0, 12.0, 25.0, 45.0)  # standard deviation of 255, at the analyzer's own size
COMPRESSION = (40, 20, 8)  # JPEG quality
TILT = (3.0, 6.0, 10.0, 15.0)  # degrees


@dataclass(frozen=True, slots=True)
class Degraded:
    """A picture with the quality that it is meant to have left, each 0 to 1."""

    kind: str
    grade: int  # 0: as it was; the higher, the worse
    image: Image.Image
    sharpness: float = 1.0
    exposure: float = 1.0
    noise: float = 1.0
    brightness: float = 0.5  # 0: black, far too dark; 0.5: as meant; 1: burnt out
    tilt_degrees: float = 0.0  # clockwise

    @property
    def targets(self) -> tuple[float, float, float, float, float, float]:
        """Sharpness, exposure, noise; overall, in which noise weighs little and tilt least; brightness, level."""
        level = level_of(self.tilt_degrees)
        overall = self.sharpness * self.exposure * (0.4 + 0.6 * self.noise) * (0.8 + 0.2 * level)
        return self.sharpness, self.exposure, self.noise, overall, self.brightness, level


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
    for grade, stops in enumerate(UNDER, 1):
        dark = darken(image, stops, random)
        left = _left(stops / 2.4 + 2 * _newly(_is_black, dark, image))
        yield Degraded("dark", grade, dark, exposure=left, brightness=left / 2)
    for grade, stops in enumerate(OVER, 1):
        bright = overexpose(image, stops)
        left = _left(stops / 2.4 + 3 * _newly(_is_burnt, bright, image))
        yield Degraded("bright", grade, bright, exposure=left, brightness=1 - left / 2)
    small = image.resize((INPUT_SIDE_PX, INPUT_SIDE_PX), Image.Resampling.BICUBIC)
    for grade, deviation in enumerate(NOISE, 1):
        yield Degraded("noise", grade, add_noise(small, deviation, random), noise=_left(deviation / 18))
    for grade, quality in enumerate(COMPRESSION, 1):
        yield Degraded("compression", grade, recompress(image, quality), noise=(0.8, 0.6, 0.3)[grade - 1])
    side = random.choice([-1, 1])
    for grade, degrees in enumerate(TILT, 1):
        yield Degraded("tilt", grade, tilt(image, side * degrees), tilt_degrees=side * degrees)


def level_of(degrees: float) -> float:
    """How level a picture is that was tilted by so much, 1 to 0."""
    return _left(abs(degrees) / 10)


def _left(harm: float) -> float:
    """What is left of a quality: 1 without harm, falling by e each unit."""
    return math.exp(-harm)


def _newly(lost: Callable[[Image.Image], float], harmed: Image.Image, image: Image.Image) -> float:
    """The share of the picture that the harm has lost and that wasn't lost before."""
    return max(0.0, lost(harmed) - lost(image))


def _is_burnt(image: Image.Image) -> float:
    return float((np.asarray(image).min(axis=2) >= 250).mean())


def _is_black(image: Image.Image) -> float:
    return float((np.asarray(image).max(axis=2) <= 12).mean())


def overexpose(image: Image.Image, stops: float) -> Image.Image:
    """Take it with too much light: linear gain, every channel clipped where the sensor is full, light bleeding over.

    A file's values are taken for sRGB with a gamma of 2.2; what its own tone curve lost doesn't come back.
    """
    light = (np.asarray(image, np.float32) / 255) ** 2.2 * 2**stops
    spill = Image.fromarray((np.clip(light - 1, 0, 1) * 255).astype(np.uint8))
    glow = np.asarray(spill.filter(ImageFilter.GaussianBlur(max(image.size) / 60)), np.float32) / 255
    return _as_image(255 * np.clip(light + 0.3 * glow, 0, 1) ** (1 / 2.2))


def darken(image: Image.Image, stops: float, random: np.random.Generator) -> Image.Image:
    """Take it with too little light: linear loss, and the photons' and the sensor's noise that comes with it."""
    light = (np.asarray(image, np.float32) / 255) ** 2.2 * 2**-stops
    photons = random.normal(0, 1, light.shape).astype(np.float32) * np.sqrt(light * 2e-5 + 3e-7)
    return _as_image(255 * np.clip(light + photons, 0, 1) ** (1 / 2.2))


def add_noise(image: Image.Image, deviation: float, random: np.random.Generator) -> Image.Image:
    """Add Gaussian noise of a standard deviation of 255."""
    pixels = np.asarray(image, np.float32)
    return _as_image(np.clip(pixels + random.normal(0, deviation, pixels.shape), 0, 255))


def tilt(image: Image.Image, degrees: float) -> Image.Image:
    """Turn it clockwise and cut the largest upright frame of its aspect out.

    Turned at twice the size: otherwise the interpolation leaves it softer, and a head learns softness for tilt
    (a probe did: what was moved by half a pixel was as tilted to it as what was turned by ten degrees).
    """
    turn = math.radians(abs(degrees))
    width, height = image.size
    share = min(
        width / (width * math.cos(turn) + height * math.sin(turn)),
        height / (width * math.sin(turn) + height * math.cos(turn)),
    )
    turned = resize_share(image, 2).rotate(-degrees, Image.Resampling.BICUBIC)
    dx, dy = math.ceil(width * (1 - share) / 2), math.ceil(height * (1 - share) / 2)
    frame = turned.crop((2 * dx, 2 * dy, 2 * (width - dx), 2 * (height - dy)))
    return frame.resize((width - 2 * dx, height - 2 * dy), Image.Resampling.LANCZOS)


def nudge(image: Image.Image) -> Image.Image:
    """Move it by half a pixel, in the way in which `tilt` turns: level still, and resampled as often."""
    width, height = image.size
    moved = resize_share(image, 2).crop((1, 1, 2 * width - 1, 2 * height - 1))
    return moved.resize((width - 1, height - 1), Image.Resampling.LANCZOS)


def _as_image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.astype(np.uint8))


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


def _change(share: float, random: np.random.Generator) -> float:
    return float(random.choice([1 - share, 1 + share]))


def _crop(share: float) -> Callable[[Image.Image, np.random.Generator], Image.Image]:
    return lambda image, random: crop_share(image, share, *random.uniform(size=2))


EDITS: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "jpeg 90": lambda image, _: recompress(image, 90),
    "jpeg 60": lambda image, _: recompress(image, 60),
    "jpeg 20": lambda image, _: recompress(image, 20),
    "70 %, jpeg 60": lambda image, _: recompress(resize_share(image, 0.7), 60),
    "a third": lambda image, _: resize_share(image, 1 / 3),
    "crop 2.5 %": _crop(0.025),
    "crop 5 %": _crop(0.05),
    "crop 10 %": _crop(0.1),
    "brightness 5 %": lambda image, random: ImageEnhance.Brightness(image).enhance(_change(0.05, random)),
    "brightness 20 %": lambda image, random: ImageEnhance.Brightness(image).enhance(_change(0.2, random)),
    "contrast 30 %": lambda image, random: ImageEnhance.Contrast(image).enhance(_change(0.3, random)),
    "grey": lambda image, _: image.convert("L").convert("RGB"),
    "burst": lambda image, random: ImageEnhance.Brightness(crop_share(image, 0.025, *random.uniform(size=2))).enhance(
        random.uniform(0.95, 1.05)
    ),
}
