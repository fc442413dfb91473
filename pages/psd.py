"""PSD and PSB: the merged picture that paint programs save beside the layers.

Runs in the second process (``pages.worker``).
"""

from __future__ import annotations

import struct
import warnings
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from psd_tools import PSDImage
from psd_tools.api.utils import get_transparency_index, has_transparency
from psd_tools.compression import PSDDecompressionWarning
from psd_tools.constants import ChannelID, ColorMode, Compression, Resource

from pages.decode import check_size, sane_dpi
from pages.errors import InputError
from pages.limits import Limits
from pages.native import Depth, Model, Samples, moved
from pages.worker import damaged

_MODELS: dict[int, tuple[Model, int]] = {
    ColorMode.BITMAP: ("gray", 1),
    ColorMode.GRAYSCALE: ("gray", 1),
    ColorMode.DUOTONE: ("gray", 1),
    ColorMode.INDEXED: ("gray", 1),
    ColorMode.RGB: ("rgb", 3),
    ColorMode.CMYK: ("cmyk", 4),
    ColorMode.LAB: ("lab", 3),
}


def header(file: BinaryIO, shown: str) -> tuple[int, int, int, int]:
    """(width, height, version, channels).

    Raises:
        InputError: the header is cut short.
    """
    file.seek(0)
    data = file.read(26)
    if len(data) < 26:
        raise damaged(shown, "its header is cut short")
    _, version, channels, height, width, _, _ = struct.unpack(">4sH6xHIIHH", data)
    return width, height, version, channels


def open_psd(file: BinaryIO, shown: str, limits: Limits) -> Any:
    """The document, after its size was checked.

    Raises:
        InputError: it is damaged, or too large.
    """
    width, height, version, channels = header(file, shown)
    check_size(width, height, shown, limits)
    if version not in (1, 2) or not 1 <= channels <= 56:
        raise damaged(shown, f"version {version}, {channels} channels")
    file.seek(0)
    return PSDImage.open(file)


