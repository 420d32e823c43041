"""Data sets as a stage: prepared once into a folder, then only read, without a network, by every run.

A prepared folder holds `manifest.json` (written last: no manifest, no data set), with a checksum of all else. That is
either uint8 images `{train,test}_images.npy` (rows of numbers are float32 images of one pixel, a channel each), or, for
trees too large for that, the file lists `{train,test}_files.txt`; with them `{train,test}_labels.npy` and
`split_order.npy`, the fixed stratified permutation of the training part whose first images are held out for validation
and whose next ones a smaller training set is taken from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decay_atlas.runs.records import write_json
from decay_atlas.training.data.origin import FOLDERS, origin, root_of
from decay_atlas.training.data.parts import sizes
from decay_atlas.training.data.sources import SEED, SOURCES, Arrays, DataError, Tree, stratified_order
from decay_atlas.training.data.tasks import task_of

MANIFEST = "manifest.json"
AGAIN = "delete the folder and run snakemake, which prepares it again; finished runs stay"


@dataclass(frozen=True)
class Part:
    """Images of shape (n, channels, size, size) or the files that hold them, with int64 labels or float32 numbers."""

    images: NDArray[Any] | list[Path]
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: NDArray[np.int64]) -> Part:
        """The images at `indices`, in that order."""
        if isinstance(self.images, list):
            return Part([self.images[index] for index in indices], self.labels[indices])
        return Part(self.images[indices], self.labels[indices])


@dataclass(frozen=True)
class Split:
    """What a run trains and is scored on; `val` is empty when the recipe holds nothing out.

    `classes` is how many outputs a network needs: one where there are numbers to meet.
    """

    train: Part
    val: Part
    test: Part
    classes: int
    channels: int
    image_size: int
    checksum: str


def channels_of(entry: dict[str, Any]) -> int:
    """Channels of the images of a data set's entry; numbers in columns come as images of one pixel."""
    return len(entry["mean"]) if "mean" in entry else int(entry["features"])


def size_of(entry: dict[str, Any]) -> int:
    """Pixels a side of the images of a data set's entry."""
    return int(entry.get("image_size", 1))


def outputs_of(entry: dict[str, Any]) -> int:
    """How many outputs a network needs for a data set's entry: one where there are numbers to meet."""
    return int(entry.get("classes", 1))


def prepare(name: str, entry: dict[str, Any], out_dir: str | Path) -> dict[str, Any]:
    """Bring data set `name` of the catalogue into `out_dir` and return its manifest.

    Raises:
        DataError: the source is missing, damaged, or not what the entry says.
    """
    out = Path(out_dir)
    if entry["source"] not in SOURCES:
        raise DataError(f"{name}: unknown source {entry['source']!r}; there are {', '.join(SOURCES)}")
    try:
        noted = {"origin": origin(root_of(name, entry))} if entry["source"] in FOLDERS else {}
        data = SOURCES[entry["source"]](name, entry)
    except OSError as error:
        raise DataError(
            f"{name}: {error.filename}: cannot be read ({error.strerror}); let this user read it, or remove it"
        ) from None
    _check(name, entry, data)
    return store(name, entry, data, out, noted)


