"""How the runs of a pack share a device: one after another, or as a vectorised ensemble."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from decay_atlas.training import models
from decay_atlas.training.batches import Data
from decay_atlas.training.ensemble import obstacle
from decay_atlas.training.learner import Member
from decay_atlas.training.world import World

ENGINES = ("auto", "serial", "fused")
SMALL = 1e8
"""Operations of a batch's forward pass up to which `auto` fuses on a processor. Measured, one thread, six members:
×1.4 to ×3 at 4 to 20 million, ×1.2 at 70, ×0.8 at 280, ×0.5 to ×0.9 above (docs/training.md)."""
MEMORY_SHARE = 0.7
"""Of the free memory, for an ensemble; the rest is for the data and for what one step needs in passing."""
STATES = 6
"""Tensors of a parameter's size that a member holds at most: it, its gradient, two of the optimizer, two in passing."""


def choose(engine: str, settings: dict[str, Any], data: Data, device: torch.device, members: int, world: World) -> str:
    """The engine for a pack of so many members: `serial` or `fused`.

    `auto` fuses on a processor what is so small that dispatching operations costs more than computing them,
    and trains one after another on GPUs, where nothing has been measured yet.

    Raises:
        ValueError: there is no such engine, or `fused` cannot train these settings.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine: unknown {engine!r}; there are {', '.join(ENGINES)}")
    if engine == "serial" or (engine == "auto" and (members < 2 or device.type != "cpu" or world.size > 1)):
        return "serial"
    with torch.random.fork_rng(devices=[]):
        model = models.build(settings["arch"], data.classes, data.channels)
        reason = "several processes share its runs" if world.size > 1 else obstacle(settings, model)
        if engine == "fused":
            if reason:
                raise ValueError(f"engine fused: {reason}; use engine serial")
            return "fused"
        small = operations(model, data) * settings["recipe"]["batch_size"] <= SMALL
    return "fused" if small and not reason else "serial"


def operations(model: nn.Module, data: Data) -> float:
    """Floating-point operations of a network's forward pass, an image."""
    images = torch.zeros(2, data.channels, data.image_size, data.image_size)  # batch norm wants two
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.train()(images)
    return counter.get_total_flops() / len(images)


def capacity(
    members: list[Member], engine: str, settings: dict[str, Any], data: Data, device: torch.device
) -> Iterator[list[Member]]:
    """Split what an engine trains at once into parts that fit the device's memory, as even as can be."""
    room = 1
    if engine == "fused":
        room = max(1, int(MEMORY_SHARE * free_memory(device) / footprint(settings, data, device)))
    parts = -(-len(members) // room)
    for part in range(parts):
        yield members[part * len(members) // parts : (part + 1) * len(members) // parts]


def footprint(settings: dict[str, Any], data: Data, device: torch.device) -> int:
    """Bytes that one member of an ensemble takes: its weights and their like, and what a step keeps for going back."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        model = models.build(settings["arch"], data.classes, data.channels).to(device)
    size = settings["recipe"]["batch_size"]
    images = torch.zeros(size, data.channels, data.image_size, data.image_size, device=device)
    for depth in models.stochastic_depths(model).values():
        depth.keep = torch.ones(size, device=device)
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


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
