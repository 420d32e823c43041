"""Batches for training and scoring: from images resident on the device, or decoded from files when needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from decay_atlas.training.data.augment import as_float, augmented, check
from decay_atlas.training.data.datasets import Part, Split
from decay_atlas.training.data.mixing import mixed
from decay_atlas.training.data.sources import pixels, square
from decay_atlas.training.data.streams import AUGMENT, MIX, ORDER, BatchRandom, generator, stream
from decay_atlas.training.data.tasks import task_of

Batch = tuple[Tensor, Tensor]
"""Normalised images of shape (n, channels, size, size), and their labels or numbers, (n,), or mixed labels, (n, k)."""
CHUNK = 4096
"""Images augmented or scored at once: enough to keep a device busy, 50 MB at 32 × 32."""
FILES_AT_ONCE = 256
"""Images of a tree scored at once."""


@dataclass(frozen=True)
class Shard:
    """Which rows of every batch this process takes: all, or those of every `ranks`-th pair when several share a run.

    A pair are two rows as far from the beginning as from the end, which mixup and CutMix blend.
    """

    rank: int = 0
    ranks: int = 1

    @property
    def needs(self) -> int:
        """How many successive rows of a batch have one of every process among them, wherever they lie."""
        return 2 * self.ranks - 1

    def of(self, n: int) -> Tensor:
        """The places of its rows among n, in order."""
        if self.ranks == 1:  # asked for every batch, so quickly
            return torch.arange(n)
        first = torch.arange(self.rank, (n + 1) // 2, self.ranks)
        second = n - 1 - torch.arange(self.rank, n // 2, self.ranks)
        return torch.cat([first, second.flip(0)])


@dataclass(frozen=True)
class Epoch:
    """One pass of a run over its training images: these decide every batch, whatever was trained before."""

    seed: int
    number: int
    batch_size: int
    images: int
    """Images used; the rest of the permutation is left out."""
    first: int = 0
    """Batches already trained on."""
    shard: Shard = Shard()

    def order(self, n: int) -> Tensor:
        """The images in the order of the batches."""
        return torch.randperm(n, generator=generator(self.seed, ORDER, self.number))[: self.images]


class Source(Protocol):
    """One part of a data set, ready to be fed to a network as batches on its device."""

    def __len__(self) -> int: ...

    def training(self, epoch: Epoch) -> Iterator[Batch]:
        """The epoch's batches, augmented, from `epoch.first` on; of each the rows of `epoch.share`."""

    def scoring(self, shard: Shard, at_once: int = CHUNK) -> Iterator[Batch]:
        """Every image of `shard` once, as it is."""


class Data:
    """The three parts of a data set on a device; built once and shared by all runs of a pack."""

    def __init__(self, split: Split, settings: dict[str, Any], device: torch.device, threads: int) -> None:
        recipe = settings["recipe"]
        names = recipe.get("augment", [])
        check(names)
        self.classes, self.channels, self.checksum = split.classes, split.channels, split.checksum
        self.image_size = split.image_size
        self._mixing = {kind: recipe[kind] for kind in ("mixup", "cutmix") if kind in recipe}
        self.task = task_of(split.train.labels)
        self.chance = {
            part: self.task.chance(split.classes, split.train.labels, getattr(split, part).labels)
            for part in ("test", "val")
            if len(getattr(split, part))
        }
        """Accuracy and loss of a run that diverged, on either part."""
        self._margin = settings["dataset"]["source"] == "imagenet"
        self._scale = _Normalised(settings["dataset"], device)
        self.mean, self.std = self._scale.mean, self._scale.std
        self.train = self._source(split.train, names, device, split, threads)
        self.val = self._source(split.val, [], device, split, threads)
        self.test = self._source(split.test, [], device, split, threads)

    def training(self, epoch: Epoch) -> Iterator[Batch]:
        """The training part's batches (`Source.training`), mixed where the recipe says so."""
        for step, (images, labels) in enumerate(self.train.training(epoch), start=epoch.first):
            if self._mixing:
                draw = np.random.default_rng(stream(epoch.seed, MIX, epoch.number, step))
                yield mixed(images, labels, self.classes, self._mixing, draw)
            else:
                yield images, labels

    def _source(self, part: Part, names: list[str], device: torch.device, split: Split, threads: int) -> Source:
        if isinstance(part.images, list):
            window = _Window(part.images, split.image_size, split.channels, "resized_crop" in names, self._margin)
            return Files(part, names, self._scale, window, threads)
        return Resident(part, names, self._scale, device)


