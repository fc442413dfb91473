"""A camera for measuring: photographs of known sheets on known tables, under known light.

The sheet is a plane in front of a pinhole camera; light multiplies in linear sRGB: paper x print x pencil x
lamp x shadow x vignetting, then lens blur, shot noise, the sRGB curve and JPEG. Corners are therefore exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Linear = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """How a sheet is photographed.

    Attributes:
        seed: of everything random.
        size: (width, height) of the photograph in pixels.
        tilt: of the camera from the sheet's normal in degrees, about the picture's x and y axes.
        turn: of the sheet in the picture in degrees.
        fill: how much of the picture the sheet spans; above 1 it runs out of the picture.
        shift: of the sheet's middle from the picture's, as shares of the picture's sides.
        table: "wood", "dark", "white", "cloth", "tiles" or "clutter".
        ruling: "none", "ruled" or "squared", printed under the drawing.
        shadow: "none", "soft", "hand" or "phone".
        lamp: 0 (even light) to 1 (the far corner gets a third of the near one's light).
        tint: color of the light, linear RGB.
        curl: height of the sheet's bow as a share of its height.
        rounding: radius of its corners as a share of its width.
        binding: "none", "spiral" or "facing": what lies on its left.
        blur: standard deviation in pixels of the photograph.
        noise: standard deviation of a mid tone in 8-bit levels.
        quality: of the JPEG.
    """

    seed: int
    size: tuple[int, int] = (1500, 2000)
    tilt: tuple[float, float] = (0.0, 0.0)
    turn: float = 0.0
    fill: float = 0.85
    shift: tuple[float, float] = (0.0, 0.0)
    table: str = "wood"
    ruling: str = "none"
    shadow: str = "none"
    lamp: float = 0.4
    tint: tuple[float, float, float] = (1.0, 0.94, 0.84)
    curl: float = 0.0
    rounding: float = 0.0
    binding: str = "none"
    blur: float = 0.8
    noise: float = 2.0
    quality: int = 85


@dataclass(frozen=True)
class Photograph:
    """What the camera took, and the truth.

    Attributes:
        picture: (height, width, 3) uint8 sRGB.
        corners: (4, 2) of the sheet in pixels of the picture, clockwise from the drawing's top left.
        sheet: (h, w, 3) uint8: the sheet as drawn on plain white paper, seen from straight above.
        ruling: (h, w) bool: where the sheet's printed lines are.
    """

    picture: Picture
    corners: NDArray[np.float64]
    sheet: Picture
    ruling: NDArray[np.bool_] = field(repr=False)


def take(sheet: Picture, scene: Scene) -> Photograph:
    """Photograph a sheet.

    Args:
        sheet: (h, w, 3) uint8 sRGB, the drawing on white; its pixels are square.
        scene: see `Scene`.
    """
    random = np.random.default_rng(scene.seed)
    width, height = scene.size
    h, w = sheet.shape[:2]
    lines = _ruling(h, w, scene.ruling)
    homography = _pose(w, h, scene)
    paper = random.uniform(0.8, 0.9) * np.array([1.0, 0.985, 0.95], np.float32)
    albedo = _linear(sheet) * lines * paper
    inverse = np.linalg.inv(homography)
    y, x = np.mgrid[:height, :width].astype(np.float32) + np.float32(0.5)  # centers of pixels
    u, v, s = (inverse[row, 0] * x + inverse[row, 1] * y + inverse[row, 2] for row in range(3))
    u, v = (u / s).astype(np.float32), (v / s).astype(np.float32)
    bow = np.sin(np.pi * np.clip(u / w, -0.2, 1.2)).astype(np.float32)
    v = v + scene.curl * h * bow
    inside = _inside(u, v, w, h, scene.rounding * w)
    scale = np.sqrt(abs(np.linalg.det(homography[:2, :2])))  # pixels of the photograph per pixel of the sheet
    if scale < 0.9:
        albedo = cv2.GaussianBlur(albedo, (0, 0), 0.35 / scale)
    seen = cv2.remap(albedo, u - 0.5, v - 0.5, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    table = _table(scene, random, u / w, v / w)
    soft = cv2.GaussianBlur(inside, (0, 0), 0.012 * width)
    table *= 1 - 0.45 * np.roll(soft, (width // 250, width // 250), (0, 1))[..., None]
    if scene.binding != "none":
        table, seen = _bind(scene, table, seen, u / w, v / h, paper)
    photo = table * (1 - inside[..., None]) + np.maximum(seen, 0.004) * inside[..., None]
    photo *= _light(scene, random, x / width, y / height)[..., None] * np.array(scene.tint, np.float32)
    photo *= (1 + 0.025 * scene.curl * 40 * np.cos(np.pi * np.clip(u / w, 0, 1)))[..., None]
    photo = photo * 0.9 + 0.004  # exposure and veiling glare
    photo = cv2.GaussianBlur(photo, (0, 0), scene.blur)
    grain = random.normal(0, 1, photo.shape).astype(np.float32)
    levels = _levels(photo) + scene.noise * cv2.GaussianBlur(grain, (0, 0), 0.6) * 2.1
    picture = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, scene.quality]
    _, code = cv2.imencode(".jpg", picture[..., ::-1], quality)
    picture = np.ascontiguousarray(cv2.imdecode(code, cv2.IMREAD_COLOR)[..., ::-1])
    outline = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64)
    return Photograph(picture, _project(homography, outline), sheet, (lines < 0.97).any(axis=2))


def on_sheet(page: Picture, ratio: float) -> tuple[Picture, NDArray[np.float64]]:
    """A page laid on white paper of another shape: height over width is ``ratio``.

    Returns:
        The sheet (h, w, 3) uint8, and the (2, 3) affine map from the page's pixels to the sheet's.
    """
    h, w = page.shape[:2]
    width, height = (w, round(w * ratio)) if h <= w * ratio else (round(h / ratio), h)
    left, top = (width - w) // 2, (height - h) // 2
    sheet = np.empty((height, width, 3), np.uint8)
    sheet[:] = np.median(page[:8].reshape(-1, 3), axis=0)
    sheet[top : top + h, left : left + w] = page
    return sheet, np.array([[1, 0, left], [0, 1, top]], np.float64)


def _pose(w: int, h: int, scene: Scene) -> NDArray[np.float64]:
    """The homography from the sheet's pixels to the photograph's; a phone's lens of 27 mm."""
    width, height = scene.size
    focal = 0.76 * max(width, height)
    pitch, yaw = np.deg2rad(scene.tilt)
    turn = np.deg2rad(scene.turn)
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    rotation = about_x @ about_y @ about_z
    center = np.array([[1, 0, -w / 2], [0, 1, -h / 2], [0, 0, 1]])
    outline = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64)
    low, high = 0.1 * h, 20.0 * h
    for _ in range(50):  # the distance at which the sheet fills as much as it should
        distance = (low + high) / 2
        pose = np.column_stack((rotation[:, 0], rotation[:, 1], [0, 0, distance]))
        camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
        homography = camera @ pose @ center
        points = _project(homography, outline)
        spans = np.ptp(points, axis=0) / (width, height)
        ahead = (homography @ np.column_stack((outline, np.ones(4))).T)[2].min() > 0
        low, high = (distance, high) if not ahead or spans.max() > scene.fill else (low, distance)
    middle = (points.min(0) + points.max(0)) / 2
    wanted = np.array([width, height]) * (0.5 + np.array(scene.shift))
    # the sheet is moved on the table, not the picture: the optical axis stays in the picture's middle
    at = np.linalg.inv(homography) @ np.column_stack(([*middle, 1], [*wanted, 1]))
    step = at[:2, 1] / at[2, 1] - at[:2, 0] / at[2, 0]
    moved: NDArray[np.float64] = homography @ np.array([[1, 0, step[0]], [0, 1, step[1]], [0, 0, 1]])
    return moved / moved[2, 2]


