"""Models: any of timm's and torchvision's, by name and keyword arguments, and those of our own."""

from __future__ import annotations

import warnings
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

import timm
import timm.models
import torch
import torchvision
from timm.layers import DropPath
from torch import Tensor, nn

from decay_atlas.training.networks import NETWORKS
from decay_atlas.training.networks.stem import shrink
from decay_atlas.training.settings import archs

TORCHVISION = "torchvision."
REFUSALS = (TypeError, ValueError, AssertionError, RuntimeError, LookupError, AttributeError, ArithmeticError)
"""What networks raise that are built with arguments of which they know nothing."""


def build(arch: dict[str, Any], classes: int, channels: int) -> nn.Module:
    """The freshly initialised network of an architecture entry, drawn from torch's global generator.

    `model` is a name that timm.create_model knows or the name of a class in timm.models (MlpMixer, say, for
    sizes whose registered variants leave nothing to choose); `kwargs` go to it as they are. Its drop paths
    are `StochasticDepth`. `torchvision.NAME` is one of torchvision's classifiers, and NETWORKS are our own. With
    `stem: small` the first layers are those that sources use on images of 32 pixels, see `stem.shrink`.

    Raises:
        ValueError: there is no such model, it does not take these arguments, or has no stem to replace.
    """
    archs.check(arch)
    model = _built(arch, classes, channels)
    if "stem" in arch:
        shrink(model, arch["model"])
    return model


def check(arch: dict[str, Any]) -> None:
    """Refuse a model that no library has; nothing is built.

    Raises:
        ValueError: naming it, and one that was probably meant.
    """
    archs.check(arch)
    name = arch["model"]
    if name.startswith(TORCHVISION):
        known = [f"{TORCHVISION}{one}" for one in torchvision.models.list_models(module=torchvision.models)]
        library = "torchvision.models"
    else:
        known, library = [*NETWORKS, *timm.list_models()], "timm"
    kind = getattr(timm.models, name, None)
    if name in known or timm.is_model(name) or (isinstance(kind, type) and issubclass(kind, nn.Module)):
        return
    close = get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"there is no model {name!r}; {library}.list_models() lists those there are.{hint}")


def show(model: nn.Module, arch: dict[str, Any], classes: int, channels: int, size: int) -> None:
    """Show an architecture entry's network one image of `size` pixels a side, on the default device, as it was built.

    Raises:
        ValueError: it takes no images of this size; with what to write.
    """
    refusal = _refusal(model, channels, size)
    if refusal is None:
        return
    remedy = "choose another image_size for the data set, or another model"
    sized = {**arch, "kwargs": {**arch.get("kwargs", {}), "img_size": size}}
    with suppress(ValueError):  # not every model is told its size
        if _refusal(build(sized, classes, channels), channels, size) is None:
            remedy = "write among its kwargs\n\n    img_size: image_size"
    raise ValueError(f"{arch['model']} takes no images of {size} pixels a side ({refusal}); {remedy}")


def _refusal(model: nn.Module, channels: int, size: int) -> str | None:
    """What a network says against an image; None where it takes it."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            model.eval()(torch.zeros(1, channels, size, size))
        except REFUSALS as error:
            return str(error).rstrip(".") or type(error).__name__
    return None


def _built(arch: dict[str, Any], classes: int, channels: int) -> nn.Module:
    if arch["model"].startswith(TORCHVISION):
        return _torchvision(arch, classes, channels)
    name, kwargs = arch["model"], {**arch.get("kwargs", {}), "num_classes": classes, "in_chans": channels}
    kind = getattr(timm.models, name, None)
    try:
        if name in NETWORKS:
            return NETWORKS[name](**kwargs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # timm's notes on its own use of torch's deprecated calls
            if timm.is_model(name):
                return _with_stochastic_depth(timm.create_model(name, pretrained=False, **kwargs))
            if isinstance(kind, type) and issubclass(kind, nn.Module):
                return _with_stochastic_depth(kind(**kwargs))
    except REFUSALS as error:
        whose = "" if name in NETWORKS else "timm's "
        raise ValueError(f"{whose}{name} does not take {arch.get('kwargs', {})}: {error}") from error
    raise ValueError(f"timm has neither a model nor a class {name!r}; timm.list_models() lists them")


def _torchvision(arch: dict[str, Any], classes: int, channels: int) -> nn.Module:
    """One of torchvision's, which all take images of three channels.

    What has auxiliary classifiers (googlenet) must be built without: they add losses of their own in training.
    """
    name, kwargs = arch["model"].removeprefix(TORCHVISION), arch.get("kwargs", {})
    if channels != 3:
        raise ValueError(f"{arch['model']} takes images of 3 channels, and these have {channels}")
    try:
        model = torchvision.models.get_model(name, weights=None, num_classes=classes, **kwargs)
    except REFUSALS as error:
        raise ValueError(
            f"{arch['model']} with {kwargs}: {error}; torchvision.models.list_models() lists them"
        ) from None
    if getattr(model, "aux_logits", False):
        raise ValueError(
            f"{arch['model']} has auxiliary outputs; build it without\n\n    kwargs: {{aux_logits: false}}"
        )
    return model


class StochasticDepth(nn.Module):
    """Drops a residual branch for some images of a batch, as told from outside (Huang et al. 2016).

    In training `keep`, shape (n,), holds 0 for the images that drop it and 1 / (1 − p) for the others; while
    it is empty, as it is at first, none does. With the numbers given, not drawn here, a network can be one of
    many in a vectorised ensemble.
    """

    keep: Tensor

    def __init__(self, p: float, scale: bool) -> None:
        super().__init__()
        self.p, self.kept = p, 1 / (1 - p) if scale else 1.0
        self.register_buffer("keep", torch.empty(0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (n, …), unchanged outside training."""
        if not self.training or not self.keep.numel():
            return x
        return x * self.keep.to(x.dtype).view(-1, *[1] * (x.ndim - 1))


def stochastic_depths(model: nn.Module) -> dict[str, StochasticDepth]:
    """The network's branches that may be dropped, by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, StochasticDepth)}


def drawing_layer(model: nn.Module, images: Tensor) -> str | None:
    """The innermost layer that is first to draw random numbers of its own in training; None where none does.

    The network itself is asked, on the CPU and in one pass over `images` (n, channels, size, size): many draw in
    functions that no layer's name tells of. The generator is left as it was; the name of the whole network is "".
    """
    names = {module: name for name, module in model.named_modules()}
    before: dict[nn.Module, Tensor] = {}
    found: list[str] = []

    def enter(module: nn.Module, inputs: Any) -> None:
        before[module] = torch.get_rng_state()

    def leave(module: nn.Module, inputs: Any, outputs: Any) -> None:
        if not found and not torch.equal(torch.get_rng_state(), before[module]):
            found.append(names[module])

    handles = [module.register_forward_pre_hook(enter) for module in names]
    handles += [module.register_forward_hook(leave) for module in names]
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            model.train()(images)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else None


def _with_stochastic_depth(model: nn.Module) -> nn.Module:
    for name, module in list(model.named_modules()):
        if isinstance(module, DropPath):
            parent, _, child = name.rpartition(".")
            chance = float(module.drop_prob)
            depth = StochasticDepth(chance, bool(module.scale_by_keep)) if chance else nn.Identity()
            setattr(model.get_submodule(parent), child, depth)
    return model
