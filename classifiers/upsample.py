"""More pictures of a scarce domain: sketches, an old print, a second artist.

The six published ones are those with which A. Quan ("Building an Image Classification Model From A to Z",
2019) took 300 stills and posters of each film to 2,100, and a classifier of films from failing on sketches to
reading most of them. They are computed as scikit-image does, with the parameters published there.

Each works on a batch (N, 3, H, W) in [0, 1], every picture by its own values, and gives back the same shape
and range.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from classifiers.augment import StyleViews, random_convolution
from classifiers.data import Example
from pages.errors import InputError
from pages.progress import Progress, Stop, never, silent, stop_here

_LUMINANCE = (0.2125, 0.7154, 0.0721)
_PERCENTILES = 0.002, 0.998
_SIGMOID_GAIN = 10.0


@dataclass(frozen=True)
class Method:
    """One way to make another picture of a picture.

    Attributes:
        name: what people call it.
        change: (N, 3, H, W) in [0, 1] and a generator on the CPU -> the same shape and range.
        draws: it gives something else each time.
        moves: it moves what is drawn, so that regions no longer hold.
    """

    name: str
    change: Callable[[Tensor, torch.Generator], Tensor]
    draws: bool = False
    moves: bool = False


def grayscale(images: Tensor, generator: torch.Generator) -> Tensor:
    """Luminance in all channels: 0.2125 R + 0.7154 G + 0.0721 B (skimage.color.rgb2gray)."""
    weights = torch.tensor(_LUMINANCE).to(images).view(1, 3, 1, 1)
    return (images * weights).sum(dim=1, keepdim=True).expand_as(images).clamp(0, 1)


def inverted(images: Tensor, generator: torch.Generator) -> Tensor:
    """1 - x (skimage.util.invert)."""
    return 1 - images


def poisson_noise(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shot noise: Poisson(x v) / v, v being the number of different values in the picture, rounded up to a
    power of two (skimage.util.random_noise, mode "poisson").

    Counted are the values in eight bits, of which the published pictures were: a picture that has been
    resized has hundreds of thousands of values, and would get no noise.
    """
    levels = [image.mul(255).round().unique().numel() for image in images]
    values = torch.tensor([1 << (count - 1).bit_length() for count in levels]).view(-1, 1, 1, 1)
    noisy = torch.poisson(images.cpu().clamp_min(0) * values, generator=generator) / values
    return noisy.to(images).clamp(0, 1)


def rescaled_intensity(images: Tensor, generator: torch.Generator) -> Tensor:
    """From the 0.2nd to the 99.8th percentile of all its values stretched to [0, 1]
    (skimage.exposure.rescale_intensity). A picture of one value stays as it is."""
    low, high = (torch.quantile(images.flatten(1), share, dim=1).view(-1, 1, 1, 1) for share in _PERCENTILES)
    stretched = ((images - low) / (high - low).clamp_min(1e-12)).clamp(0, 1)
    return torch.where(high > low, stretched, images)


def log_adjusted(images: Tensor, generator: torch.Generator) -> Tensor:
    """log2(1 + x): shadows opened (skimage.exposure.adjust_log)."""
    return torch.log2(1 + images).clamp(0, 1)


def sigmoid_adjusted(images: Tensor, generator: torch.Generator) -> Tensor:
    """1 / (1 + exp(10 (0.5 - x))): more contrast in the middle (skimage.exposure.adjust_sigmoid; Braun and
    Fairchild, "Image lightness rescaling using sigmoidal contrast enhancement functions", 1999)."""
    return torch.sigmoid(_SIGMOID_GAIN * (images - 0.5))


def trivial_augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """One change of fourteen, of a random strength, for each picture (Müller and Hutter, "TrivialAugment",
    ICCV 2021; torchvision's TrivialAugmentWide). What comes from beyond the picture is white paper."""
    from torchvision.transforms import v2

    transform = v2.TrivialAugmentWide(interpolation=v2.InterpolationMode.BILINEAR, fill=255)
    seeds = torch.randint(2**31, (len(images),), generator=generator).tolist()
    changed = []
    with torch.random.fork_rng(devices=[]):  # it draws from torch's own generator alone
        for image, seed in zip(images, seeds, strict=True):
            torch.manual_seed(seed)
            changed.append(transform((image * 255).round().to(torch.uint8)))
    return (torch.stack(changed) / 255).to(images)


def style_method(style_views: StyleViews) -> Method:
    """Pictures in other styles, by a function that is handed in."""
    return Method("style view", style_views, draws=True)


SIX = (
    Method("grayscale", grayscale),
    Method("inverted", inverted),
    Method("Poisson noise", poisson_noise, draws=True),
    Method("rescaled intensity", rescaled_intensity),
    Method("log adjustment", log_adjusted),
    Method("sigmoid adjustment", sigmoid_adjusted),
)
"""The published ones."""

MODERN = (
    Method("TrivialAugment", trivial_augment, draws=True, moves=True),
    Method("random convolution", random_convolution, draws=True),
)
"""Those of today that need no network; ``style_method`` makes another."""


def upsample(
    examples: Sequence[Example],
    domains: Sequence[str],
    *,
    target: int,
    methods: Sequence[Method] = SIX,
    generator: torch.Generator,
    progress: Progress = silent,
    stop: Stop = never,
) -> list[Example]:
    """Bring every domain to a number of pictures by changed copies of its own.

    Each picture is changed by each method once, in a random order, before any is by one again; a method that
    draws nothing at random is used once on a picture at most, so a domain can fall short of the target.

    Args:
        examples: pictures of all the domains.
        domains: the domain of each ("film", "sketch").
        target: pictures that each domain shall have; those with as many stay as they are.
        methods: ``SIX``, ``MODERN``, both, or others.
        generator: on the CPU; the same one gives the same pictures.

    Returns:
        The examples, then the copies. A copy has its picture's labels and group, so no split divides them,
        and its regions unless the method moves what is drawn.

    Raises:
        InputError: not one domain for each example.
        Stopped: ``stop()`` became true.
    """
    if len(domains) != len(examples):
        raise InputError(
            f"{len(domains)} domains for {len(examples)} pictures.",
            remedy="Give one domain for each picture.",
        )
    plan: list[tuple[int, Method]] = []
    for domain, count in Counter(domains).items():
        rows = [row for row, own in enumerate(domains) if own == domain]
        plan += _copies(rows, target - count, methods, generator)
    copies = []
    for done, (row, method) in enumerate(plan):
        stop_here(stop, "making more pictures")
        example = examples[row]
        image = method.change(example.image[None].float().clamp(0, 1), generator)[0].detach()
        copies.append(replace(example, image=image, regions=() if method.moves else example.regions))
        progress(done + 1, len(plan), "making more pictures")
    return [*examples, *copies]


def _copies(
    rows: Sequence[int], wanted: int, methods: Sequence[Method], generator: torch.Generator
) -> list[tuple[int, Method]]:
    chosen: list[tuple[int, Method]] = []
    usable = list(methods)
    while len(chosen) < wanted and usable:
        pairs = [(row, method) for method in usable for row in rows]
        order = torch.randperm(len(pairs), generator=generator).tolist()
        chosen += [pairs[place] for place in order]
        usable = [method for method in usable if method.draws]
    return chosen[: max(0, wanted)]
