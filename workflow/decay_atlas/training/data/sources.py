"""Where the data come from: torchvision's CIFAR files, scikit-learn's digits, folders of image files, a formula.

Each source yields either `Arrays` (small, decoded once) or a `Tree` (large, decoded while training).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decay_atlas.training.data.origin import RAW, root_of

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
RESIDENT_BYTES = 4 * 10**9
"""A folder whose decoded images fit in this becomes arrays; a larger one is decoded while training."""
SEED = 20240229
"""Of all that is random about a data set and not about a run: which images are test, the split order."""
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Pillow's formats that `SUFFIXES` stand for: it knows others by their content, and runs Ghostscript for some."""
STRAY = {"@eaDir", "__MACOSX", "$RECYCLE.BIN", "#recycle", "System Volume Information", "lost+found"}
"""Folders that file managers and file systems leave among others, beside hidden ones."""
MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}
"""Pillow's modes of up to 8 bits a channel: of another it would cut every number at 255, or round it to 0 or 1."""


class DataError(ValueError):
    """A source is missing, damaged or not as its entry says; the message says what to put where."""


@dataclass(frozen=True)
class Arrays:
    """Decoded images, uint8 of shape (n, channels, size, size), with int64 labels of shape (n,).

    Or vectors, float32 of shape (n, features, 1, 1), with a float32 number each and no class names.
    """

    train_images: NDArray[Any]
    train_labels: NDArray[Any]
    test_images: NDArray[Any]
    test_labels: NDArray[Any]
    class_names: list[str]


@dataclass(frozen=True)
class Tree:
    """Image files below `root`, by relative path and bytes, with int64 labels."""

    root: Path
    train_files: list[str]
    train_bytes: list[int]
    train_labels: NDArray[np.int64]
    test_files: list[str]
    test_bytes: list[int]
    test_labels: NDArray[np.int64]
    class_names: list[str]