def _project(homography: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = np.column_stack((points, np.ones(len(points)))) @ homography.T
    projected: NDArray[np.float64] = seen[:, :2] / seen[:, 2:]
    return projected


def _inside(u: Linear, v: Linear, w: int, h: int, radius: float) -> Linear:
    across, down = np.abs(u - w / 2) - w / 2 + radius, np.abs(v - h / 2) - h / 2 + radius
    outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0)) + np.minimum(np.maximum(across, down), 0)
    inside: Linear = np.clip(0.5 - (outside - radius), 0, 1).astype(np.float32)
    return inside


def _ruling(h: int, w: int, kind: str) -> Linear:
    """What is left of the light by the printed lines, linear, (h, w, 3)."""
    left = np.ones((h, w, 3), np.float32)
    pitch = w / 25 if kind == "ruled" else w / 38
    if kind in ("ruled", "squared"):
        rows = np.arange(h) if kind == "squared" else np.maximum(np.arange(h) - h * 0.08, -pitch / 2)
        ink = np.array([0.5, 0.38, 0.2] if kind == "ruled" else [0.42, 0.36, 0.28], np.float32)
        left *= 1 - _stripes(rows, pitch, w / 700)[:, None, None] * ink
        if kind == "squared":
            left *= 1 - _stripes(np.arange(w), pitch, w / 700)[None, :, None] * ink
        else:
            margin = np.clip(w / 1400 + 0.5 - np.abs(np.arange(w) - 0.12 * w), 0, 1).astype(np.float32)
            left *= 1 - margin[None, :, None] * np.array([0.12, 0.5, 0.45], np.float32)
    return left