def store(
    name: str, entry: dict[str, Any], data: Arrays | Tree, out: Path, noted: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Write data into the folder `out` and return the manifest, which says what is `noted` of them too."""
    out.mkdir(parents=True, exist_ok=True)
    (out / MANIFEST).unlink(missing_ok=True)
    order = stratified_order(data.train_labels, SEED)
    files = dict(_contents(data, order))
    for file, content in files.items():
        _write(out / file, content)
    manifest = {
        "format": 1,
        "name": name,
        "source": entry["source"],
        "kind": "tree" if isinstance(data, Tree) else "arrays",
        "root": str(data.root) if isinstance(data, Tree) else None,
        "image_size": size_of(entry),
        "channels": channels_of(entry),
        "classes": outputs_of(entry),
        "class_names": data.class_names,
        "train": len(data.train_labels),
        "test": len(data.test_labels),
        "checksum": _checksum(files),
        "files": {file: _checksum({file: content}) for file, content in files.items()},
        **noted,
    }
    write_json(out / MANIFEST, manifest)
    return manifest


def load(data_dir: str | Path, recipe: dict[str, Any]) -> Split:
    """The parts of a prepared data set as a recipe wants them.

    `val_fraction` of the training part is held out (always the same images), `train_size` limits what is
    trained on, and `label_noise` gives that share of the training labels another class, drawn uniformly and
    once for all runs. Source: A, Training protocol.

    All that was prepared is held against the manifest's checksum, which the records of runs name.

    Raises:
        DataError: the folder is no prepared data set, holds others than were prepared, or too few images for the
            recipe.
        ValueError: the recipe asks for what only images with classes have.
    """
    folder = Path(data_dir)
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        files = _read(folder, manifest)
        _verify(folder, manifest, files)
        train, test = (_part(part, manifest, files) for part in ("train", "test"))
        order = files["split_order.npy"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{folder}: no prepared data set, or a damaged one ({error}); {AGAIN}") from None
    try:
        size, n_val = sizes(len(train), len(test), recipe)
    except ValueError as error:
        raise DataError(f"{manifest['name']}: {error}") from None
    whole = size == len(train)
    chosen = train if whole else train.subset(np.sort(order[n_val : n_val + size]))
    task_of(train.labels).check(recipe)
    noise = recipe.get("label_noise", 0)
    return Split(
        train=replace(chosen, labels=noisy(chosen.labels, noise, manifest["classes"])) if noise else chosen,
        val=train.subset(np.sort(order[:n_val])),
        test=test,
        classes=manifest["classes"],
        channels=manifest["channels"],
        image_size=manifest["image_size"],
        checksum=manifest["checksum"],
    )


def noisy(labels: NDArray[np.int64], share: float, classes: int) -> NDArray[np.int64]:
    """`labels` with `share` of them, rounded to whole images, moved to one of the other classes."""
    generator = np.random.default_rng(SEED)
    flipped = generator.permutation(len(labels))[: round(share * len(labels))]
    result = np.array(labels)
    result[flipped] = (result[flipped] + generator.integers(1, classes, len(flipped))) % classes
    return result


def _contents(data: Arrays | Tree, order: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[Any] | bytes]]:
    if isinstance(data, Arrays):
        yield "train_images.npy", data.train_images
        yield "test_images.npy", data.test_images
    else:
        for part, files, sizes in (
            ("train", data.train_files, data.train_bytes),
            ("test", data.test_files, data.test_bytes),
        ):
            lines = (f"{size}\t{file}\n" for file, size in zip(files, sizes, strict=True))
            yield f"{part}_files.txt", "".join(lines).encode()
    yield "train_labels.npy", data.train_labels
    yield "test_labels.npy", data.test_labels
    yield "split_order.npy", order


def _write(path: Path, content: NDArray[Any] | bytes) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)


def _checksum(files: Mapping[str, NDArray[Any] | bytes]) -> str:
    """The SHA-256 of files by name: 0.1 s for CIFAR's 184 MB where the processor has instructions for it."""
    checksum = hashlib.sha256()
    for file, content in files.items():
        checksum.update(f"{file} {_shape(content)}\n".encode())
        checksum.update(content if isinstance(content, bytes) else np.ascontiguousarray(content).data)
    return checksum.hexdigest()


def _shape(content: NDArray[Any] | bytes) -> str:
    return "text" if isinstance(content, bytes) else f"{content.dtype.str} {content.shape}"


def _read(folder: Path, manifest: dict[str, Any]) -> dict[str, NDArray[Any] | bytes]:
    """The files of a prepared data set in the order of `_contents`; images stay on disk until they are looked at."""
    files: dict[str, NDArray[Any] | bytes] = {}
    for part in ("train", "test"):
        if manifest["kind"] == "tree":
            files[f"{part}_files.txt"] = (folder / f"{part}_files.txt").read_bytes()
        else:
            files[f"{part}_images.npy"] = np.lib.format.open_memmap(folder / f"{part}_images.npy", mode="r")
    for file in ("train_labels.npy", "test_labels.npy", "split_order.npy"):
        with (folder / file).open("rb") as stream:
            files[file] = np.lib.format.read_array(stream)
    return files


def _verify(folder: Path, manifest: dict[str, Any], files: dict[str, NDArray[Any] | bytes]) -> None:
    """Refuse data that are others than those that were prepared."""
    found = _checksum(files)
    if found == manifest["checksum"]:
        return
    known = manifest.get("files", {})  # what was prepared by an earlier version has none
    changed = [file for file, content in files.items() if known and _checksum({file: content}) != known.get(file)]
    where = ", ".join(str(folder / file) for file in changed) or str(folder)
    raise DataError(
        f"{where}: changed since the data set was prepared (checksum {found[:12]}…, in {MANIFEST} "
        f"{manifest['checksum'][:12]}…); {AGAIN}"
    )


def _part(part: str, manifest: dict[str, Any], files: dict[str, Any]) -> Part:
    labels = files[f"{part}_labels.npy"]
    images: NDArray[Any] | list[Path]
    if manifest["kind"] == "tree":
        lines = files[f"{part}_files.txt"].decode().removesuffix("\n").split("\n")
        images = [Path(manifest["root"]) / line.split("\t", 1)[1] for line in lines]
    else:
        images = files[f"{part}_images.npy"]
    _check_labels(part, labels, manifest["classes"])
    if not len(images) == len(labels) == manifest[part]:
        raise ValueError(f"{part}: {len(images)} images, {len(labels)} labels, {manifest[part]} in the manifest")
    return Part(images, labels)


def _check_labels(part: str, labels: NDArray[Any], classes: int) -> None:
    """Refuse labels that name no class; numbers to meet may be any.

    Raises:
        ValueError: naming the first of them.
    """
    if labels.dtype.kind != "f" and len(wrong := np.flatnonzero((labels < 0) | (labels >= classes))):
        raise ValueError(f"{part}: image {wrong[0]} has the label {labels[wrong[0]]}, but there are {classes} classes")


def _check(name: str, entry: dict[str, Any], data: Arrays | Tree) -> None:
    """Hold the data to the catalogue's entry: a wrong number there would train a wrong network."""
    if not data.class_names:
        return  # numbers, made as the entry says
    for part, labels in (("train", data.train_labels), ("test", data.test_labels)):
        try:
            _check_labels(part, labels, len(data.class_names))
        except ValueError as error:
            raise DataError(f"{name}: {error}; get the data again") from None
    if len(data.class_names) != entry["classes"]:
        raise DataError(f"{name}: the data have {len(data.class_names)} classes; set datasets.{name}.classes to that")
    if isinstance(data, Arrays):
        channels, size = data.train_images.shape[1], data.train_images.shape[2]
        if size != entry["image_size"]:
            raise DataError(f"{name}: the images are {size} pixels wide; set datasets.{name}.image_size to that")
        if channels != len(entry["mean"]):
            raise DataError(f"{name}: the images have {channels} channels; give mean and std as many numbers")