def digits(name: str, entry: dict[str, Any]) -> Arrays:
    """scikit-learn's 1,797 digits, 0 … 16 scaled to 0 … 255, `test_fraction` of each class for testing."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = np.rint(images * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    labels = labels.astype(np.int64)
    order = stratified_order(labels, SEED)
    n_test = round(float(entry.get("test_fraction", 0.4)) * len(labels))
    test, train = np.sort(order[:n_test]), np.sort(order[n_test:])
    return Arrays(images[train], labels[train], images[test], labels[test], [str(k) for k in range(10)])


def ridge(name: str, entry: dict[str, Any]) -> Arrays:
    """Rows a of A with b = a·w + `noise`·N(0, 1), `samples` to train on and as many, drawn anew, to test on.

    w has `features` coordinates and length 1. `columns` says how A's are made: `sparse` ones are
    (N(0, 1) + 1)·10·N(0, 1), that factor one for a column, kept with probability 30·ln(n)/n; `gaussian` ones are
    dense N(0, 1). All have length 10. The test rows get factors of their own, unless `test_scales` is `shared`.
    `draw` (default 0) numbers draws of A and the noise for the same w.

    Source: D, Ridge experiment.
    """
    n, features = entry["samples"], entry["features"]
    weights = np.random.default_rng(SEED).standard_normal(features)
    weights /= np.linalg.norm(weights)
    draw = np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(entry.get("draw", 0),)))
    parts, scales = [], None
    for _ in ("train", "test"):
        columns = draw.standard_normal((n, features))
        if entry["columns"] == "sparse":
            if scales is None or entry.get("test_scales") != "shared":
                scales = 10 * draw.standard_normal(features)
            columns = (columns + 1) * scales
            columns *= draw.random((n, features)) < 30 * np.log(n) / n
        lengths = np.linalg.norm(columns, axis=0)
        columns *= 10 / np.where(lengths > 0, lengths, 1)
        numbers = columns @ weights + entry["noise"] * draw.standard_normal(n)
        parts += [columns.astype(np.float32).reshape(n, features, 1, 1), numbers.astype(np.float32)]
    return Arrays(parts[0], parts[1], parts[2], parts[3], class_names=[])


def cifar(name: str, entry: dict[str, Any]) -> Arrays:
    """CIFAR-10 or CIFAR-100: downloaded once by torchvision into resources/raw, its checksums verified."""
    from torchvision import datasets

    kind = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[entry["source"]]
    try:
        parts = [kind(str(RAW), train=train, download=True) for train in (True, False)]
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{name}: {RAW / kind.filename} is missing or damaged and could not be downloaded ({error}). "
            f"Get {kind.url} on a machine with a network, check that its md5 is {kind.tgz_md5}, "
            f"and put it into {RAW}/"
        ) from None
    train, test = parts
    return Arrays(
        np.ascontiguousarray(train.data.transpose(0, 3, 1, 2)),
        np.asarray(train.targets, np.int64),
        np.ascontiguousarray(test.data.transpose(0, 3, 1, 2)),
        np.asarray(test.targets, np.int64),
        list(train.classes),
    )


def image_folder(name: str, entry: dict[str, Any]) -> Arrays | Tree:
    """<path>/train/<class>/* and <path>/test/<class>/* (or val/); decoded when all of it is small.

    Either way an image is its `square`, and so unlike `imagenet`'s, which are always files and cut as the sources do.
    """
    tree = image_tree(name, entry)
    channels, size = len(entry["mean"]), int(entry["image_size"])
    if (len(tree.train_files) + len(tree.test_files)) * channels * size * size > RESIDENT_BYTES:
        return tree
    return Arrays(
        _decoded(tree.root, tree.train_files, size, channels),
        tree.train_labels,
        _decoded(tree.root, tree.test_files, size, channels),
        tree.test_labels,
        tree.class_names,
    )


def image_tree(name: str, entry: dict[str, Any]) -> Tree:
    """An image folder of any size, checked and indexed but not decoded."""
    root = root_of(name, entry)
    layout = f"{root}/train/<class>/* and {root}/test/<class>/* (or {root}/val/<class>/*)"
    held_out = next((root / part for part in ("test", "val") if (root / part).is_dir()), None)
    if not (root / "train").is_dir() or held_out is None:
        raise DataError(f"{name}: no images; put them into {layout}, or set datasets.{name}.path")
    names = _folders(root / "train")
    if len(names) != entry["classes"]:
        raise DataError(
            f"{name}: {root / 'train'} has {len(names)} class folders, not {entry['classes']}; complete it, or set "
            f"datasets.{name}.classes to {len(names)} (hidden folders and those of file managers do not count)"
        )
    unknown = [folder for folder in _folders(held_out) if folder not in names]
    if unknown:
        raise DataError(
            f"{name}: {held_out} has class folders that {root / 'train'} has not: {', '.join(unknown)}; name them as "
            "there, or remove them"
        )
    train, test = (list(_listed(name, folder, names)) for folder in (root / "train", held_out))
    return Tree(
        root,
        [str(path.relative_to(root)) for path, _, _ in train],
        [size for _, size, _ in train],
        np.array([label for _, _, label in train], np.int64),
        [str(path.relative_to(root)) for path, _, _ in test],
        [size for _, size, _ in test],
        np.array([label for _, _, label in test], np.int64),
        names,
    )


SOURCES: dict[str, Callable[[str, dict[str, Any]], Arrays | Tree]] = {
    "cifar10": cifar,
    "cifar100": cifar,
    "digits": digits,
    "image_folder": image_folder,
    "imagenet": image_tree,
    "ridge": ridge,
}


def stratified_order(labels: NDArray[Any], seed: int) -> NDArray[np.int64]:
    """A permutation of which every prefix holds the classes in their proportions, give or take an image.

    Of numbers, hardly any of which come twice, it is any permutation.
    """
    generator = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        place[members] = (np.arange(len(members)) + generator.random()) / len(members)
    return np.argsort(place, kind="stable").astype(np.int64)


def decode(path: Path, channels: int) -> Any:
    """One image file as a PIL image, grey for one channel, RGB for three.

    Raises:
        DataError: it cannot be read, or has more than 8 bits a channel.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as image:
            mode = image.mode
            if mode in MODES:
                return image.convert("L" if channels == 1 else "RGB")
    except Exception as error:  # of a damaged file Pillow's readers raise SyntaxError, struct.error, EOFError …
        raise DataError(f"{path}: not a readable image ({error}); replace or remove it") from None
    raise DataError(f"{path}: an image of mode {mode}, which would lose its shades; convert it to 8 bits a channel")


def square(image: Any, size: int) -> Any:
    """The central square of a PIL image, resized to `size` pixels a side."""
    from PIL import Image, ImageOps

    return ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)


def pixels(path: Path, channels: int) -> NDArray[np.uint8]:
    """One image file as (height, width) for one channel, (height, width, 3) for three: the bits of `decode`.

    A colour JPEG goes through torchvision, whose decoder is twice as fast as Pillow's.

    Raises:
        DataError: as `decode` does.
    """
    from torchvision.io import decode_jpeg, read_file

    if channels == 3 and path.suffix.lower() in (".jpeg", ".jpg"):
        try:
            image = decode_jpeg(read_file(str(path)))
        except RuntimeError:  # another format under this name, or damaged: Pillow reads it or says so
            image = None
        if image is not None and len(image) == channels:  # not grey, nor in four colours
            return image.permute(1, 2, 0).numpy()
    return np.asarray(decode(path, channels))


def _folders(root: Path) -> list[str]:
    """The classes of one part of an image folder, without folders that are not the user's.

    Raises:
        DataError: a name cannot be written into a list, or is a link to nothing.
    """
    found = []
    for entry in root.iterdir():
        if entry.name.startswith(".") or entry.name in STRAY:
            continue
        if stat.S_ISDIR(_stat(entry).st_mode):
            found.append(entry.name)
    return sorted(found)


def _stat(path: Path) -> os.stat_result:
    """What a path leads to.

    Raises:
        DataError: its name has a line break or is not UTF-8, or it is a link to nothing or itself.
    """
    try:
        path.name.encode()
        listed = "\n" not in path.name
    except UnicodeEncodeError:
        listed = False
    if not listed:
        raise DataError(f"{str(path)!a}: a name with a line break, or one that is not UTF-8; rename it")
    try:
        return path.stat()
    except OSError as error:
        if not path.is_symlink():
            raise
        raise DataError(f"{path}: a link that leads nowhere ({error.strerror}); mend it or remove it") from None


def _listed(name: str, folder: Path, class_names: list[str]) -> Iterator[tuple[Path, int, int]]:
    for label, class_name in enumerate(class_names):
        inside = folder / class_name
        files = sorted(
            path
            for path in (inside.iterdir() if inside.is_dir() else ())
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        )
        if not files:
            raise DataError(f"{name}: {inside} holds no images; every class needs some there")
        for path in files:
            found = _stat(path)
            if not stat.S_ISREG(found.st_mode):
                raise DataError(f"{name}: {path} is no file; rename or remove it")
            if found.st_size == 0:
                raise DataError(f"{name}: {path} is empty; copy it again")
            yield path, found.st_size, label


def _decoded(root: Path, files: list[str], size: int, channels: int) -> NDArray[np.uint8]:
    """The `square` of every file, shape (n, channels, size, size)."""
    result = np.empty((len(files), channels, size, size), np.uint8)
    for number, file in enumerate(files):
        image = square(decode(root / file, channels), size)
        result[number] = np.asarray(image).reshape(size, size, channels).transpose(2, 0, 1)
    return result
