"""Ruled and squared paper -> plain paper, with every drawn line kept.

Printed lines repeat, run from side to side and take the same share of the light everywhere; what is drawn
does not. So the lines are found by their period, followed across the sheet (a curled sheet bends them), and
the share of the light that they take, which is measured where nothing is drawn, is given back: a pencil line
that crosses a printed one, or lies on it, keeps its own tone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Plane = NDArray[np.float32]

_STRIPS = 28  # across the lines; within one a line is straight and level
_PERIODS = 1 / 130, 1 / 9  # of the sheet's longer side, between lines
_FAINT = 10.0  # levels by which printed lines are darker than the paper, at least
_PERIODIC = 0.14  # correlation of the sheet with itself a period away, at least
_SEEN = 0.45  # share of the places where a line should be that show one, at least
_DARKEST = 1.25  # times the usual depth of the printed lines: the most that is taken away anywhere
_REMAINS = 0.4  # of a line's depth: what is left of it after division and fainter than this is paper's grain


def without_ruling(flat: Picture) -> Picture:
    """A sheet without its printed lines, level ones, upright ones, and a colored margin line.

    Args:
        flat: (H, W, 3) uint8 sRGB, a straightened sheet with even white paper (`pages.flatten`).

    Returns:
        A new picture; pixel for pixel the input's where no lines are printed.
    """
    picture = flat.copy()
    for upright in (False, True):
        # a view of the copy: what is written through it lands in the picture
        view = picture.transpose(1, 0, 2) if upright else picture
        lines = _printed_lines(view)
        if lines is not None:
            _take_away(view, lines)
    for upright in (False, True):
        view = picture.transpose(1, 0, 2) if upright else picture
        margin = _margin_line(view)
        if margin is not None:
            _take_away(view, margin)
    return picture


@dataclass(frozen=True)
class _Lines:
    """Level lines.

    Attributes:
        rows: (lines, strips) where each line's middle runs in each strip, in pixels.
        reach: pixels to both sides that belong to a line.
    """

    rows: NDArray[np.float64]
    reach: int


def _strip_profiles(view: Picture, values: NDArray[np.uint8]) -> Plane:
    """(strips, H): how dark each row is in each strip, without what is drawn there only in places."""
    width = view.shape[1]
    edges = np.linspace(0, width, _STRIPS + 1).astype(int)
    profiles = []
    for left, right in pairwise(edges):
        step = max((right - left) // 40, 1)
        profiles.append(np.median(values[:, left:right:step], axis=1))
    depth: Plane = 255 - np.array(profiles, np.float32)
    return depth


def _peaked(profiles: Plane, reach: int) -> Plane:
    """Profiles less their surroundings: only thin dark lines are above 0."""
    wide = 4 * reach + 1
    floor = cv2.morphologyEx(profiles, cv2.MORPH_OPEN, np.ones((1, wide), np.uint8))
    floor = cv2.GaussianBlur(floor, (wide | 1, 1), 0)
    peaked: Plane = np.clip(cv2.GaussianBlur(profiles, (0, 0), 1.0, sigmaY=0.01) - floor, 0, 60)
    return peaked


def _printed_lines(view: Picture) -> _Lines | None:
    height, width = view.shape[:2]
    shortest, longest = (max(round(share * max(height, width)), 4) for share in _PERIODS)
    if height < 4 * shortest or width < 2 * _STRIPS:
        return None
    profiles = _peaked(_strip_profiles(view, view.min(2)), max(shortest // 4, 1))
    even = np.minimum(profiles, _FAINT)  # a drawn frame counts for no more than a faint printed line
    period = _period(even, shortest, min(longest, height // 3))
    if period is None:
        return None
    shifts = _aligned(even, period)
    together = _shifted_mean(even, shifts)
    rows = _lattice(together, period)
    tracked, seen = _followed(profiles, rows, shifts, period)
    if seen < _SEEN:
        return None
    return _Lines(tracked, max(round(0.16 * period), 2))


def _period(profiles: Plane, shortest: int, longest: int) -> float | None:
    """The distance of the lines in pixels, from the mean autocorrelation of the strips."""
    length = profiles.shape[1]
    centered = profiles - profiles.mean(1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centered, 2 * length, axis=1)) ** 2
    power = spectrum / np.maximum(spectrum.sum(1, keepdims=True), 1e-9)
    correlation = np.fft.irfft(power.mean(0))[:length]
    correlation = correlation / max(correlation[0], 1e-9) * length / (length - np.arange(length))
    lags = np.arange(shortest, longest)
    inner = correlation[lags]
    peaks = lags[(inner > correlation[lags - 1]) & (inner >= correlation[lags + 1])]
    if not len(peaks):
        return None
    heights = np.array([correlation[lag] for lag in peaks])
    if heights.max() < _PERIODIC:
        return None
    lag = int(peaks[np.flatnonzero(heights > 0.75 * heights.max())[0]])
    # a far multiple of the period tells it more exactly
    exact = float(lag)
    for times in (2, 4, 8, 16):
        around = round(exact * times)
        slack = max(round(0.1 * lag), 2)
        if around + slack + 1 >= 0.7 * length:
            break
        window = correlation[around - slack : around + slack + 1]
        if window.max() < 0.5 * _PERIODIC:
            break
        exact = (around - slack + int(window.argmax())) / times
    return exact


def _aligned(profiles: Plane, period: float) -> NDArray[np.int_]:
    """By how many pixels each strip's lines lie below the middle strip's."""
    count = len(profiles)
    slack = max(int(0.3 * period), 1)
    shifts = np.zeros(count, int)
    for order in (range(count // 2 + 1, count), range(count // 2 - 1, -1, -1)):
        for strip in order:
            beside = strip - 1 if strip > count // 2 else strip + 1
            offsets = shifts[beside] + np.arange(-slack, slack + 1)
            reference = np.roll(profiles[beside], -shifts[beside])
            scores = [float(reference @ np.roll(profiles[strip], -offset)) for offset in offsets]
            shifts[strip] = offsets[int(np.argmax(scores))]
    return shifts


def _shifted_mean(profiles: Plane, shifts: NDArray[np.int_]) -> Plane:
    mean: Plane = np.mean([np.roll(row, -shift) for row, shift in zip(profiles, shifts, strict=True)], axis=0)
    return mean


def _lattice(profile: Plane, period: float) -> NDArray[np.float64]:
    """Where lines should be: from the best comb, each taken to the profile's peak near it, outwards."""
    length = len(profile)
    places = np.arange(0, length - 1, period)
    phases = np.arange(0, period, 0.5)
    grid = np.arange(length)
    scores = [float(np.interp(places + phase, grid, profile, right=0).sum()) for phase in phases]
    start = phases[int(np.argmax(scores))] + period * round(length / period / 2)
    slack = max(round(0.18 * period), 1)
    sure = np.percentile(profile, 60)

    def outwards(step: float) -> list[float]:
        rows, place = [], start + (step if step < 0 else 0)
        while 0 <= place <= length - 1:
            low, high = max(round(place) - slack, 0), min(round(place) + slack + 1, length)
            window = profile[low:high]
            if window.max() > sure:
                place = 0.5 * place + 0.5 * (low + float(window.argmax()))
            rows.append(place)
            place += step
        return rows

    return np.array(sorted(outwards(-period) + outwards(period)))


