"""From a picture as the classifiers see it to one as ``pages`` and the libraries of curation see it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def as_pixels(image: Tensor) -> NDArray[np.uint8]:
    """(3, h, w) float in [0, 1] -> (h, w, 3) uint8."""
    values = (image.detach().cpu().clamp(0, 1) * 255).round().permute(1, 2, 0)
    return np.ascontiguousarray(values.numpy().astype(np.uint8))