def decode_merged(file: BinaryIO, shown: str, limits: Limits) -> Samples:
    """The merged picture, with its own depth.

    Raises:
        InputError: it is damaged, too large, or was saved without its merged picture.
    """
    psd = open_psd(file, shown, limits)
    if not psd.has_preview():
        raise InputError(
            f"{shown}: this PSD was saved without its merged picture.",
            remedy="Save it again with “Maximize Compatibility” on, or export it as PNG.",
        )
    mode = psd.color_mode
    if mode not in _MODELS or psd.channels < _MODELS[mode][1]:
        raise InputError(
            f"{shown}: a PSD in {mode.name.lower()} mode with {psd.channels} channels cannot be read.",
            remedy="Convert it to RGB, or export it as PNG.",
        )
    if psd._record.image_data.compression == Compression.RLE:
        _check_rows(psd._record.image_data.data, psd._record.header, shown)
    with warnings.catch_warnings():
        warnings.simplefilter("error", PSDDecompressionWarning)
        try:
            planes = psd._record.image_data.get_data(psd._record.header)
        except PSDDecompressionWarning as warning:  # whose words are about what psd-tools would do
            raise damaged(shown, "its merged picture cannot be unpacked") from warning
    model, count = _MODELS[mode]
    values = np.stack([_plane(plane, psd, shown) for plane in planes[:count]], axis=2)
    alpha = None
    if has_transparency(psd):
        alpha = _plane(planes[get_transparency_index(psd)], psd, shown)
    if mode == ColorMode.INDEXED:
        palette = np.frombuffer(psd._record.color_mode_data.value[:768], np.uint8).reshape(3, 256).T
        values, model = palette[values[..., 0]], "rgb"
    elif mode == ColorMode.CMYK:
        values = np.iinfo(values.dtype).max - values  # paper is the highest value in the file
    elif mode == ColorMode.LAB and values.dtype == np.uint16:
        values[..., 1:] = (values[..., 1:].astype(np.uint32) * 257 // 256).clip(0, 65535)
    if alpha is not None and model in ("gray", "rgb"):
        values = _without_white(values, alpha)
    profile = psd.image_resources.get_data(Resource.ICC_PROFILE)
    resolution = psd.image_resources.get_data(Resource.RESOLUTION_INFO)
    dpi = sane_dpi((resolution.horizontal / 65536,)) if resolution is not None else None
    indexed = mode == ColorMode.INDEXED
    return Samples(values, model, alpha, profile if isinstance(profile, bytes) else None, dpi, indexed)


def _check_rows(data: bytes, header: Any, shown: str) -> None:
    """Run-length coded rows come after a table of their lengths; psd-tools makes missing ones black."""
    kind = np.dtype(">u2" if header.version == 1 else ">u4")
    rows = header.height * header.channels
    if len(data) < rows * kind.itemsize:
        raise damaged(shown, "its merged picture is cut short")
    lengths = np.frombuffer(data, kind, rows)
    if int(lengths.sum(dtype=np.uint64)) > len(data) - rows * kind.itemsize:
        raise damaged(shown, "its merged picture is cut short")


def _plane(data: bytes, psd: Any, shown: str) -> NDArray[Depth]:
    """One channel (H, W) of the merged picture."""
    shape: tuple[int, int] = (psd.height, psd.width)
    if psd.depth == 1:  # a set bit is ink
        rows = np.frombuffer(data, np.uint8).reshape(psd.height, -1)
        bits = np.unpackbits(rows, axis=1)[:, : psd.width]
        return np.where(bits, 0, 255).astype(np.uint8)
    wanted = psd.width * psd.height * psd.depth // 8
    if len(data) < wanted:
        raise damaged(shown, "its merged picture is cut short")
    data = data[:wanted]
    if psd.depth == 32:
        values = np.nan_to_num(np.frombuffer(data, ">f4").astype(np.float32)).clip(0, 1)
        return np.asarray(np.rint(values * 65535), np.uint16).reshape(shape)
    if psd.depth == 16:
        return np.frombuffer(data, ">u2").astype(np.uint16).reshape(shape)
    return np.frombuffer(data, np.uint8).reshape(shape)


def _without_white(values: NDArray[Depth], alpha: NDArray[Depth]) -> NDArray[Depth]:
    """Where it is transparent, the merged picture has been laid on white; take the white out again."""
    most = np.iinfo(values.dtype).max
    plain = values.copy()
    thin = (alpha > 0) & (alpha < most)
    cover = alpha[thin][:, None].astype(np.float64)
    plain[thin] = np.rint(most - (most - values[thin].astype(np.float64)) * most / cover).clip(0, most)
    return plain


def layer_cover(layer: Any, shown: str, limits: Limits) -> tuple[NDArray[np.bool_], int, int]:
    """(cover (h, w) bool, left, top): where a layer has any paint, in pixels of the page.

    Raises:
        InputError: the layer is damaged, or says that it is larger than anything sane.
    """
    outline = _outline(layer) if layer.has_vector_mask() and not layer.vector_mask.disabled else None
    if outline is not None and not layer.has_pixels():
        return outline, 0, 0
    if layer.width < 1 or layer.height < 1:
        return np.zeros((0, 0), np.bool_), 0, 0
    check_size(layer.width, layer.height, f"{shown}, layer {layer.name!r}", limits)
    with warnings.catch_warnings():
        warnings.simplefilter("error", PSDDecompressionWarning)
        alpha = layer.topil(ChannelID.TRANSPARENCY_MASK)
        cover = (
            np.ones((layer.height, layer.width), np.bool_)
            if alpha is None
            else np.asarray(alpha.convert("L")) > 0
        )
        mask = layer.mask
        if mask is not None and not mask.disabled and mask.width > 0 and mask.height > 0:
            check_size(mask.width, mask.height, f"{shown}, mask of layer {layer.name!r}", limits)
            left, top = mask.left - layer.left, mask.top - layer.top
            image = mask.topil()
            if image is not None:
                shows = np.asarray(image.convert("L")) > 0
                cover &= moved(shows, left, top, cover.shape, beyond=mask.background_color > 0)
    if outline is not None:
        cover &= moved(outline, -layer.left, -layer.top, cover.shape, beyond=False)
    return cover, layer.left, layer.top


def _outline(layer: Any) -> NDArray[np.bool_]:
    """What a layer's curves enclose, (H, W) of the page; shape layers are often saved as curves alone."""
    psd = layer._psd
    image = Image.new("1", (psd.width, psd.height))
    drawing = ImageDraw.Draw(image)
    steps = np.linspace(0, 1, 16)[:, None]
    for path in layer.vector_mask.paths:
        knots = list(path)
        points: list[tuple[int, int]] = []
        for knot, following in zip(knots, [*knots[1:], *knots[:1]], strict=True):
            corners = [
                np.array(point)
                for point in (knot.anchor, knot.leaving, following.preceding, following.anchor)
            ]
            curve = (
                (1 - steps) ** 3 * corners[0]
                + 3 * (1 - steps) ** 2 * steps * corners[1]
                + 3 * (1 - steps) * steps**2 * corners[2]
                + steps**3 * corners[3]
            )
            points += [
                (round(x * psd.width - 0.5), round(y * psd.height - 0.5)) for y, x in curve.clip(-1, 2)
            ]
        if len(points) > 2:
            drawing.polygon(points, fill=1)
    return np.asarray(image, np.bool_)
