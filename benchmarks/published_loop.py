"""One training run as study code usually trains it: the baseline of benchmarks/training.py.

A process a run, timm, torchvision's transforms image by image, a DataLoader of four workers, the loss read
back after every batch, the whole test set after every epoch. Takes a run's settings and a prepared data set
as decay_atlas.training does, shares none of its code, and prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
import timm
import timm.models
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

WORKERS = 4


class Images(Dataset):
    """A prepared data set's images, each transformed on its own."""

    def __init__(self, folder: Path, part: str, transform: transforms.Compose) -> None:
        self.images, self.labels = np.load(folder / f"{part}_images.npy"), np.load(folder / f"{part}_labels.npy")
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        pixels = self.images[index].transpose(1, 2, 0)
        return self.transform(Image.fromarray(pixels.squeeze())), int(self.labels[index])


def transform_of(settings: dict, augment: list[str]) -> transforms.Compose:
    size = settings["dataset"]["image_size"]
    known = {
        "crop": transforms.RandomCrop(size, padding=size // 8),
        "flip": transforms.RandomHorizontalFlip(),
        "jitter": transforms.ColorJitter(0.4, 0.4, 0.4),
        "randaugment": transforms.RandAugment(),
    }
    normalise = transforms.Normalize(settings["dataset"]["mean"], settings["dataset"]["std"])
    return transforms.Compose([*(known[name] for name in augment), transforms.ToTensor(), normalise])


def network(settings: dict) -> nn.Module:
    arch, dataset = settings["arch"], settings["dataset"]
    kwargs = {**arch["kwargs"], "num_classes": dataset["classes"], "in_chans": len(dataset["mean"])}
    if timm.is_model(arch["model"]):
        return timm.create_model(arch["model"], **kwargs)
    return getattr(timm.models, arch["model"])(**kwargs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--wd", type=float, required=True)
    parser.add_argument("--steps", type=int, help="stop after so many steps, the first of which is not timed")
    options = parser.parse_args()
    settings, recipe = options.settings, options.settings["recipe"]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    train = Images(options.data, "train", transform_of(settings, recipe["augment"]))
    if "train_size" in recipe:
        train = torch.utils.data.Subset(train, range(recipe["train_size"]))
    test = Images(options.data, "test", transform_of(settings, []))
    batches = DataLoader(
        train, recipe["batch_size"], shuffle=True, num_workers=WORKERS, pin_memory=device.type == "cuda"
    )
    model = network(settings).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.lr, weight_decay=options.wd)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe["epochs"])
    scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")
    best, steps, began = 0.0, 0, time.perf_counter()
    for _ in range(recipe["epochs"]):
        model.train()
        total = 0.0
        for images, labels in batches:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            with torch.autocast(device.type, enabled=device.type == "cuda"):
                loss = nn.functional.cross_entropy(model(images), labels)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            total += loss.item() * len(labels)
            steps += 1
            if steps == 1 and options.steps:
                began = time.perf_counter()
            if options.steps and steps > options.steps:
                seconds = time.perf_counter() - began
                print(json.dumps({"steps_per_second": options.steps / seconds, "memory": memory(device)}))
                return
        schedule.step()
        model.eval()
        correct = 0
        with torch.no_grad():
            for images, labels in DataLoader(test, recipe["batch_size"], num_workers=WORKERS):
                correct += (model(images.to(device)).argmax(1) == labels.to(device)).sum().item()
        best = max(best, 100 * correct / len(test))
    print(json.dumps({"test_best": best, "steps": steps, "memory": memory(device)}))


def memory(device: torch.device) -> int:
    """Bytes: of the GPU at most, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
