"""Batches for training and scoring: from images resident on the device, or decoded from files when needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Generator, Tensor

from decay_atlas.training.augment import augmented, check
from decay_atlas.training.datasets import Part, Split
from decay_atlas.training.sources import decode

Batch = tuple[Tensor, Tensor]
CHUNK = 4096
"""Images augmented or scored at once: enough to keep a device busy, 50 MB at 32 × 32."""
FILES_AT_ONCE = 256
"""Images of a tree scored at once."""


class Source(Protocol):
    """One part of a data set, ready to be fed to a network as (normalised images, labels) on its device."""

    def __len__(self) -> int: ...

    def training(self, order: Tensor, batch_size: int, draw: Generator) -> Iterator[Batch]:
        """The images at `order`, augmented with numbers from `draw`, in batches."""

    def scoring(self) -> Iterator[Batch]:
        """Every image once, as it is."""


class Data:
    """The three parts of a data set on a device; built once and shared by all runs of a pack."""

    def __init__(self, split: Split, settings: dict[str, Any], device: torch.device, threads: int) -> None:
        names = settings["recipe"].get("augment", [])
        check(names)
        self.classes, self.channels, self.checksum = split.classes, split.channels, split.checksum
        self._scale = _Normalised(settings["dataset"], device)
        self.train = self._source(split.train, names, device, split, threads)
        self.val = self._source(split.val, [], device, split, threads)
        self.test = self._source(split.test, [], device, split, threads)

    def _source(self, part: Part, names: list[str], device: torch.device, split: Split, threads: int) -> Source:
        if isinstance(part.images, list):
            return Files(part, names, self._scale, split.image_size, split.channels, threads)
        return Resident(part, names, self._scale, device)


class Resident:
    """All images as uint8 on the device; augmentation and normalisation happen there, a chunk at a time."""

    def __init__(self, part: Part, names: list[str], scale: _Normalised, device: torch.device) -> None:
        self._images = torch.from_numpy(np.array(part.images)).to(device)
        self._labels = torch.from_numpy(np.array(part.labels)).to(device)
        self._names, self._scale, self._device = names, scale, device

    def __len__(self) -> int:
        return len(self._labels)

    def training(self, order: Tensor, batch_size: int, draw: Generator) -> Iterator[Batch]:
        """See `Source.training`."""
        for chunk in order.to(self._device).split(batch_size * max(1, CHUNK // batch_size)):
            images = self._scale(augmented(self._images[chunk], self._names, draw))
            yield from zip(images.split(batch_size), self._labels[chunk].split(batch_size), strict=True)

    def scoring(self) -> Iterator[Batch]:
        """See `Source.scoring`."""
        for images, labels in zip(self._images.split(CHUNK), self._labels.split(CHUNK), strict=True):
            yield self._scale(augmented(images, [], _UNUSED)), labels


class Files:
    """Images decoded by worker processes; there too `resized_crop` cuts; the rest is done on the device."""

    def __init__(
        self, part: Part, names: list[str], scale: _Normalised, size: int, channels: int, threads: int
    ) -> None:
        assert isinstance(part.images, list)
        self._names = [name for name in names if name != "resized_crop"]
        self._scale, self._labels = scale, torch.from_numpy(np.array(part.labels))
        self._window = _Window(part.images, size, channels, random="resized_crop" in names)
        self._workers = threads if threads > 1 else 0

    def __len__(self) -> int:
        return len(self._labels)

    def training(self, order: Tensor, batch_size: int, draw: Generator) -> Iterator[Batch]:
        """See `Source.training`."""
        # a seed an image, drawn here: the windows do not depend on which worker decodes what
        seeds = torch.randint(2**62, (len(order),), generator=draw)
        for images, labels in self._decoded(order, seeds, batch_size):
            yield self._scale(augmented(images, self._names, draw)), labels

    def scoring(self) -> Iterator[Batch]:
        """See `Source.scoring`."""
        order = torch.arange(len(self))
        for images, labels in self._decoded(order, torch.zeros_like(order), FILES_AT_ONCE):
            yield self._scale(augmented(images, [], _UNUSED)), labels

    def _decoded(self, order: Tensor, seeds: Tensor, batch_size: int) -> Iterator[Batch]:
        device = self._scale.device
        loader = torch.utils.data.DataLoader(
            self._window,
            batch_size=batch_size,
            sampler=list(zip(order.tolist(), seeds.tolist(), strict=True)),
            num_workers=self._workers,
            pin_memory=device.type == "cuda",
        )
        for number, images in enumerate(loader):
            labels = self._labels[order[number * batch_size : number * batch_size + len(images)]]
            yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)


class _Window(torch.utils.data.Dataset[Tensor]):
    """Files as uint8 tensors of one size: a random window of each, or its centre after a resize by 8/7."""

    def __init__(self, files: list[Path], size: int, channels: int, random: bool) -> None:
        from torchvision.transforms import v2

        self._files, self._channels = files, channels
        self._cut = (
            v2.RandomResizedCrop(size) if random else v2.Compose([v2.Resize(round(size * 8 / 7)), v2.CenterCrop(size)])
        )

    def __getitem__(self, index_and_seed: tuple[int, int]) -> Tensor:
        from torchvision.transforms.v2.functional import pil_to_tensor

        index, seed = index_and_seed
        image = decode(self._files[index], self._channels)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return pil_to_tensor(self._cut(image))


class _Normalised:
    """(image − mean) / std, channels last on a GPU."""

    def __init__(self, dataset: dict[str, Any], device: torch.device) -> None:
        self.device = device
        self._mean = torch.tensor(dataset["mean"], device=device).view(1, -1, 1, 1)
        self._std = torch.tensor(dataset["std"], device=device).view(1, -1, 1, 1)

    def __call__(self, images: Tensor) -> Tensor:
        images = images.sub(self._mean).div_(self._std)
        return images.contiguous(memory_format=torch.channels_last) if self.device.type == "cuda" else images


_UNUSED = torch.Generator()
