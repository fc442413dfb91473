"""Which weights there are: name, origin, licence and hash; and the networks built from them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from pages.errors import WeightsError
from styles.stylenet import StyleNet
from styles.vocabulary import Vocabulary

_EMBEDDED = Path(__file__).parent / "embedded"


@dataclass(frozen=True)
class Weights:
    """One weight file.

    Attributes:
        name: what the code calls it.
        path: the safetensors file.
        origin: who trained it on what.
        licence: SPDX name.
        sha256: hash of the file, checked before it is used.
    """

    name: str
    path: Path
    origin: str
    licence: str
    sha256: str


def weights_names() -> tuple[str, ...]:
    """The names of all embedded weights."""
    return tuple(_manifest())


def weights(name: str) -> Weights:
    """The weights of that name, whole and unchanged.

    Raises:
        WeightsError: no such name; the file is missing or is not the one that was shipped.
    """
    manifest = _manifest()
    if name not in manifest:
        raise WeightsError(f"no weights called {name!r}", remedy=f"There are: {', '.join(manifest)}.")
    entry = manifest[name]
    path = _EMBEDDED / entry["file"]
    if not path.is_file():
        raise WeightsError(f"{path}: the {name} weights are missing", remedy=_REINSTALL)
    if _sha256(path) != entry["sha256"]:
        raise WeightsError(
            f"{path}: the {name} weights are damaged or not the shipped ones", remedy=_REINSTALL
        )
    return Weights(name, path, entry["origin"], entry["licence"], entry["sha256"])


def load_stylenet() -> StyleNet:
    """The pretrained StyleNet, in float32 and evaluation mode.

    Raises:
        WeightsError: its weights are missing or damaged.
    """
    path = weights("stylenet").path
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        network = StyleNet(Vocabulary(json.loads(metadata["words"])), **json.loads(metadata["config"]))
        network.load_state_dict({key: value.float() for key, value in load_file(path).items()})
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path}: not StyleNet's weights ({error})", remedy=_REINSTALL) from error
    return network.eval()


def seal(name: str, file: str) -> None:
    """Record a freshly trained weight file (in ``styles/embedded``) and its hash in the manifest."""
    manifest = _manifest()
    manifest[name] = {
        "file": file,
        "origin": f"trained by styles.embedded.train {name} on pictures that it draws itself",
        "licence": "MIT",
        "sha256": _sha256(_EMBEDDED / file),
    }
    text = json.dumps(dict(sorted(manifest.items())), indent=2) + "\n"
    (_EMBEDDED / "weights.json").write_text(text, encoding="utf-8")


def _manifest() -> dict[str, dict[str, str]]:
    path = _EMBEDDED / "weights.json"
    try:
        manifest: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path}: the list of weights cannot be read ({error})", remedy=_REINSTALL
        ) from error
    return manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_REINSTALL = "Install comicloss again, or fetch the file from the repository: git checkout -- styles/embedded"