def _followed(
    profiles: Plane, rows: NDArray[np.float64], shifts: NDArray[np.int_], period: float
) -> tuple[NDArray[np.float64], float]:
    """(lines, strips) rows of the lines in every strip, and the share of them that is really seen."""
    length = profiles.shape[1]
    slack = max(round(0.22 * period), 1)
    offsets = np.arange(-slack, slack + 1)
    expected = rows[:, None] + shifts[None]
    around = np.rint(expected).astype(int)[..., None] + offsets
    strips = np.arange(len(profiles))[None, :, None]
    values = profiles[strips, np.clip(around, 0, length - 1)]
    peak = values.argmax(2)
    best = values.max(2)
    usual = np.median(best)
    seen = best > 0.4 * usual
    # the middle of mass around the peak, to a fraction of a pixel
    near = values * (np.abs(offsets - offsets[peak][..., None]) <= 2)
    middle = (near * around).sum(2) / np.maximum(near.sum(2), 1e-6)
    away = np.where(seen, middle - expected, np.nan)
    smooth = _smoothed(away)
    good = seen & (np.abs(away - smooth) < max(0.06 * period, 1.5))
    refined = _smoothed(np.where(good, away, np.nan))
    inside = (expected > 0) & (expected < length - 1)
    share = float(good[inside].mean()) if usual > 2 and inside.any() else 0.0
    return expected + refined, share


