"""Where the lettering of a story's page is, and what of it stays as drawn: what the story says about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from comicloss.story import Story, StoryPage
from pages.keeping import Kept, kept_lettering
from pages.layers import lettering_layers
from pages.lettering import Lettering, find_lettering, lettering_of
from pages.model import Box
from pages.painted import painted_lettering

_LAYERED = (".psd", ".psb", ".ora")


def page_lettering(page: StoryPage, folder: Path, picture: NDArray[np.uint8]) -> Lettering:
    """Where the lettering of a page is: painted by the author, else by the file's layers, else found.

    Args:
        page: whose lettering it is.
        folder: of the story.
        picture: the page, (H, W, 3) uint8.

    Returns:
        In the page's own size.

    Raises:
        InputError: the mask picture or the page cannot be read.
    """
    if page.lettering_mask is not None:
        height, width = picture.shape[:2]
        return painted_lettering(folder / page.lettering_mask, width, height)
    if Path(page.file).suffix in _LAYERED:
        layers = lettering_layers(folder / page.file)
        if layers is not None:
            return lettering_of(*layers)
    return find_lettering(picture)


def page_kept(story: Story, page: StoryPage, folder: Path, picture: NDArray[np.uint8]) -> Kept:
    """What of the lettering of a page stays as drawn, in the page's own size.

    Args:
        story: of the page.
        page: whose lettering it is.
        folder: of the story.
        picture: the page, (H, W, 3) uint8.

    Raises:
        InputError: the mask picture or the page cannot be read.
    """
    items = [(Box.from_xywh(*item.box), item.treat) for item in page.lettering_items]
    return kept_lettering(page_lettering(page, folder, picture), story.treatment(page), items)
