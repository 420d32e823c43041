"""How the runs of a pack share a device: one after another, or as a vectorised ensemble."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from decay_atlas.training.data.batches import Data
from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.ensemble import why_not_fusable
from decay_atlas.training.engine.learner import EnsembleRun
from decay_atlas.training.networks import models

ENGINES = ("auto", "serial", "fused")
SMALL = 1e8
"""Operations of a batch's forward pass up to which `auto` fuses on a processor. Measured, one thread, six members:
×1.4 to ×3 at 4 to 20 million, ×1.2 at 70, ×0.8 at 280, ×0.5 to ×0.9 above (docs/training.md)."""
MEMORY_SHARE = 0.7
"""Of the free memory, for an ensemble; the rest is for the data and for what one step needs in passing."""
STATES = 6
"""Tensors of a parameter's size that a member holds at most: it, its gradient, two of the optimizer, two in passing."""


class ModelProbe:
    """A network of a pack's kind, measured before any is trained: built once, when first asked for."""

    def __init__(self, settings: dict[str, Any], data: Data, device: torch.device) -> None:
        self.settings, self.data, self.device = settings, data, device

    @cached_property
    def network(self) -> nn.Module:
        """Freshly initialised, with no random number of the caller's."""
        with torch.random.fork_rng(devices=[]):
            return models.build(self.settings["arch"], self.data.classes, self.data.channels)

    def check(self, name: str) -> None:
        """Show the network one image, so that what cannot be trained is told once and not by every run.

        Raises:
            ValueError: the arch entry `name` cannot be built, or takes no images of this size.
        """
        arch, data = self.settings["arch"], self.data
        try:
            models.show(self.network, arch, data.classes, data.channels, data.image_size)
        except ValueError as error:
            raise ValueError(f"archs.{name}: {error}") from error

    def release(self) -> None:
        """Forget the network: it is not to lie in memory while others are trained."""
        self.__dict__.pop("network", None)

    @property
    def batch_size(self) -> int:
        """Images of a step."""
        size: int = self.settings["recipe"]["batch_size"]
        return size

    def why_not_fusable(self) -> str | None:
        """Why runs of this kind cannot be members of an ensemble; None where they can."""
        return why_not_fusable(self.settings, self.network, self.data)

    def operations(self) -> float:
        """Floating-point operations of the network's forward pass, an image."""
        with torch.random.fork_rng(devices=[]), torch.no_grad(), FlopCounterMode(display=False) as counter:
            self.network.train()(self._images(2, torch.device("cpu")))  # batch norm wants two
        return counter.get_total_flops() / 2

    @cached_property
    def footprint(self) -> int:
        """Bytes that a member of an ensemble takes: its weights and their like, and what a step keeps to go back."""
        model = self.network.to(self.device)
        self.release()  # the last that is asked of it
        images = self._images(self.batch_size, self.device)
        for depth in models.stochastic_depths(model).values():
            depth.keep = torch.ones(self.batch_size, device=self.device)
        own = {tensor.untyped_storage().data_ptr() for tensor in model.parameters()}
        kept: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with saved_tensors_hooks(note, lambda tensor: tensor):
            model.train()(images)
        weights = sum(tensor.nbytes for tensor in model.parameters())
        return STATES * weights + sum(kept.values()) + images.nbytes

    def _images(self, n: int, device: torch.device) -> Tensor:
        return torch.zeros(n, self.data.channels, self.data.image_size, self.data.image_size, device=device)


def choose(engine: str, specimen: ModelProbe, members: int, world: DistributedContext) -> str:
    """The engine for a pack of so many members: `serial` or `fused`.

    `auto` fuses on a processor what is so small that dispatching operations costs more than computing them,
    and trains one after another on GPUs, where nothing has been measured yet.

    Raises:
        ValueError: there is no such engine, or `fused` cannot train these settings.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine: unknown {engine!r}; there are {', '.join(ENGINES)}")
    unfit = members < 2 or specimen.device.type != "cpu" or world.size > 1
    if engine == "serial" or (engine == "auto" and unfit):
        specimen.release()
        return "serial"
    reason = "several processes share its runs" if world.size > 1 else specimen.why_not_fusable()
    if engine == "fused" and reason:
        raise ValueError(f"engine fused: {reason}; use engine serial")
    if engine == "fused" or (not reason and specimen.operations() * specimen.batch_size <= SMALL):
        return "fused"
    specimen.release()
    return "serial"


def split_to_memory(members: list[EnsembleRun], engine: str, specimen: ModelProbe) -> Iterator[list[EnsembleRun]]:
    """Split what an engine trains at once into parts that fit the device's memory, as even as can be."""
    room = 1
    if engine == "fused":
        room = max(1, int(MEMORY_SHARE * free_memory(specimen.device) / specimen.footprint))
    parts = -(-len(members) // room)
    for part in range(parts):
        yield members[part * len(members) // parts : (part + 1) * len(members) // parts]


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device now; all of the machine's memory where the system does not say (macOS)."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"
    return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