def _stripes(places: NDArray[np.floating], pitch: float, thickness: float) -> Linear:
    away = np.abs((places + pitch / 2) % pitch - pitch / 2)
    stripes: Linear = np.clip(thickness / 2 + 0.5 - away, 0, 1).astype(np.float32)
    return stripes


def _table(scene: Scene, random: np.random.Generator, u: Linear, v: Linear) -> Linear:
    height, width = u.shape

    def cloud(across: float, down: float) -> Linear:
        """Noise between -1 and 1 that changes over so many pixels."""
        size = max(int(width / across), 2), max(int(height / down), 2)
        noise = random.normal(0, 1, size[::-1]).astype(np.float32)
        smooth: Linear = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.clip(smooth / 2.5, -1, 1)

    if scene.table in ("wood", "clutter"):
        grain = 0.5 * cloud(width / 3, 6) + 0.3 * cloud(width / 5, 2.5) + 0.2 * cloud(90, 60)
        table = np.array([0.30, 0.17, 0.085], np.float32) * (1 + 0.55 * grain)[..., None]
        table *= (1 - 0.5 * _stripes(v * 4.0, 1.0, 0.012)[..., None]).astype(np.float32)
    elif scene.table == "dark":
        table = np.array([0.035, 0.035, 0.04], np.float32) * (1 + 0.4 * cloud(3, 3))[..., None]
    elif scene.table == "white":
        table = np.array([0.62, 0.61, 0.58], np.float32) * (1 + 0.03 * cloud(40, 40))[..., None]
    elif scene.table == "cloth":
        weave = 0.12 * np.sin(x_of(u) * 1.9) * np.sin(x_of(v) * 2.3) + 0.1 * cloud(60, 60)
        table = np.array([0.09, 0.16, 0.27], np.float32) * (1 + weave)[..., None]
    else:
        tone = np.where((np.floor(u * 3.3) + np.floor(v * 3.3)) % 2 > 0, 0.5, 0.28).astype(np.float32)
        table = tone[..., None] * np.array([1, 0.93, 0.85], np.float32) * (1 + 0.08 * cloud(9, 9))[..., None]
    table = np.ascontiguousarray(table, np.float32)
    if scene.table == "clutter":
        for _ in range(26):
            place = int(random.uniform(0, width)), int(random.uniform(0, height))
            color = tuple(float(c) for c in random.uniform(0.02, 0.8, 3) ** 1.5)
            if random.random() < 0.5:
                axes = int(random.uniform(0.15, 0.4) * width), int(random.uniform(0.008, 0.02) * width)
                cv2.ellipse(table, place, axes, float(random.uniform(0, 180)), 0, 360, color, -1, cv2.LINE_AA)
            else:
                size = random.uniform(0.05, 0.2, 2) * width
                corners = cv2.boxPoints((place, tuple(size), float(random.uniform(0, 90))))
                cv2.fillConvexPoly(table, corners.astype(np.int32), color, cv2.LINE_AA)
    return table


