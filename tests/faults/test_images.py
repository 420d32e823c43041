"""Folders of images as they come: what is no image of a class is passed over or named, and none stops a plan."""

from __future__ import annotations

import os
import random
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from decay_atlas.training.data import sources
from decay_atlas.training.data.datasets import MANIFEST, load, prepare
from decay_atlas.training.data.origin import origin, outdated
from decay_atlas.training.data.sources import STRAY, DataError, decode
from tests.training.data.test_datasets import image_tree

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(x) run\nshowpage\n"
XPM = b'/* XPM */\nstatic char *x[] = {\n"1 1 1 1",\n"a c #000000",\n"a"\n};\n'
OTHER_FORMATS = {"EPS": EPS, "XPM": XPM, "MPEG": b"\0\0\1\xb3\x01\x00\x10\x00" + b"\0" * 9, "PDF": b"%PDF-1.4\n%%EOF\n"}


@pytest.fixture
def entry(tmp_path: Path) -> dict[str, Any]:
    """The catalogue's entry of a folder with two classes."""
    return image_tree(tmp_path / "raw")


@pytest.fixture
def raw(entry: dict[str, Any]) -> Path:
    return Path(entry["path"])


def png(path: Path) -> bytes:
    Image.new("RGB", (10, 10), (200, 30, 30)).save(path, "PNG")
    return path.read_bytes()


def chunk(kind: bytes, length: int, content: bytes = b"") -> bytes:
    return length.to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def broken_pngs(whole: bytes) -> dict[str, bytes]:
    """PNG files of which a part is not as it should be: chunks begin at byte 8, the first is 25 long."""
    head, rest = whole[:33], whole[33:]
    return {
        "vast chunk": head + b"\x7f\xff\xff\xff" + rest[4:],
        "short chunk": head + (3).to_bytes(4, "big") + rest[4:],
        "chunk of nothing": head + bytes(4) + rest[4:],
        "chunk of no letters": head + chunk(b"\0\1\2\3", 0) + rest,
        "broken checksum": head + rest[:-20] + b"\0" * 4 + rest[-16:],
        "no header": whole[:8] + rest,
        "empty header": whole[:8] + chunk(b"IHDR", 0) + rest,
        "short palette": head + chunk(b"PLTE", 2, b"ab") + rest,
        "bomb of text": head + chunk(b"zTXt", 30, b"a\0\0" + b"x" * 27) + rest,
        "cut": whole[:-30],
        "signature alone": whole[:8],
    }


BROKEN = list(broken_pngs(b"\0" * 100))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_png_is_named_or_read(tmp_path: Path, name: str) -> None:
    """Never another error than one that names the file; Pillow overlooks some faults."""
    path = tmp_path / "broken.png"
    path.write_bytes(broken_pngs(png(path))[name])
    try:
        said = f"{path} {decode(path, 3).size}"
    except DataError as error:
        said = str(error)
    assert str(path) in said
    assert ("(10, 10)" in said) != ("replace or remove it" in said)


def test_a_chunk_of_broken_length_is_named_when_the_data_set_is_prepared(
    entry: dict[str, Any], raw: Path, tmp_path: Path
) -> None:
    file = raw / "train/cat/9.png"
    file.write_bytes(broken_pngs(png(file))["short chunk"])
    with pytest.raises(DataError, match=rf"{file}: not a readable image \(broken PNG file.*replace or remove it"):
        prepare("pets", entry, tmp_path / "out")
    assert not (tmp_path / "out" / MANIFEST).exists()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("suffix", [".png", ".gif", ".bmp", ".jpg", ".tif", ".webp", ".ppm"])
