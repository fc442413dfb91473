"""Whatever is done to a file of any kind, reading it gives a picture or a refusal that names it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import made
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pages.errors import InputError, ResourceError
from pages.layers import lettering_layers
from pages.limits import Limits
from pages.names import natural_key
from pages.read import load_native, load_rgb, pages_in, picture_size

ROOT = Path(__file__).parent.parent.parent
IMAGE = made.ramp(12, 16)
FILES = {
    **{kind: made.pillow(IMAGE, kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")},
    "16-bit PNG": made.png_16(made.ramp(12, 16, dtype=np.uint16)),
    "16-bit TIFF": made.tiff(made.ramp(12, 16, dtype=np.uint16), photometric="rgb", compression="deflate"),
    "pages": made.tiff_pages([IMAGE, IMAGE], photometric="rgb"),
    "palette": made.pillow(Image.fromarray(IMAGE).quantize(8), "PNG"),
    "PSD": made.psd_rgb(IMAGE, layers=[{"name": "text", "box": (1, 1, 5, 5)}]),
    "OpenRaster": made.open_raster(IMAGE),
    "CBZ": made.cbz({"1.png": made.pillow(IMAGE, "PNG"), "2.jpg": made.pillow(IMAGE, "JPEG")}),
    "PDF": made.pdf(made.picture_stream(IMAGE.tobytes(), 16, 12), size=(16, 12)),
}
# A page may say that it is as large as the limits allow; smaller ones keep this quick.
LIMITS = Limits(pixels=2_000_000, seconds=20)


def read_or_refused(path: Path) -> None:
    for read in (
        lambda: load_rgb(path, limits=LIMITS),
        lambda: load_native(path, limits=LIMITS),
        lambda: [part.read() for part in pages_in(path, limits=LIMITS)],
        lambda: picture_size(path, limits=LIMITS),
        lambda: lettering_layers(path, limits=LIMITS),
    ):
        try:
            read()
        except (InputError, ResourceError) as error:
            assert str(path) in error.problem
            assert error.remedy


@pytest.mark.parametrize("kind", FILES)
def test_the_files_are_good_to_begin_with(tmp_path: Path, kind: str) -> None:
    (tmp_path / "page").write_bytes(FILES[kind])
    assert load_rgb(tmp_path / "page").shape == (12, 16, 3)
    assert picture_size(tmp_path / "page") == (16, 12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(FILES)),
    end=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 7)), max_size=8),
    spliced=st.binary(max_size=16),
    place=st.floats(0, 1),
)
def test_damaged_files(
    tmp_path: Path, kind: str, end: float, flips: list[tuple[float, int]], spliced: bytes, place: float
) -> None:
    data = bytearray(FILES[kind])
    for where, bit in flips:
        data[int(where * len(data))] ^= 1 << bit
    middle = int(place * len(data))
    data[middle : middle + len(spliced)] = spliced
    path = tmp_path / "damaged"
    path.write_bytes(data[: max(1, round(end * len(data)))] if end < 0.9 else data)
    read_or_refused(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=40)
)
def test_members_of_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "book.cbz"
    path.write_bytes(made.cbz({"1.png": FILES["PNG"], f"{name}.png": FILES["PNG"]}))
    read_or_refused(path)


@given(st.lists(st.text(max_size=12), max_size=8))
def test_any_names_can_be_put_in_order(names: list[str]) -> None:
    keys = sorted(natural_key(Path(name)) for name in names)
    assert keys == sorted(reversed(keys))


@given(st.lists(st.integers(0, 10**40), min_size=2, max_size=6))
def test_numbers_order_by_value(numbers: list[int]) -> None:
    names = sorted((Path(f"page{number}.png") for number in numbers), key=natural_key)
    assert [int(name.stem[4:]) for name in names] == sorted(numbers)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="atheris is for Linux")
def test_a_minute_of_fuzz_finds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "fuzz_readers.py"), "--seconds", "60"]
    run = subprocess.run(
        [*command, "--findings", str(tmp_path)], capture_output=True, text=True, timeout=200, check=False
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert " 0 findings" in run.stdout