def x_of(along: Linear) -> Linear:
    """Along the table in threads of its cloth."""
    return along * 500


def _bind(
    scene: Scene, table: Linear, seen: Linear, u: Linear, v: Linear, paper: NDArray[np.float32]
) -> tuple[Linear, Linear]:
    """A spiral, or a facing page with the shadow of the fold, at the sheet's left side."""
    if scene.binding == "facing":
        faces = ((u < 0) & (u > -1) & (v > 0) & (v < 1))[..., None]
        facing = np.where(faces, paper * np.float32(0.97), table)
        fold = np.exp(-np.abs(u) / 0.018)[..., None] * 0.75
        return (facing * np.where(faces, 1 - fold, 1)).astype(np.float32), seen * (1 - fold * 0.8)
    ring = (v * 34) % 1
    hole = (np.hypot((u - 0.022) / 0.008, (ring - 0.5) / 0.3) < 1)[..., None]
    wire = ((u > -0.03) & (u < 0.022) & (np.abs(ring - 0.5) < 0.11) & (v > 0.01) & (v < 0.99))[..., None]
    steel = np.float32(0.22) * np.ones(3, np.float32)
    return np.where(wire, steel, table), np.where(wire, steel, np.where(hole, table, seen))


def _light(scene: Scene, random: np.random.Generator, x: Linear, y: Linear) -> Linear:
    corner = random.choice(4)
    away = np.hypot(x - (0.1 if corner % 2 else 0.9), (y - (0.1 if corner > 1 else 0.9)) * 1.3)
    light = 1 / (1 + 1.3 * scene.lamp * away**2)
    light /= np.percentile(light, 98)
    light *= 1 / (1 + 0.35 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)) ** 2
    if scene.shadow != "none":
        shade = np.zeros(x.shape, np.float32)
        height, width = x.shape
        side = random.choice([-1, 1])

        def at(along: float, down: float) -> tuple[int, int]:
            return int((0.5 + side * along) * width), int(down * height)

        top = random.uniform(0.35, 0.6)
        if scene.shadow == "phone":
            corners = [at(0.05, top), at(0.62, top - 0.06), at(0.75, 1.1), at(0.12, 1.1)]
            cv2.fillConvexPoly(shade, np.array(corners, np.int32), 1.0)
        elif scene.shadow == "hand":
            cv2.ellipse(shade, at(0.4, top + 0.2), (int(0.2 * width), int(0.2 * width)), 0, 0, 360, 1.0, -1)
            cv2.line(shade, at(0.4, top + 0.2), at(0.75, top + 0.5), 1.0, int(0.25 * width))
            for finger in range(4):
                tip = at(0.02 + 0.05 * finger, top - 0.06 + 0.07 * finger)
                cv2.line(shade, at(0.36, top + 0.15 + 0.03 * finger), tip, 1.0, int(0.05 * width))
        else:
            cv2.ellipse(shade, at(0.35, top), (int(0.35 * width), int(0.45 * height)), 20, 0, 360, 1.0, -1)
        softness = {"phone": 0.004, "hand": 0.007, "soft": 0.06}[scene.shadow]
        light = light * (1 - random.uniform(0.4, 0.58) * cv2.GaussianBlur(shade, (0, 0), softness * width))
    return light.astype(np.float32)


def _linear(picture: Picture) -> Linear:
    value = picture.astype(np.float32) / 255
    linear: Linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def _levels(linear: Linear) -> Linear:
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (encoded * 255).astype(np.float32)
