"""Progressive resizing: small pictures first, large ones at the end."""

from __future__ import annotations

from collections.abc import Sequence


def size_of_epoch(sizes: Sequence[int], epoch: int, epochs: int) -> int:
    """The side of the training squares in an epoch: the epochs are shared out evenly among the sizes, in
    order.

    Small squares cost less and blur what is not needed yet; the network then meets the full size with weights
    that are nearly right (Howard et al., fast.ai's DAWNBench entry, 2018; in "Deep Learning for Coders with
    fastai and PyTorch", 2020, chapter 7, it is called progressive resizing). Give the sizes from small to
    large; the last is the size at which the classifiers will be used.
    """
    return sizes[min(len(sizes) - 1, epoch * len(sizes) // max(1, epochs))]
