"""One encoder for pictures and texts: the embedded CLIP, or any open_clip model."""

from __future__ import annotations

import difflib
import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor, nn

from pages.errors import ComicLossError, UsageError, WeightsError
from styles.vocabulary import Vocabulary, telling_words

EXAMPLE = "ViT-B-32/laion2b_s34b_b79k"
"""A well-tried real CLIP: MIT licence, about 600 MB."""

_WEIGHTS_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
_OWN_FOLDER = (
    "or copy the model's folder (open_clip_config.json and open_clip_model.safetensors) here and name it: "
    "--clip /path/to/folder"
)
_EMBEDDED_TEMPLATES = ("{}",)


class ClipEncoder(nn.Module):
    """A frozen CLIP; gradients flow through it to the pictures.

    Args:
        model: an open_clip model; frozen and set to evaluation mode here.
        tokenize: texts -> word numbers (T, L).
        name: what people call it.
        templates: sentences with ``{}`` for the prompt, whose embeddings are averaged.
        vocabulary: the words that the model knows, where it knows only some.
        stride: given for a convolutional tower, which takes pictures of any size: what their sides must be a
            multiple of.

    Attributes:
        image_size: side in pixels of the square pictures that the model was trained on.
    """

    def __init__(
        self,
        model: Any,
        tokenize: Callable[[list[str]], Tensor],
        *,
        name: str,
        templates: Sequence[str] = ("{}",),
        vocabulary: Vocabulary | None = None,
        stride: int | None = None,
    ) -> None:
        from open_clip.model import get_model_preprocess_cfg

        super().__init__()
        self.model = model.eval().requires_grad_(False)
        self.tokenize = tokenize
        self.name = name
        self.templates = tuple(templates)
        self.vocabulary = vocabulary
        self.stride = stride
        preprocess = get_model_preprocess_cfg(model)
        size = preprocess["size"]
        self.image_size: int = size if isinstance(size, int) else size[0]
        self._interpolation = "bilinear" if preprocess.get("interpolation") == "bilinear" else "bicubic"
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(preprocess["mean"]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preprocess["std"]).view(1, 3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> ClipEncoder:
        """A guide never learns: it stays in evaluation mode."""
        return super().train(False)

    def resize(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 3, image_size, image_size): antialiased, differentiable, nothing cut off.

        open_clip's preprocessing crops the middle out of a picture that is not square, and CLIPstyler does
        not antialias. A panel is shown to the encoder whole, and halftone must not turn into moiré.
        """
        size = (self.image_size, self.image_size)
        if images.shape[-2:] == size:
            return images
        return F.interpolate(images, size, mode=self._interpolation, antialias=True, align_corners=False)

    def encode_image(self, images: Tensor) -> Tensor:
        """Pictures of any size, (N, 3, H, W) in [0, 1] -> (N, D), L2-normalised; differentiable."""
        prepared = (self.resize(images) - self.mean) / self.std
        return F.normalize(self.model.encode_image(prepared), dim=-1)

    @torch.no_grad()
    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Texts -> embeddings (T, D), L2-normalised.

        Each text is put into every template, and the embeddings are averaged before they are normalised
        (prompt ensembling, Radford et al. 2021, as in CLIPstyler's code).
        """
        sentences = [template.format(text) for text in texts for template in self.templates]
        embeddings = self.model.encode_text(self.tokenize(sentences).to(self.mean.device))
        return F.normalize(embeddings.unflatten(0, (len(texts), -1)).mean(dim=1), dim=-1)

    def features(self, images: Tensor, *, count: int = 4) -> list[Tensor]:
        """What the image tower sees on its way, (N, 3, H, W) in [0, 1] -> up to ``count`` maps (N, C, h, w).

        They are spread evenly over the tower's depth, shallow ones first. A convolutional tower looks at the
        picture in its own size (extended to a multiple of ``stride``); any other one as in ``encode_image``.
        """
        if self.stride is None:
            images = self.resize(images)
        else:
            height, width = images.shape[-2:]
            images = F.pad(images, (0, -width % self.stride, 0, -height % self.stride), mode="replicate")
        prepared = (images - self.mean) / self.std
        found = self.model.visual.forward_intermediates(prepared, intermediates_only=True, output_fmt="NCHW")
        maps: list[Tensor] = found["image_intermediates"]
        count = min(count, len(maps))
        return [maps[(number + 1) * len(maps) // count - 1] for number in range(count)]

    def check_prompt(self, text: str) -> list[str]:
        """Make sure that a prompt says something to this encoder.

        Returns:
            The words that it does not know and will ignore; always empty for a real CLIP.

        Raises:
            UsageError: the prompt is empty.
            WeightsError: the encoder knows no word of it.
        """
        if not text.strip():
            raise UsageError(
                "the style prompt is empty", remedy='Say what it should look like: "watercolor".'
            )
        if self.vocabulary is None:
            return []
        telling = telling_words(text)
        unknown = [word for word in telling if word not in self.vocabulary]
        if len(unknown) == len(telling):
            raise WeightsError(
                f"the embedded CLIP knows no word of {text!r}", remedy=self._known_words(telling)
            )
        return unknown

    def _known_words(self, words: list[str]) -> str:
        assert self.vocabulary is not None
        known = telling_words(" ".join(self.vocabulary.words))
        near = list(
            dict.fromkeys(match for word in words for match in difflib.get_close_matches(word, known, n=3))
        )
        nearest = f"Nearest to it: {', '.join(near)}. " if near else ""
        return (
            f"{nearest}For any words at all use a real CLIP: --clip {EXAMPLE}.\n"
            f"  Words that the embedded one knows: {', '.join(known)}."
        )


def load_clip(name: str | None = None) -> ClipEncoder:
    """The encoder of that name.

    Args:
        name: None for the embedded one; "ViT-B-32/laion2b_s34b_b79k", a model and a tag that open_clip lists;
            "hf-hub:owner/model"; "local-dir:/path" or simply the path of a folder with open_clip_config.json
            and open_clip_model.safetensors.

    Raises:
        WeightsError: no such model, or its weights are missing, damaged or not safetensors.
    """
    if name is None:
        from styles.embedded.clip_model import load_embedded_clip

        model, vocabulary = load_embedded_clip()
        return ClipEncoder(
            model,
            lambda texts: vocabulary.encode(texts, model.context_length),
            name="embedded",
            templates=_EMBEDDED_TEMPLATES,
            vocabulary=vocabulary,
            stride=32,
        )
    try:
        model, tokenize = _open_clip(name)
        return ClipEncoder(model, tokenize, name=name, templates=published_templates())
    except ComicLossError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, ImportError, SafetensorError) as error:
        raise WeightsError(
            f"{name}: this CLIP cannot be loaded ({error})",
            remedy="The file may be damaged or belong to another model; fetch it again.",
        ) from error


def published_templates() -> tuple[str, ...]:
    """CLIPstyler's 79 sentences: those of CLIP on ImageNet but for "a photo of many {}."."""
    from open_clip import OPENAI_IMAGENET_TEMPLATES

    sentences = [template("{}") for template in OPENAI_IMAGENET_TEMPLATES]
    return tuple(sentence for sentence in sentences if sentence != "a photo of many {}.")


def _open_clip(name: str) -> tuple[Any, Callable[[list[str]], Tensor]]:
    """(model, tokenizer). Only safetensors are opened; only a missing file is looked for on the net."""
    import open_clip

    if name.startswith("hf-hub:"):
        repository = name.removeprefix("hf-hub:")
        folder = hub_file(repository, "open_clip_config.json").parent
        hub_file(repository, _WEIGHTS_FILES[0])
        return _from_folder(folder), open_clip.get_tokenizer(name)
    folder = Path(name.removeprefix("local-dir:")).expanduser()
    if name.startswith("local-dir:") or folder.is_dir():
        return _from_folder(folder), open_clip.get_tokenizer(f"local-dir:{folder}")

    architecture, tag = _listed(name)
    entry = open_clip.get_pretrained_cfg(architecture, tag)
    repository, _, file = entry.get("hf_hub", "").rpartition("/")
    if not repository:
        raise WeightsError(
            f"{name}: there are no safetensors of it", remedy=f"Take another, such as {EXAMPLE}."
        )
    path = hub_file(repository, str(Path(file).with_suffix(".safetensors")) if file else _WEIGHTS_FILES[0])
    model = open_clip.create_model(
        architecture,
        pretrained=str(path),
        force_quick_gelu=bool(entry.get("quick_gelu")),
        force_preprocess_cfg={key: entry[key] for key in ("mean", "std", "interpolation") if entry.get(key)},
    )
    return model, open_clip.get_tokenizer(architecture)


def _from_folder(folder: Path) -> Any:
    import open_clip

    if not folder.is_dir():
        raise WeightsError(f"{folder}: there is no such folder", remedy="Check the path after --clip.")
    config = folder / "open_clip_config.json"
    if not config.is_file() or not any((folder / file).is_file() for file in _WEIGHTS_FILES):
        raise WeightsError(
            f"{folder}: this is no folder of a CLIP",
            remedy=f"It must hold open_clip_config.json and {_WEIGHTS_FILES[0]} (no pickled .bin or .pt).",
        )
    if "model_cfg" not in json.loads(config.read_text(encoding="utf-8")):
        raise WeightsError(
            f"{config}: model_cfg is missing",
            remedy='open_clip writes {"model_cfg": …, "preprocess_cfg": …}.',
        )
    return open_clip.create_model(f"local-dir:{folder}")


def _listed(name: str) -> tuple[str, str]:
    """Split "model/tag" and make sure that open_clip lists it."""
    import open_clip

    model, _, tag = name.rpartition("/")
    architecture = model.replace("/", "-")
    if tag in open_clip.list_pretrained_tags_by_model(architecture):
        return architecture, tag
    tags = open_clip.list_pretrained_tags_by_model(name.replace("/", "-"))
    if tags:
        remedy = f"Say which weights of it: {', '.join(f'{name}/{known}' for known in tags)}."
    elif models := open_clip.list_pretrained_models_by_tag(name):
        remedy = f"Say of which model: {', '.join(f'{known}/{name}' for known in models)}."
    else:
        listed = ["/".join(pair) for pair in open_clip.list_pretrained()]
        near = difflib.get_close_matches(name, listed, n=3, cutoff=0.4)
        known = ", ".join(near) or EXAMPLE
        remedy = f"Nearest that open_clip knows: {known}. Or name a folder, or hf-hub:owner/model."
    raise WeightsError(f"{name}: no such CLIP", remedy=remedy)


def hub_file(repository: str, file: str, *, otherwise: str = _OWN_FOLDER) -> Path:
    """A file of a Hugging Face repository, from the cache or the net.

    Args:
        repository: "owner/name".
        file: its path there.
        otherwise: what a person without the net can do.

    Raises:
        WeightsError: it is neither in the cache nor to be had.
    """
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

    cached = try_to_load_from_cache(repository, file)
    if isinstance(cached, str):
        return Path(cached)
    try:
        _reach(constants.ENDPOINT)
        return Path(hf_hub_download(repository, file))
    except Exception as error:  # sockets, httpx and the hub have each their own kinds
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise WeightsError(
            f"{repository}/{file}: not on this computer, and it cannot be fetched ({reason})",
            remedy=f"Connect to the net once and run the same again; {otherwise}; or leave --clip out: the "
            "embedded CLIP needs no download.",
        ) from error


def _reach(address: str) -> None:
    """Raise OSError if there is no way to a server: its client would try for half a minute first."""
    if getproxies():
        return
    host = urlsplit(address)
    socket.create_connection((host.hostname, host.port or 443), timeout=5).close()
