"""Layers whose names say that they hold lettering or balloons: the artist knows best where those are."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pages.limits import LIMITS, Limits
from pages.native import moved
from pages.worker import ask

Mask = NDArray[np.bool_]

_TEXT = """
    text texts lettering letter letters letterer dialogue dialogues dialog dialogs words speech sfx
    sound sounds onomatopoeia title titles
    schrift beschriftung dialoge lautmalerei gerausche titel texte
    textes lettrage lettres paroles onomatopee onomatopees bruitage bruitages titre
    texto textos rotulacion rotulos letras dialogo dialogos onomatopeya onomatopeyas titulo
"""
_BALLOONS = """
    balloon balloons bubble bubbles speechbubble speechbubbles speechballoon speechballoons
    wordballoon wordballoons caption captions
    sprechblase sprechblasen blase blasen denkblase denkblasen textfeld textfelder textkasten
    bulle bulles phylactere phylacteres cartouche cartouches recitatif recitatifs
    globo globos bocadillo bocadillos cartela cartelas
"""
_TEXT_JA = ("文字", "写植", "セリフ", "台詞", "テキスト", "せりふ", "効果音", "オノマトペ", "擬音")
_BALLOONS_JA = ("フキダシ", "吹き出し", "吹出", "ふきだし", "ナレーション")


def lettering_layers(path: Path, *, limits: Limits = LIMITS) -> tuple[Mask, Mask] | None:
    """Where the lettering is, by the names of a PSD's or OpenRaster's layers and groups.

    Only visible layers count. A layer's own name counts before those of the groups around it; a type layer of
    a PSD is text whatever its name. Names are understood in English, German, French, Spanish and Japanese.

    Returns:
        (text, balloons), each (H, W) bool in the size of the page, or None if no layer is named so, or the
        file has no layers.

    Raises:
        InputError, ResourceError: as for ``pages.read.load_rgb``.
    """
    blobs = ask("lettering", path, limits).blobs
    if not blobs:
        return None
    text, balloons = (np.asarray(blob, dtype=np.bool_) for blob in blobs)
    return text, balloons


def said_by(name: str) -> tuple[bool, bool]:
    """(is it for text, is it for balloons), by a layer's name.

    >>> said_by("SFX top"), said_by("Sprechblasen"), said_by("Texture")
    ((True, False), (False, True), (False, False))
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(sign))
    words = set(re.findall(r"[^\W\d_]+", plain))
    return (
        bool(words & set(_TEXT.split())) or any(word in folded for word in _TEXT_JA),
        bool(words & set(_BALLOONS.split())) or any(word in folded for word in _BALLOONS_JA),
    )


def psd_lettering(file: BinaryIO, shown: str, limits: Limits) -> tuple[Mask, Mask] | None:
    """As ``lettering_layers``, in the second process."""
    from pages.psd import layer_cover, open_psd

    psd = open_psd(file, shown, limits)
    masks = _Masks((psd.height, psd.width))

    def walk(group: Any, inherited: tuple[bool, bool]) -> None:
        for layer in group:
            if not layer.visible or not layer.opacity:
                continue
            said = said_by(layer.name)
            if layer.is_group():
                walk(layer, said if any(said) else inherited)
                continue
            if not any(said):
                said = (True, False) if layer.kind == "type" else inherited
            if any(said):
                cover, left, top = layer_cover(layer, shown, limits)
                masks.add(cover, left, top, said)

    walk(psd, (False, False))
    return masks.found()


def open_raster_lettering(members: Any, shown: str, limits: Limits) -> tuple[Mask, Mask] | None:
    """As ``lettering_layers``, in the second process."""
    from pages import archive
    from pages.decode import check_size, picture_bytes

    image = archive.layer_stack(members, shown, limits)
    if image is None:
        return None
    width, height = (int(archive.attribute(image, side, 0)) for side in ("w", "h"))
    check_size(width, height, shown, limits)
    masks = _Masks((height, width))
    names = set(members.namelist())

    def walk(stack: Any, inherited: tuple[bool, bool], x: float, y: float) -> None:
        for item in stack:
            hidden = item.get("visibility", "visible") != "visible" or not archive.attribute(
                item, "opacity", 1
            )
            if hidden:
                continue
            said = said_by(item.get("name", ""))
            said = said if any(said) else inherited
            left, top = x + archive.attribute(item, "x", 0), y + archive.attribute(item, "y", 0)
            if item.tag == "stack":
                walk(item, said, left, top)
            elif item.tag == "layer" and any(said) and item.get("src") in names:
                content = archive.read_entry(members, members.getinfo(item.get("src")), shown, limits)
                picture = picture_bytes(content, shown, limits)
                solid = np.ones(picture.values.shape[:2], np.bool_)
                masks.add(solid if picture.alpha is None else picture.alpha > 0, int(left), int(top), said)

    walk(image, (False, False), 0, 0)
    return masks.found()


class _Masks:
    """Text and balloons of a page, gathered from layers."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._masks = (np.zeros(shape, np.bool_), np.zeros(shape, np.bool_))
        self._named = False

    def add(self, cover: Mask, left: int, top: int, said: tuple[bool, bool]) -> None:
        """Lay a layer's cover at its place; what hangs over the page's edge is cut."""
        self._named = True
        for mask, meant in zip(self._masks, said, strict=True):
            if meant:
                mask |= moved(cover, left, top, mask.shape, beyond=False)

    def found(self) -> tuple[Mask, Mask] | None:
        return self._masks if self._named else None