def _smoothed(away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaps filled and outliers outvoted: the median of neighbors, then their mean."""
    lines, strips = away.shape
    padded = np.pad(away, 2, constant_values=np.nan)
    windows = np.stack([padded[i : i + lines, j : j + strips] for i in range(5) for j in range(5)])
    empty = np.isnan(windows).all(0)
    windows[0][empty] = 0.0  # nothing seen anywhere near: where it is expected
    middle = np.nanmedian(windows, axis=0)
    smooth: NDArray[np.float64] = cv2.GaussianBlur(middle, (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
    return smooth


def _margin_line(view: Picture) -> _Lines | None:
    """One level line in color that runs all along the sheet; a drawn line is gray or ends."""
    height = view.shape[0]
    if min(view.shape[:2]) < 2 * _STRIPS:
        return None
    pixels = view.astype(np.int16)
    gray = pixels.max(2) - pixels.min(2)
    profiles = _peaked(_strip_profiles(view, (255 - gray).astype(np.uint8)), max(height // 300, 1))
    shifts = _aligned(profiles, 0.01 * height)
    together = _shifted_mean(profiles, shifts)
    rim = max(height // 50, 1)
    row = rim + int(together[rim:-rim].argmax())
    if together[row] < 5:
        return None
    tracked, _ = _followed(profiles, np.array([float(row)]), shifts, 0.02 * height)
    at = profiles[np.arange(_STRIPS), np.clip(np.rint(tracked[0]).astype(int), 0, height - 1)]
    if (at > 0.5 * together[row]).mean() < 0.85:
        return None
    return _Lines(tracked, max(round(0.003 * height), 3))


def _take_away(view: Picture, lines: _Lines) -> None:
    """Divide the lines' own darkness out of the picture, in place."""
    height, width = view.shape[:2]
    count = len(lines.rows)
    centers = (np.arange(_STRIPS) + 0.5) * width / _STRIPS - 0.5
    columns = np.arange(width)
    rows = np.array([np.interp(columns, centers, line) for line in lines.rows])
    reach = lines.reach
    offsets = np.arange(-reach - 1, reach + 2)
    first = np.rint(rows).astype(int)
    bands = np.empty((count, len(offsets), width, 3), np.uint8)
    for number in range(count):
        spots = np.clip(first[number][None] + offsets[:, None], 0, height - 1)
        bands[number] = view[spots, columns[None]]
    fraction = first - rows  # of a band's middle row from the line's middle, in pixels
    profile, ground = _profile(bands, fraction, offsets)
    middle = len(profile) // 2
    strength = _strengths(bands, fraction, offsets, profile)
    fine = np.linspace(-reach - 1.5, reach + 1.5, len(profile))
    # how dark a line is where nothing but paper is left of it
    floor = float(profile[middle].max()) * _REMAINS
    for number in range(count):
        local = np.interp(columns, centers, strength[number])
        away = offsets[:, None] + fraction[number][None]
        printed = np.stack([np.interp(away, fine, profile[:, c]) for c in range(3)], 2) * local[None, :, None]
        depth = _DEPTH[bands[number]] - printed
        # of what is fainter than a printed line and lies on one, most is the line's own unevenness
        share = np.clip(printed.max(2) / max(float(profile[middle].max()), 1e-6), 0, 1)
        tone = depth.mean(2) - ground.mean()
        kept = np.clip(np.abs(tone) / np.maximum(floor * share, 1e-6), 0, 1)[..., None]
        depth = np.where((share > 0.08)[..., None], ground + (depth - ground) * kept, depth)
        changed = _level(depth)
        changed = np.where((printed.max(2) > 0.004)[..., None], changed, bands[number])
        spots = first[number][None] + offsets[:, None]
        inside = (spots >= 0) & (spots < height)
        at = np.broadcast_to(columns[None], spots.shape)
        view[spots[inside], at[inside]] = np.maximum(changed, bands[number])[inside]


def _profile(
    bands: NDArray[np.uint8], fraction: NDArray[np.float64], offsets: NDArray[np.int_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The usual depth of a line across it, every half pixel, (places, 3), and of the paper beside it, (3,).

    Medians over all lines, so that what is drawn does not count.
    """
    reach = float(offsets[-1]) + 0.5
    fine = np.arange(-reach, reach + 0.01, 0.5)
    step = max(bands.shape[2] // 160, 1)
    away = (offsets[None, :, None] + fraction[:, None, ::step]).ravel()
    depth = _DEPTH[bands[:, :, ::step]].reshape(-1, 3)
    place = np.rint((away - fine[0]) / 0.5).astype(int)
    profile = np.zeros((len(fine), 3))
    for number in range(len(fine)):
        here = depth[place == number]
        if len(here):
            profile[number] = np.median(here, axis=0)
    profile[(np.abs(fine) > reach - 0.75)] = 0
    ground = np.median(profile[np.abs(fine) > 0.7 * reach], axis=0)
    return np.clip(profile - ground, 0, None), ground


def _strengths(
    bands: NDArray[np.uint8],
    fraction: NDArray[np.float64],
    offsets: NDArray[np.int_],
    profile: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(lines, strips): how dark each line is in each strip beside the usual profile, 1 where unseen."""
    count, _, width, _ = bands.shape
    middle = len(offsets) // 2
    peak = profile.max(0)
    channel = int(peak.argmax())
    core = _DEPTH[bands[:, middle - 1 : middle + 2, :, channel]].mean(1)
    fine = np.arange(len(profile)) * 0.5 + offsets[0] - 0.5
    usual = np.mean([np.interp(step + fraction, fine, profile[:, channel]) for step in (-1, 0, 1)], axis=0)
    edges = np.linspace(0, width, _STRIPS + 1).astype(int)
    ratio = core / np.maximum(usual, 0.25 * peak[channel])
    strength = np.array([np.median(ratio[:, a:b], axis=1) for a, b in pairwise(edges)]).T
    # a strip where more is drawn than paper left is judged by its neighbors
    strength = np.where((strength > _DARKEST) | (strength < 0.2), np.nan, strength)
    padded = np.pad(strength, ((1, 1), (1, 1)), constant_values=np.nan)
    windows = np.stack([padded[i : i + count, j : j + _STRIPS] for i in range(3) for j in range(3)])
    windows[0][np.isnan(windows).all(0)] = 1.0
    smooth: NDArray[np.float64] = np.nanmedian(windows, axis=0)
    return smooth


def _level(depth: NDArray[np.floating]) -> Picture:
    """sRGB levels of depths below paper."""
    light = _PAPER * np.exp(-depth)
    encoded = np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-6) ** (1 / 2.4) - 0.055
    )
    levels: Picture = np.clip(np.rint(255 * encoded), 0, 255).astype(np.uint8)
    return levels


_PAPER = 0.955  # linear light of flattened paper


def _depth_table() -> Plane:
    """How far each level lies below paper, in log linear light."""
    value = np.arange(256) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    depth: Plane = (np.log(_PAPER) - np.log(np.maximum(linear, 0.002))).astype(np.float32)
    return depth


_DEPTH = _depth_table()
