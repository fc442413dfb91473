"""The embedded CLIP: an open_clip model of about two million parameters with its own vocabulary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from pages.errors import WeightsError
from pages.files import write_atomic
from styles.embedded.clip_tower import TOWER_NAME
from styles.registry import weights
from styles.vocabulary import Vocabulary

_FOLDER = Path(__file__).parent
IMAGE_SIZE = 128


def clip_config(words: int) -> dict[str, Any]:
    """open_clip's configuration of the model, for a vocabulary of ``words`` numbers."""
    return {
        "model_cfg": {
            "embed_dim": 192,
            "vision_cfg": {
                "image_size": IMAGE_SIZE,
                "timm_model_name": TOWER_NAME,
                "timm_model_pretrained": False,
                "timm_pool": "",
                "timm_proj": "linear",
            },
            "text_cfg": {
                "context_length": 24,
                "vocab_size": words,
                "width": 128,
                "heads": 4,
                "layers": 2,
                "pool_type": "eos",
                "eos_id": 2,
            },
            "init_logit_scale": 2.302585,
            "init_logit_bias": -6.0,
        },
        "preprocess_cfg": {
            "size": [IMAGE_SIZE, IMAGE_SIZE],
            "mean": [0.0, 0.0, 0.0],
            "std": [1.0, 1.0, 1.0],
            "interpolation": "bilinear",
            "resize_mode": "squash",
        },
    }


def build_clip(config: dict[str, Any]) -> Any:
    """An open_clip.CLIP of that configuration (see ``clip_config``), with fresh parameters."""
    from open_clip import CLIP
    from open_clip.model import set_model_preprocess_cfg
    from open_clip.transform import PreprocessCfg

    model = CLIP(**config["model_cfg"])
    preprocess = PreprocessCfg(**config["preprocess_cfg"])
    set_model_preprocess_cfg(model, vars(preprocess))
    return model


def load_embedded_clip() -> tuple[Any, Vocabulary]:
    """The shipped model, in float32 and evaluation mode, and the words it knows.

    Raises:
        WeightsError: its files are missing or damaged.
    """
    path = weights("clip").path
    try:
        config = json.loads((_FOLDER / "clip.json").read_text(encoding="utf-8"))
        words = Vocabulary(json.loads((_FOLDER / "vocabulary.json").read_text(encoding="utf-8")))
        model = build_clip(config)
        model.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise WeightsError(
            f"{path}: not the embedded CLIP's weights ({error})",
            remedy="Install comicloss again, or fetch the files: git checkout -- styles/embedded",
        ) from error
    return model.eval(), words


def write_settings(config: dict[str, Any], words: Vocabulary) -> None:
    """Put ``clip.json`` and ``vocabulary.json`` beside the weights."""
    write_atomic(_FOLDER / "clip.json", (json.dumps(config, indent=2) + "\n").encode())
    write_atomic(_FOLDER / "vocabulary.json", (json.dumps(words.words, indent=0) + "\n").encode())
