"""Fine-tuning: a network begins with pretrained weights and a new head, which may learn at a rate of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from decay_atlas.training.settings.pretrained import STORE, checksum

MOST_NAMES = 5
"""Of entries that do not fit, in a message."""


def begin(model: nn.Module, entry: dict[str, Any]) -> None:
    """Load the weights that a recipe's `pretrained` names into a network, all but its head, which stays as drawn.

    Raises:
        ValueError: the file is not in the store, is damaged, or holds another network.
    """
    file = STORE / entry["sha256"]
    if not file.is_file() or checksum(file) != entry["sha256"]:
        raise ValueError(f"pretrained: {file} is missing or damaged; delete it and run the same command")
    load(model, read(file))


def read(file: Path) -> dict[str, Tensor]:
    """The tensors of a file of PyTorch's (a state dictionary, or one under `state_dict` or `model`) or of safetensors.

    Raises:
        ValueError: it is neither.
    """
    try:
        with file.open("rb") as content:
            zipped = content.read(2) == b"PK"
        if not zipped:
            return safetensors.torch.load(file.read_bytes())
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # either library raises what it likes
        raise ValueError(f"pretrained: {file} is no file of weights of PyTorch or safetensors: {error}") from None
    for key in ("state_dict", "model"):
        found = found[key] if isinstance(found, dict) and isinstance(found.get(key), dict) else found
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise ValueError(f"pretrained: {file} holds no state dictionary")
    return found


def load(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Copy weights into a network by name, all but its head's.

    Raises:
        ValueError: names or shapes differ outside the head.
    """
    head = head_of(model)
    own = {name: tensor for name, tensor in model.state_dict().items() if name not in head}
    given = {name: tensor for name, tensor in weights.items() if name not in head}
    wrong = [f"{name} is missing" for name in own if name not in given]
    wrong += [f"{name} is unknown" for name in given if name not in own]
    wrong += [
        f"{name} has the shape {tuple(given[name].shape)} and not {tuple(own[name].shape)}"
        for name in own
        if name in given and given[name].shape != own[name].shape
    ]
    if wrong:
        more = f", and {len(wrong) - MOST_NAMES} more" if len(wrong) > MOST_NAMES else ""
        raise ValueError(
            f"pretrained: the weights are those of another network ({'; '.join(wrong[:MOST_NAMES])}{more}); they must "
            "have been trained with the same model, kwargs, stem and channels, and image_size where it knows one"
        )
    model.load_state_dict({**model.state_dict(), **given})


def head_of(model: nn.Module) -> list[str]:
    """The names of the head's entries in a network's state dictionary: timm's classifier, else the last linear layer.

    Raises:
        ValueError: there is none, or nothing else.
    """
    named = dict(model.named_modules())
    classifier = getattr(model, "get_classifier", lambda: None)()
    linear = [name for name, module in named.items() if isinstance(module, nn.Linear)]
    own = [name for name, module in named.items() if module is classifier and name] or linear[-1:]
    found = [name for name in model.state_dict() if own and name.startswith(f"{own[0]}.")]
    if not found or len(found) == len(model.state_dict()):
        raise ValueError("pretrained: this network has no head beside other layers, so nothing can be fine-tuned")
    return found


@contextmanager
def moved(parameters: Sequence[Tensor], factor: float) -> Iterator[None]:
    """What moves inside moves `factor` times as far: for an optimizer's step, `factor` times its learning rate.

    So it is for every optimizer, whose decay is then `factor` times as strong too, also where it knows no rate.
    """
    if factor == 1 or not parameters:
        yield
        return
    before = [parameter.detach().clone() for parameter in parameters]
    yield
    with torch.no_grad():
        for parameter, start in zip(parameters, before, strict=True):
            parameter.copy_(torch.lerp(start, parameter, factor))
