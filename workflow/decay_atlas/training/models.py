"""Models: any of timm's, by name and keyword arguments."""

from __future__ import annotations

import warnings
from typing import Any

import timm
import timm.models
from torch import nn


def build(arch: dict[str, Any], classes: int, channels: int) -> nn.Module:
    """The freshly initialised network of an architecture entry, drawn from torch's global generator.

    `model` is a name that timm.create_model knows or the name of a class in timm.models (MlpMixer, say, for
    sizes whose registered variants leave nothing to choose); `kwargs` go to it as they are.

    Raises:
        ValueError: timm knows no such model or does not take these arguments.
    """
    name, kwargs = arch["model"], {**arch.get("kwargs", {}), "num_classes": classes, "in_chans": channels}
    kind = getattr(timm.models, name, None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # timm's notes on its own use of torch's deprecated calls
            if timm.is_model(name):
                return timm.create_model(name, pretrained=False, **kwargs)
            if isinstance(kind, type) and issubclass(kind, nn.Module):
                return kind(**kwargs)
    except (TypeError, AssertionError, RuntimeError, IndexError, KeyError) as error:
        raise ValueError(f"arch: timm's {name} does not take {arch.get('kwargs', {})}: {error}") from error
    raise ValueError(f"arch: timm has neither a model nor a class {name!r}; timm.list_models() lists them")