def test_fuzzed_images_give_no_other_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.linear_gradient("L").resize((16, 12)).convert("RGB").save(path)
    whole, chance = path.read_bytes(), random.Random(0)
    read = refused = 0
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content[: chance.choice([len(content), chance.randrange(1, len(content))])])
        try:
            decode(path, chance.choice([1, 3]))
            read += 1
        except DataError as error:
            refused += str(path) in str(error)
    assert read + refused == 60
    assert refused


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("kind", OTHER_FORMATS)
def test_other_formats_under_an_images_name_are_not_opened(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(OTHER_FORMATS[kind])
    with pytest.raises(DataError, match=f"{path}: not a readable image"):
        decode(path, 3)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"])
def test_the_formats_are_read_whatever_the_name_says(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (10, 10), (255, 255, 255)).save(tmp_path / "a.jpg", kind)
    assert decode(tmp_path / "a.jpg", 3).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("name", [".ipynb_checkpoints", ".git", ".DS_Store", ".Trash-1000", *sorted(STRAY)])
def test_folders_of_tools_are_no_classes(entry: dict[str, Any], raw: Path, tmp_path: Path, name: str) -> None:
    before = prepare("pets", entry, tmp_path / "before")
    for part in ("train", "test"):
        shutil.copytree(raw / part / "cat", raw / part / name)
    manifest = prepare("pets", entry, tmp_path / "out")
    assert (manifest["class_names"], manifest["checksum"]) == (["cat", "dog"], before["checksum"])


@pytest.mark.parametrize("name", ["._0.jpg", ".hidden.png", "Thumbs.db", "desktop.ini", "notes.txt", "0.jpg.part"])
def test_files_of_tools_are_no_images(entry: dict[str, Any], raw: Path, tmp_path: Path, name: str) -> None:
    for folder in ("train", "train/cat", "test/dog"):
        (raw / folder / name).write_bytes(b"Mac OS X")
    manifest = prepare("pets", entry, tmp_path / "out")
    assert (manifest["train"], manifest["test"]) == (12, 6)


def test_a_count_of_classes_says_which_folders_do_not_count(entry: dict[str, Any], raw: Path, tmp_path: Path) -> None:
    (raw / "train/dog").rename(raw / "train/.dog")
    with pytest.raises(DataError, match=r"has 1 class folders, not 2; .*hidden folders .*do not count"):
        prepare("pets", entry, tmp_path / "out")


LINKS: dict[str, Callable[[Path], Any]] = {
    "image to nothing": lambda raw: (raw / "train/cat/x.jpg").symlink_to("gone.jpg"),
    "image to itself": lambda raw: (raw / "train/cat/x.jpg").symlink_to("x.jpg"),
    "class to nothing": lambda raw: (raw / "train/bird").symlink_to("gone"),
    "class to itself": lambda raw: (raw / "train/bird").symlink_to("bird"),
    "classes to each other": lambda raw: [(raw / "test/a").symlink_to("b"), (raw / "test/b").symlink_to("a")],
    "class to its folder": lambda raw: (raw / "train/bird").symlink_to("."),
    "image that is a folder": lambda raw: (raw / "train/cat/x.jpg").mkdir(),
    "image that is a pipe": lambda raw: os.mkfifo(raw / "train/cat/x.jpg"),
}


@pytest.mark.parametrize("harm", LINKS)
def test_what_leads_nowhere_is_named(entry: dict[str, Any], raw: Path, tmp_path: Path, harm: str) -> None:
    LINKS[harm](raw)
    with pytest.raises(DataError, match=r"(x\.jpg|bird|test/a|test/b|train) ?.*(remove|mend|complete) it"):
        prepare("pets", entry, tmp_path / "out")


@pytest.mark.parametrize("harm", LINKS)
def test_what_leads_nowhere_stops_no_plan_of_prepared_data(
    entry: dict[str, Any], raw: Path, tmp_path: Path, harm: str
) -> None:
    prepare("pets", entry, tmp_path / "out")
    LINKS[harm](raw)
    outdated("pets", entry, str(tmp_path / "out"))  # what it says is for test_origin.py
    assert len(load(tmp_path / "out", {}).train) == 12


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")], ids=str)
def test_images_that_cannot_be_read_stop_no_plan_of_prepared_data(
    entry: dict[str, Any], raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    prepare("pets", entry, tmp_path / "out")
    error.filename = str(raw / "train")

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(OSError, match=str(error.strerror)):
        origin(raw)
    assert outdated("pets", entry, str(tmp_path / "out")) is None
    with pytest.raises(DataError, match=rf"pets: {raw / 'train'}: cannot be read \({error.strerror}\)"):
        prepare("pets", entry, tmp_path / "again")


@pytest.mark.parametrize(
    "content", ["[]", "3", '{"origin": 3}', '{"origin": []}', '{"origin": {}}', "[" * 99_999, "\0"]
)
def test_a_damaged_manifest_stops_no_plan(entry: dict[str, Any], tmp_path: Path, content: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MANIFEST).write_text(content)
    assert outdated("pets", entry, str(tmp_path / "out")) is None


NAMES = [b"a\nb", b"\n", b"\xff\xfe", "é".encode("latin-1"), "日本".encode("shift-jis")]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("part", ["train", "test"])
def test_names_that_no_list_can_hold_are_refused(
    entry: dict[str, Any], raw: Path, tmp_path: Path, part: str, name: bytes
) -> None:
    folder = os.fsencode(raw / part)
    shutil.copy(raw / "train/cat/0.jpg", os.path.join(folder, b"cat", name + b".jpg"))
    with pytest.raises(DataError, match="a name with a line break, or one that is not UTF-8; rename it") as raised:
        prepare("pets", entry, tmp_path / "out")
    assert str(raised.value).isprintable()
    os.unlink(os.path.join(folder, b"cat", name + b".jpg"))
    os.rename(os.path.join(folder, b"cat"), os.path.join(folder, name))
    with pytest.raises(DataError, match="a name with a line break, or one that is not UTF-8; rename it"):
        prepare("pets", entry, tmp_path / "out")


@pytest.mark.parametrize(
    "name", ["猫", "a b", "a\tb", "a\u2028b", "a\x85b", "a\rb", "'", '"', "$(x)", "-rf", "a;b", "\\"]
)
def test_any_other_name_will_do(
    entry: dict[str, Any], raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(sources, "RESIDENT_BYTES", 100)  # so that names are kept in a list
    for part in ("train", "test"):
        (raw / part / "cat").rename(raw / part / name)
        (raw / part / name / "0.jpg").rename(raw / part / name / f"{name}.jpg")
    prepare("pets", entry, tmp_path / "out")
    files = load(tmp_path / "out", {}).train.images
    assert isinstance(files, list)
    assert raw / "train" / name / f"{name}.jpg" in files
    assert all(file.exists() for file in files)
