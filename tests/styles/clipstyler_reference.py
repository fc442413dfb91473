"""CLIPstyler's loss once more, in NumPy and bare convolutions, written from the paper and apart from
``styles``.

Only the encoders' own forward passes are shared. Tiny models for tests are made here too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from open_clip.model import set_model_preprocess_cfg
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

Array = NDArray[np.float64]

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 128, "patch_size": 32, "width": 32, "layers": 2, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def preprocess(size: int) -> dict[str, Any]:
    return {
        "size": (size, size),
        "mode": "RGB",
        "mean": MEAN,
        "std": STD,
        "interpolation": "bicubic",
        "resize_mode": "shortest",
        "fill_color": 0,
    }


def tiny_clip(seed: int = 0) -> Any:
    """A randomly initialised open_clip model that takes milliseconds, in float64."""
    torch.manual_seed(seed)
    model = open_clip.CLIP(**TINY)
    set_model_preprocess_cfg(model, preprocess(128))
    return model.double().eval()


def tiny_vgg(seed: int = 0) -> nn.Sequential:
    """The layers of VGG19 with a sixteenth of its channels, in float64."""
    torch.manual_seed(seed)
    plan = [size if isinstance(size, str) else size // 16 for size in cfgs["E"]]
    layers: nn.Sequential = make_layers(plan)
    return layers.double().eval()


def pictures(height: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """(stylized, art), each (1, 3, height, width) float64 in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 12, 12, generator=generator, dtype=torch.float64)
    art = F.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    fine = torch.randn(1, 3, height // 4, width // 4, generator=generator, dtype=torch.float64)
    return (art + F.interpolate(fine, (height, width), mode="bicubic") / 5).clamp(0, 1), art


def unit(rows: Array) -> Array:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def bicubic_matrix(source: int, target: int) -> Array:
    """Weights of an antialiased bicubic resize, (target, source): Keys' kernel with a = -1/2, stretched."""
    scale = max(source / target, 1.0)
    centers = (np.arange(target) + 0.5) * source / target
    t = np.abs((np.arange(source)[None] + 0.5 - centers[:, None]) / scale)
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    weights = np.where(t < 1, near, np.where(t < 2, far, 0))
    return weights / weights.sum(axis=1, keepdims=True)


def resized(picture: Array, size: int) -> Array:
    """(3, H, W) -> (3, size, size)."""
    rows, columns = bicubic_matrix(picture.shape[1], size), bicubic_matrix(picture.shape[2], size)
    return np.asarray(rows @ picture @ columns.T)


def cut_out(picture: Array, crop: Array, homography: Array, size: int) -> Array:
    """One view, (3, size, size), pixel by pixel: black outside the crop, bilinear inside."""
    _, height, width = picture.shape
    left, top, crop_width, crop_height = crop
    middles = (np.arange(size) + 0.5) / size
    points = np.stack([np.tile(middles, size), np.repeat(middles, size), np.ones(size * size)])
    u, v, w = homography @ points
    u, v = u / w, v / w
    x = np.clip(left + u * crop_width - 0.5, 0, width - 1)
    y = np.clip(top + v * crop_height - 0.5, 0, height - 1)
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    above = picture[:, y0, x0] * (1 - (x - x0)) + picture[:, y0, x1] * (x - x0)
    below = picture[:, y1, x0] * (1 - (x - x0)) + picture[:, y1, x1] * (x - x0)
    inside = (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
    view = np.where(inside, above * (1 - (y - y0)) + below * (y - y0), 0)
    return np.asarray(view.reshape(3, size, size))


def embed_pictures(model: Any, batch: Array) -> Array:
    normalised = (batch - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
    with torch.no_grad():
        return unit(model.encode_image(torch.from_numpy(normalised)).numpy())


def embed_text(model: Any, text: str, templates: list[str]) -> Array:
    tokens = open_clip.tokenize([template.format(text) for template in templates])
    with torch.no_grad():
        return unit(model.encode_text(tokens).numpy().mean(axis=0))


def vgg_maps(layers: nn.Sequential, picture: Array) -> list[Array]:
    """conv4_2 and conv5_2 of VGG19 after their ReLU, by the parameters alone."""
    weights = [parameter.detach() for parameter in layers.parameters()]
    x = torch.from_numpy(picture)[None]
    x = (x - torch.tensor([0.485, 0.456, 0.406]).double().view(1, 3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).double().view(1, 3, 1, 1)
    found, number = [], 0
    for block, count in enumerate((2, 2, 4, 4, 4), start=1):
        for convolution in range(1, count + 1):
            x = F.relu(F.conv2d(x, weights[number], weights[number + 1], padding=1))
            number += 2
            if (block, convolution) in ((4, 2), (5, 2)):
                found.append(x[0].numpy())
        x = F.max_pool2d(x, 2)
    return found


def style_terms(
    model: Any,
    vgg: nn.Sequential,
    stylized: Array,
    art: Array,
    crops: Array,
    homographies: Array,
    *,
    style: str,
    source: str,
    templates: list[str],
) -> dict[str, float]:
    """The four published terms of one panel, with the published weights. Pictures are (3, H, W)."""
    size = model.visual.image_size
    size = size if isinstance(size, int) else size[0]
    text = embed_text(model, style, templates) - embed_text(model, source, templates)
    text /= np.linalg.norm(text)
    start = embed_pictures(model, resized(art, size)[None])

    whole = embed_pictures(model, resized(stylized, size)[None])
    patches = np.stack(
        [cut_out(stylized, crop, matrix, size) for crop, matrix in zip(crops, homographies, strict=True)]
    )
    losses = 1 - unit(embed_pictures(model, patches) - start) @ text
    losses[losses < 0.7] = 0

    x = stylized
    shifted = (
        x[:, :, :-1] - x[:, :, 1:],
        x[:, :-1] - x[:, 1:],
        x[:, 1:, :-1] - x[:, :-1, 1:],
        x[:, :-1, :-1] - x[:, 1:, 1:],
    )
    maps = zip(vgg_maps(vgg, stylized), vgg_maps(vgg, art), strict=True)
    return {
        "directional": 500 * float(1 - (unit(whole - start) @ text)[0]),
        "patch_directional": 9000 * float(losses.mean()),
        "content": 150 * float(sum(np.mean((ours - theirs) ** 2) for ours, theirs in maps)),
        "total_variation": 0.002 * float(sum(np.sqrt(np.sum(difference**2)) for difference in shifted)),
    }
