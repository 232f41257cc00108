"""How a flat thing becomes a photo of it: perspective, curl, shadow, light, lens, sensor and compression.

Everything that is photographed here goes through the same steps, ordinary contents included, so that
none of them tells one kind from another.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from photos_engine.models.training.generate.studio import Pixels, Studio
from photos_engine.models.training.generate.surfaces import TABLES, fractal

FRAMES = ((390, 520), (390, 520), (520, 390), (300, 520), (520, 300), (420, 420))
"""Width and height of photos, before they are squashed to the network's size."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How a sheet lies before the lens: share of the frame's width or height that it fills, and its angles."""

    fill: tuple[float, float] = (0.6, 1.15)
    tilt: float = 0.6  # at most, radians out of the lens's plane
    turn: float = 0.25  # at most, radians within it
    drift: float = 0.12  # of the frame, at most, away from its middle
    curl: float = 0.04  # at most, of the sheet's height
    shadow: float = 0.55  # at most, of the light


LYING = Pose()
FLAT = Pose(fill=(0.9, 1.4), tilt=0.3, turn=0.06, drift=0.05, curl=0.0, shadow=0.2)
SMALL = Pose(fill=(0.12, 0.35), tilt=0.9, turn=0.5, drift=0.35, curl=0.03, shadow=0.4)


def photograph(
    studio: Studio, sheet: Image.Image, pose: Pose = LYING, background: Image.Image | None = None
) -> Image.Image:
    """Lay a sheet on something and take a photo of it; on `background`, where one is given."""
    if background is None:
        width, height = studio.pick(FRAMES)
        ground = studio.pick(TABLES)(studio, height, width).astype(np.float32)
    else:
        width, height = background.size
        ground = np.asarray(background.convert("RGB"), np.float32)
    placed = _project(studio, sheet, pose, width, height)
    cover = placed.getchannel("A")
    pixels, alpha = np.asarray(placed.convert("RGB"), np.float32), np.asarray(cover, np.float32)[:, :, None] / 255
    shade = cover.reduce(4).filter(ImageFilter.GaussianBlur(studio.between(1, 4))).resize(cover.size)
    shift = (studio.count(-9, 9), studio.count(-9, 9))
    shadow = np.roll(np.asarray(shade, np.float32) / 255, shift, (0, 1))[:, :, None] * np.float32(
        studio.between(0, pose.shadow)
    )
    scene = ground * (1 - shadow) * (1 - alpha) + pixels * alpha
    return finish(studio, Image.fromarray((scene * light(studio, height, width)).clip(0, 255).astype(np.uint8)))


def _project(studio: Studio, sheet: Image.Image, pose: Pose, width: int, height: int) -> Image.Image:
    """The sheet in the frame, transparent where it is not."""
    corners = _corners(studio, sheet.width / sheet.height, pose, width, height)
    across = float(np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])) / 2
    scale = min(1.0, 1.25 * across / sheet.width)  # sampling takes single points, so the sheet must not be far larger
    size = (max(2, round(sheet.width * scale)), max(2, round(sheet.height * scale)))
    small = _bend(studio, sheet.convert("RGBA").resize(size, Image.Resampling.BICUBIC, reducing_gap=2), pose.curl)
    back = _from_frame(corners, *small.size)
    return small.transform((width, height), Image.Transform.PERSPECTIVE, back, Image.Resampling.BILINEAR)


def _bend(studio: Studio, sheet: Image.Image, most: float) -> Image.Image:
    """Curl a sheet about its height: columns rise and fall, and are lit as they slope."""
    curl = studio.between(0, most)
    if curl * sheet.height < 1:
        return sheet
    edges = np.linspace(0, sheet.width, 17).round().astype(int)
    angle = edges / sheet.width * np.pi * studio.between(1, 3) + studio.between(0, 6.3)
    rise, mesh = np.sin(angle) * curl * sheet.height, []
    for left, right, low, high in zip(edges, edges[1:], rise, rise[1:], strict=False):
        upper = (left, low, left, sheet.height + low, right, sheet.height + high, right, high)
        mesh.append(((int(left), 0, int(right), sheet.height), tuple(map(float, upper))))
    bent = np.asarray(sheet.transform(sheet.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR), np.float32)
    slope = np.interp(np.arange(sheet.width), edges, 1 + 3 * curl * np.cos(angle)).astype(np.float32)
    lit = bent * np.stack([slope, slope, slope, np.ones_like(slope)], 1)
    return Image.fromarray(lit.clip(0, 255).astype(np.uint8))


def _corners(studio: Studio, aspect: float, pose: Pose, width: int, height: int) -> NDArray[np.float64]:
    """Where the sheet's corners (from the upper left, clockwise) fall in the frame, (4, 2) pixels."""
    half = np.array([[-aspect, -1, 0], [aspect, -1, 0], [aspect, 1, 0], [-aspect, 1, 0]]) / 2
    pitch, yaw = studio.random.normal(0, pose.tilt / 2, 2).clip(-pose.tilt, pose.tilt)
    roll = float(studio.random.normal(0, pose.turn / 2))
    if studio.chance(0.08):
        roll += studio.pick((-np.pi / 2, np.pi / 2, np.pi))
    sine, cosine = np.sin(roll), np.cos(roll)
    turned = half @ np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    space = turned @ about_x @ about_y
    seen = space[:, :2] / (1 + space[:, 2:] / studio.between(1.8, 5.0))
    spread = np.ptp(seen, axis=0) / (width, height)
    seen *= studio.between(*pose.fill) / spread.max()
    seen -= (seen.min(0) + seen.max(0)) / 2
    return seen + np.array([width, height]) * (0.5 + studio.random.uniform(-pose.drift, pose.drift, 2))


