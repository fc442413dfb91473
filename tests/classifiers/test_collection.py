"""Labeled pictures on disk: folders of classes, CSVs, and what people get wrong in them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from classifiers.collection import Collection, Picture, read_collection, write_collection
from pages.errors import ComicLossError, InputError, Stopped, UsageError


def draw(path: Path, shade: int = 0, size: tuple[int, int] = (20, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade, 100, 200)).save(path)
    return path


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    root = tmp_path / "classes"
    for shade, name in enumerate(
        ("cat2/a.png", "cat2/deep/er/b.png", "cat10/a.png", "Dog/a.jpg", "Dog/b.png")
    ):
        draw(root / name, 40 * shade)
    (root / "cat2" / "notes.txt").write_text("not a picture")
    (root / "cat2" / ".hidden.png").write_text("")
    (root / ".cache").mkdir()
    return root


def sheet(folder: Path, text: str, encoding: str = "utf-8", pictures: int = 3) -> Path:
    for number in range(pictures):
        draw(folder / f"{number}.png", 50 * number)
    path = folder / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


def labels(collection: Collection) -> dict[str, tuple[float | None, ...]]:
    return {picture.path.name: picture.labels for picture in collection.pictures}


# --- folders ---------------------------------------------------------------------------------------------


def test_each_class_folder_is_an_element(classes: Path) -> None:
    collection = read_collection(classes)
    assert collection.element_names == ("cat2", "cat10", "Dog")
    found = {picture.path.relative_to(classes).as_posix(): picture for picture in collection.pictures}
    assert {name: picture.labels for name, picture in found.items()} == {
        "cat2/a.png": (1, 0, 0),
        "cat2/deep/er/b.png": (1, 0, 0),
        "cat10/a.png": (0, 1, 0),
        "Dog/a.jpg": (0, 0, 1),
        "Dog/b.png": (0, 0, 1),
    }
    assert found["cat2/deep/er/b.png"].group == "cat2/deep/er/b"
    assert len({picture.group for picture in collection.pictures}) == 5


def test_examples_are_small_float_pictures_with_their_labels(classes: Path) -> None:
    draw(classes / "Dog" / "c.png", 7, size=(1000, 500))
    example = read_collection(classes).examples()[-1]
    assert example.image.shape == (3, 192, 384) and example.image.dtype == torch.float32
    torch.testing.assert_close(example.image[:, 0, 0], torch.tensor([7, 100, 200]) / 255)
    assert example.labels.tolist() == [0, 0, 1] and example.known.tolist() == [1, 1, 1]


def test_a_picture_that_cannot_be_read_does_not_lose_the_rest(classes: Path) -> None:
    (classes / "cat2" / "bad.png").write_bytes(b"this is no picture")
    told = []
    loaded = read_collection(classes).load(lambda done, total, what: told.append((done, total)))
    assert len(loaded.examples) == len(loaded.pictures) == 5
    [(picture, reason)] = loaded.unreadable
    assert picture.path.name == "bad.png" and "bad.png" in reason
    assert told[-1] == (6, 6)


def test_none_that_can_be_read_is_refused(classes: Path) -> None:
    for path in classes.rglob("*.*"):
        if path.is_file():
            path.write_bytes(str(path).encode())
    with pytest.raises(InputError, match=r"None of the 5 pictures"):
        read_collection(classes).examples()


def test_a_class_that_loses_its_pictures_is_told(classes: Path) -> None:
    (classes / "cat10" / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"(?s)No picture shows cat10 once 1 .*cat10/a.png"):
        read_collection(classes).examples()


def test_reading_can_be_stopped(classes: Path) -> None:
    with pytest.raises(Stopped):
        read_collection(classes).examples(stop=lambda: True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda root: (root / "empty").mkdir(), r"empty: no pictures"),
        (lambda root: draw(root / "loose.png"), r"loose\.png in no class folder"),
    ],
)
def test_folders_that_are_not_classes(classes: Path, change: object, told: str) -> None:
    change(classes)  # type: ignore[operator]
    with pytest.raises(InputError, match=told):
        read_collection(classes)


def test_an_empty_folder_loose_pictures_and_a_split_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no class folders and no pictures"):
        read_collection(tmp_path)
    draw(tmp_path / "a" / "x.png")
    with pytest.raises(InputError, match="1 pictures but no class folders"):
        read_collection(tmp_path / "a")
    draw(tmp_path / "b" / "train" / "cat" / "x.png")
    draw(tmp_path / "b" / "Val" / "cat" / "x.png")
    with pytest.raises(InputError, match="parts of a split"):
        read_collection(tmp_path / "b")
    with pytest.raises(InputError, match="no such file or folder"):
        read_collection(tmp_path / "nowhere")


def test_one_class_only(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "x.png")
    with pytest.raises(InputError, match="one class only, cat"):
        read_collection(tmp_path).examples()


def test_the_same_picture_in_two_classes(classes: Path) -> None:
    (classes / "Dog" / "twin.png").write_bytes((classes / "cat2" / "a.png").read_bytes())
    collection = read_collection(classes)  # can be looked at, to find such pictures
    with pytest.raises(InputError, match=r"(?s)contradictory.*cat2/a\.png and .*Dog/twin\.png \(cat2, Dog\)"):
        collection.check()


# --- CSV -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("file,labels\n0.png,Zoë;cat\n1.png,\n2.png, cat ;;cat\n", "utf-8"),
        ("file,labels\r\n0.png,Zoë;cat\r\n1.png,\r\n2.png,cat\r\n", "utf-8-sig"),
        ('File;LABELS\n0.png;"Zoë;cat"\n1.png;\n2.png;cat\n', "utf-16"),
        ("labels\tfile\tremark\nZoë;cat\t0.png\t\n\t1.png\t\ncat\t2.png\tx\n\n", "utf-8"),
        (",file,labels\n0,0.png,Zoë;cat\n1,1.png,\n2,2.png,cat\n", "utf-8"),
    ],
)
def test_lists_of_labels(tmp_path: Path, text: str, encoding: str) -> None:
    collection = read_collection(sheet(tmp_path, text, encoding))
    assert collection.element_names == ("cat", "Zoë")
    assert labels(collection) == {"0.png": (1, 1), "1.png": (0, 0), "2.png": (1, 0)}
    assert read_collection(tmp_path) == collection  # the folder that holds labels.csv


@pytest.mark.parametrize(
    "text",
    [
        "file,group,Hero,Dog\n0.png,s1,1,0\n./1.png,s1,,0.25\nsub/../2.png,,0,1\n",
        "file;Hero;Dog;group\n0.png;1;0;s1\n1.png;;0,25;s1\n2.png;0;1;\n",
    ],
)
def test_a_column_for_each_element(tmp_path: Path, text: str) -> None:
    collection = read_collection(sheet(tmp_path, text))
    assert collection.element_names == ("Hero", "Dog")
    assert labels(collection) == {"0.png": (1, 0), "1.png": (None, 0.25), "2.png": (0, 1)}
    assert [picture.group for picture in collection.pictures] == ["s1", "s1", "2"]
    example = collection.examples()[1]
    assert example.labels.tolist() == [0, 0.25] and example.known.tolist() == [0, 1]


def test_windows_paths_and_lines_that_add_up(tmp_path: Path) -> None:
    draw(tmp_path / "sub" / "x.png")
    text = "file,Hero,Dog\nsub\\x.png,1,\nsub/x.png,,0\n0.png,0,1\n"
    assert labels(read_collection(sheet(tmp_path, text))) == {"x.png": (1, 0), "0.png": (0, 1)}


WRONG = [
    ("", "is empty"),
    ("file,labels\n", "no pictures below the header"),
    ("file\n0.png\n", "no labels"),
    ("picture,labels\n0.png,cat\n", r'line 1: no column "file", only "picture", "labels"'),
    ("file,Hero,Hero\n0.png,1,1\n", r'line 1: two columns are named "Hero"'),
    ("file,,Hero\n0.png,1,1\n", r"line 1: column 2 has no name"),
    ("file,Hero\n0.png,1\n1.png,yes\n", r'line 3, column "Hero": "yes" is no number'),
    ("file,Hero\n0.png,1.5\n", r'line 2, column "Hero": "1.5"'),
    ("file,Hero\n0.png,nan\n", r'line 2, column "Hero": "nan"'),
    ("file,labels\n0.png,cat,dog\n", "line 2: 3 fields, and the header has 2"),
    ("file,labels\n0.png,cat\n\n0.png,dog\n", r"line 4: 0\.png is on line 2 too"),
    ("file,labels,group\n0.png,cat,a\n0.png,cat,b\n", "line 3: .*another group"),
    ("file,Hero\n0.png,1\n0.png,0\n", "line 3: .*other labels"),
    (
        "file,labels\n9.png,cat\n0.png,cat\n8.png,dog\n",
        r"2 of 3 pictures .*9\.png \(line 2\), 8\.png \(line 4\)",
    ),
    ("file,labels\n,cat\n", r'line 2, column "file": empty'),
    ("file,labels\n../0.png,cat\n", r'line 2, column "file": \.\./0\.png is outside'),
    ("file,labels\na/../../0.png,cat\n", "line 2.*outside"),
    ("file,labels\n..\\0.png,cat\n", "line 2.*outside"),
    ("file,labels\n/etc/hostname,cat\n", "line 2.*outside"),
    ("file,labels\nC:\\x.png,cat\n", "line 2.*outside"),
    ('file,labels\n0.png,"cat\n1.png,dog\n', "line 2: unexpected end of data"),
    (f"file,labels\n0.png,cat\n1.png,{'x' * 140_000}\n", "line 3: field larger than"),
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[told for _, told in WRONG])
def test_mistakes_in_a_csv_are_told_with_their_place(tmp_path: Path, text: str, told: str) -> None:
    path = sheet(tmp_path, text)
    with pytest.raises(InputError, match=told) as caught:
        read_collection(path)
    assert str(path.name) in caught.value.problem and caught.value.remedy


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("file,labels\n0.png,cat\n1.png,Zoë\n".encode("cp1252"), r"line 3: not in UTF-8 \(byte 0xeb\)"),
        ("file,labels\n0.png,cat\n".encode("utf-16-le"), "line 1: this is not text"),
        (b"\xff\xfef\x00i", "line 1: not in UTF-8|no column"),
        (b"\x89PNG\r\n\x1a\n\0\0", "line 1: not in UTF-8"),
    ],
)
def test_other_encodings_are_told(tmp_path: Path, content: bytes, told: str) -> None:
    path = sheet(tmp_path, "")
    path.write_bytes(content)
    with pytest.raises(InputError, match=told):
        read_collection(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("file,Hero\n0.png,1\n1.png,1\n", "one class only, Hero"),
        ("file,Hero,Dog\n0.png,1,1\n1.png,1,0\n", "No picture is without Hero"),
        ("file,Hero,Dog\n0.png,1,\n1.png,0,0\n", "No picture shows Dog"),
    ],
)
def test_labels_from_which_nothing_can_be_learned(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_collection(sheet(tmp_path, text)).examples()


# --- writing ---------------------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs"]), min_size=1, max_size=8)
ONES = st.sampled_from([0.0, 1.0])
BELIEFS = st.none() | ONES | st.floats(0, 1)


@st.composite
def collections(draw_from: st.DrawFn, root: Path) -> Collection:
    elements = tuple(
        draw_from(
            st.lists(
                NAMES.filter(lambda name: name.casefold() not in ("file", "labels", "group")),
                min_size=1,
                max_size=4,
                unique=True,
            )
        )
    )
    values = draw_from(st.sampled_from([ONES, BELIEFS]))
    pictures = [
        Picture(root / f"{number}.png", tuple(draw_from(values) for _ in elements), draw_from(NAMES))
        for number in range(draw_from(st.integers(1, 3)))
    ]
    return Collection(elements, tuple(pictures))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    sheet(folder, "")
    return folder


@settings(max_examples=30)  # each is synced to the disk
@given(st.data())
def test_what_is_written_is_read_back(drawn: Path, data: st.DataObject) -> None:
    collection = data.draw(collections(drawn))
    write_collection(collection, drawn / "written.csv")
    assert read_collection(drawn / "written.csv") == collection


def test_folders_are_written_as_a_list_of_labels(classes: Path) -> None:
    collection = read_collection(classes)
    write_collection(collection, classes / "labels.csv")
    rows = list(csv.DictReader(io.StringIO((classes / "labels.csv").read_text())))
    assert rows[0] == {"file": "cat2/a.png", "labels": "cat2", "group": "cat2/a"}
    assert read_collection(classes) == collection


def test_pictures_elsewhere_cannot_be_written(classes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="outside of"):
        write_collection(read_collection(classes), tmp_path / "other" / "labels.csv")
    assert not (tmp_path / "other").exists()


def test_reserved_names_cannot_be_columns(drawn: Path) -> None:
    collection = Collection(("File",), (Picture(drawn / "0.png", (0.5,), "0"),))
    with pytest.raises(UsageError, match='"File"'):
        write_collection(collection, drawn / "written.csv")


def test_a_collection_checks_itself() -> None:
    with pytest.raises(ComicLossError, match="1 labels for 2 elements"):
        Collection(("a", "b"), (Picture(Path("x.png"), (1.0,), "x"),))
    with pytest.raises(ComicLossError, match="same name"):
        Collection(("a", "a"), ())


def test_real_picture_formats_are_taken(classes: Path) -> None:
    rng = np.random.default_rng(0)
    art = Image.fromarray(rng.integers(0, 255, (30, 20, 3), dtype=np.uint8))
    for suffix in ("webp", "gif", "bmp", "tiff"):
        art.save(classes / "cat10" / f"more.{suffix}")
    assert len(read_collection(classes).examples()) == 9