class Resident:
    """All images on the device as they were stored; augmentation and normalisation happen there, a chunk at a time."""

    def __init__(self, part: Part, names: list[str], scale: _Normalised, device: torch.device) -> None:
        self._images = torch.from_numpy(np.array(part.images)).to(device)
        self._labels = torch.from_numpy(np.array(part.labels)).to(device)
        self._names, self._scale, self._device = names, scale, device

    def __len__(self) -> int:
        return len(self._labels)

    def training(self, epoch: Epoch) -> Iterator[Batch]:
        """See `Source.training`."""
        batches = max(1, CHUNK // epoch.batch_size)  # in a chunk
        chunks = epoch.order(len(self)).split(batches * epoch.batch_size)
        for number in range(epoch.first // batches, len(chunks)):
            sizes = [len(batch) for batch in chunks[number].split(epoch.batch_size)]
            own = [epoch.shard.of(size) for size in sizes]
            rows = torch.cat([at * epoch.batch_size + mine for at, mine in enumerate(own)])
            draw = BatchRandom(generator(epoch.seed, AUGMENT, epoch.number, number), len(chunks[number]), rows)
            chunk = chunks[number][rows].to(self._device)
            images = self._scale(augmented(self._images[chunk], self._names, draw))
            lengths = [len(mine) for mine in own]
            parts = zip(images.split(lengths), self._labels[chunk].split(lengths), strict=True)
            yield from list(parts)[max(0, epoch.first - number * batches) :]

    def scoring(self, shard: Shard, at_once: int = CHUNK) -> Iterator[Batch]:
        """See `Source.scoring`."""
        for rows in shard.of(len(self)).to(self._device).split(at_once):
            yield self._scale(as_float(self._images[rows])), self._labels[rows]


class Files:
    """Images decoded by worker processes; there too `resized_crop` cuts; the rest is done on the device."""

    def __init__(self, part: Part, names: list[str], scale: _Normalised, window: _Window, threads: int) -> None:
        self._names = [name for name in names if name != "resized_crop"]
        self._scale, self._labels = scale, torch.from_numpy(np.array(part.labels))
        self._window = window
        self._workers = threads if threads > 1 else 0

    def __len__(self) -> int:
        return len(self._labels)

    def training(self, epoch: Epoch) -> Iterator[Batch]:
        """See `Source.training`."""
        order = epoch.order(len(self))
        # a seed an image, drawn here: the windows do not depend on which worker decodes what
        seeds = torch.randint(2**62, (len(order),), generator=generator(epoch.seed, AUGMENT, epoch.number))
        batches = list(zip(order.split(epoch.batch_size), seeds.split(epoch.batch_size), strict=True))[epoch.first :]
        own = [epoch.shard.of(len(places)) for places, _ in batches]
        rows = [(places[mine], drawn[mine]) for (places, drawn), mine in zip(batches, own, strict=True)]
        for step, (images, labels) in enumerate(self._decoded(rows)):
            place = (epoch.number, 1 + epoch.first + step)
            draw = BatchRandom(generator(epoch.seed, AUGMENT, *place), len(batches[step][0]), own[step])
            yield self._scale(augmented(images, self._names, draw)), labels

    def scoring(self, shard: Shard, at_once: int = CHUNK) -> Iterator[Batch]:
        """See `Source.scoring`."""
        order = shard.of(len(self))
        rows = [(places, torch.zeros_like(places)) for places in order.split(min(at_once, FILES_AT_ONCE))]
        for images, labels in self._decoded(rows):
            yield self._scale(as_float(images)), labels

    def _decoded(self, batches: list[Batch]) -> Iterator[Batch]:
        device = self._scale.device
        loader = torch.utils.data.DataLoader(
            self._window,
            batch_sampler=[list(zip(places.tolist(), seeds.tolist(), strict=True)) for places, seeds in batches],
            num_workers=self._workers,
            pin_memory=device.type == "cuda",
        )
        for images, (places, _) in zip(loader, batches, strict=True):
            yield images.to(device, non_blocking=True), self._labels[places].to(device, non_blocking=True)


class _Window(torch.utils.data.Dataset[Tensor]):
    """Files as uint8 tensors of one size: a random window of each, or its central square.

    With a `margin` that is cut as on ImageNet: out of the image resized so that its shorter side is 8/7 of the size.
    """

    def __init__(self, files: list[Path], size: int, channels: int, random: bool, margin: bool) -> None:
        from torchvision.transforms import v2

        self._files, self._channels, self._size = files, channels, size
        self._window = v2.RandomResizedCrop(size) if random else None
        wide = v2.Compose([v2.Resize(round(size * 8 / 7)), v2.CenterCrop(size)])
        self._centre = wide if margin else partial(square, size=size)

    def __getitem__(self, index_and_seed: tuple[int, int]) -> Tensor:
        from PIL import Image
        from torchvision.transforms.v2.functional import pil_to_tensor

        index, seed = index_and_seed
        image = pixels(self._files[index], self._channels)
        if self._window is None:
            return pil_to_tensor(self._centre(Image.fromarray(image)))
        state = torch.get_rng_state()
        torch.default_generator.manual_seed(seed)
        at = self._window.make_params([torch.empty(1, *image.shape[:2], device="meta")])
        torch.set_rng_state(state)
        rows, columns = (
            slice(at[side], at[side] + at[length]) for side, length in (("top", "height"), ("left", "width"))
        )
        cut = Image.fromarray(np.ascontiguousarray(image[rows, columns]))  # only this becomes a Pillow image
        return pil_to_tensor(cut.resize((self._size, self._size), Image.Resampling.BILINEAR))


class _Normalised:
    """(image − mean) / std where the data set has them, channels last on a GPU; in place, so of fresh images only."""

    def __init__(self, dataset: dict[str, Any], device: torch.device) -> None:
        self.device = device
        self.mean, self.std = (
            torch.tensor(dataset.get(key, [default]), device=device, dtype=torch.get_default_dtype()).view(1, -1, 1, 1)
            for key, default in (("mean", 0), ("std", 1))  # settings hold 0.0 as 0
        )

    def __call__(self, images: Tensor) -> Tensor:
        images = images.to(self.mean.dtype).sub_(self.mean).div_(self.std)
        return images.contiguous(memory_format=torch.channels_last) if self.device.type == "cuda" else images