def _from_frame(corners: NDArray[np.float64], wide: int, high: int) -> tuple[float, ...]:
    """The eight numbers by which Pillow finds, for a pixel of the frame, where on the sheet it looks."""
    equations, wanted = [], []
    for (x, y), (u, v) in zip(corners, ((0, 0), (wide, 0), (wide, high), (0, high)), strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    return tuple(np.linalg.solve(np.array(equations), np.array(wanted)).tolist())


def light(studio: Studio, height: int, width: int) -> NDArray[np.float32]:
    """How much light falls where, (h, w, 3): a slope, a lens's falloff, a tint, perhaps somebody's shadow."""
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    angle, slope = studio.between(0, 6.3), studio.between(0, 0.3)
    field = 1 + slope * (np.cos(angle) * x + np.sin(angle) * y) - studio.between(0, 0.18) * (x * x + y * y)
    if studio.chance(0.3):
        edge = fractal(studio.random, height, width, (1, 1), 2) * 0.3 + np.cos(angle + 1) * x + np.sin(angle + 1) * y
        field *= 1 - studio.between(0.15, 0.5) / (1 + np.exp(-edge * studio.between(4, 25) + studio.between(-3, 3)))
    warmth = studio.random.normal(0, 0.06)
    tint = np.array([1 + warmth, 1, 1 - warmth], np.float32)
    return (field[:, :, None] * tint * studio.between(0.72, 1.08)).astype(np.float32)


def finish(studio: Studio, image: Image.Image) -> Image.Image:
    """What lens, hand, sensor and file format do to any photo."""
    if studio.chance(0.35):
        image = image.filter(ImageFilter.GaussianBlur(studio.between(0.3, 1.8)))
    elif studio.chance(0.12):
        image = _shake(studio, image)
    grey, colour = (studio.random.standard_normal((image.height, image.width, count), np.float32) for count in (1, 3))
    curve = 255 * np.linspace(0, 1, 256, dtype=np.float32) ** studio.between(0.8, 1.25)
    pixels = curve[np.asarray(image)] + (grey + 0.5 * colour) * np.float32(studio.between(0, 9))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    if studio.chance(0.04):
        image = image.convert("L").convert("RGB")
    return compress(studio, image, 35, 95)


def _shake(studio: Studio, image: Image.Image) -> Image.Image:
    """A hand that moved: the mean of a few shifted copies."""
    pixels, (across, down) = np.asarray(image, np.float32), studio.random.uniform(-1.5, 1.5, 2)
    copies = [np.roll(pixels, (round(down * step), round(across * step)), (0, 1)) for step in range(4)]
    return Image.fromarray(np.mean(copies, axis=0).astype(np.uint8))


def compress(studio: Studio, image: Image.Image, worst: int, best: int) -> Image.Image:
    """Through a JPEG and back."""
    data = io.BytesIO()
    image.save(data, "JPEG", quality=studio.count(worst, best))
    with Image.open(io.BytesIO(data.getvalue())) as opened:
        return opened.convert("RGB")


def scan(studio: Studio, sheet: Image.Image) -> Image.Image:
    """Lay a sheet on a flatbed scanner, or hold it so flat and near that nothing else is seen."""
    margin, paper = studio.between(0, 0.06), sheet.convert("RGB")
    lid = Image.new("RGB", paper.size, studio.grey(225, 255) if studio.chance(0.8) else studio.grey(5, 60))
    turned = paper.convert("RGBA").rotate(studio.random.normal(0, 0.8), Image.Resampling.BICUBIC)
    lid.paste(turned, (round(margin * paper.width / 3), round(-margin * paper.height / 3)), turned)
    if studio.chance(0.2):
        level = studio.count(110, 190)
        lid = lid.convert("L").point(lambda value: 255 if value > level else 0).convert("RGB")
    elif studio.chance(0.3):
        lid = lid.convert("L").convert("RGB")
    pixels = np.asarray(lid, np.float32)
    pixels = pixels * studio.between(0.88, 1.05) + studio.random.standard_normal(
        pixels.shape, np.float32
    ) * studio.between(0, 4)
    return compress(studio, Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), 40, 95)


def reflect(studio: Studio, pixels: Pixels) -> Pixels:
    """A lamp or a window mirrored in something glossy."""
    height, width = pixels.shape[:2]
    y, x = np.linspace(0, 1, height, dtype=np.float32)[:, None], np.linspace(0, 1, width, dtype=np.float32)[None, :]
    across, down = studio.between(0.08, 0.35), studio.between(0.05, 0.3)
    spot = np.exp(-(((x - studio.between(0, 1)) / across) ** 2) - ((y - studio.between(0, 1)) / down) ** 2)
    return (pixels + 255 * studio.between(0.1, 0.7) * spot[:, :, None]).clip(0, 255).astype(np.uint8)
