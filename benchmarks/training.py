"""Training as study code usually does it, a process a run, against our serial and fused engines.

    python benchmarks/training.py demo       the demo study's networks, whole runs: about 6 minutes on two cores
    python benchmarks/training.py cifar      the published networks at 32 pixels and batch 128, a few steps
    python benchmarks/training.py input      augmentation, and decoding a JPEG tree, in images a second
    python benchmarks/training.py recording  what the history costs, of the time of a step

Every row's figures come from the same call, the baseline (benchmarks/published_loop.py) among them; each
measurement is a process of its own. `core` is seconds of processor time a run costs, of all its processes, with
their start: what a run costs on one core. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from published_loop import transform_of
from torch.nn.utils import get_total_norm
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count
from torchvision import transforms
from torchvision.datasets import ImageFolder

from decay_atlas.runs.grid import Run, as_list, digest_of, settings_of
from decay_atlas.study.config import load
from decay_atlas.training import loop
from decay_atlas.training.data import augment, datasets
from decay_atlas.training.data.batches import Data, Epoch
from decay_atlas.training.data.sources import Arrays, pixels
from decay_atlas.training.data.streams import AUGMENT, BatchRandom, generator
from decay_atlas.training.engine.distributed import DistributedContext
from decay_atlas.training.engine.ensemble import Ensemble, member_norms
from decay_atlas.training.engine.environment import choose_device, device_name
from decay_atlas.training.engine.learner import EnsembleRun, Learner
from decay_atlas.training.engine.serial import SerialTrainer

ROOT = Path(__file__).parents[1]
BASELINE = Path(__file__).with_name("published_loop.py")
STEPS = {"cpu": 3, "cuda": 50}
MEMBERS = {"cpu": 2, "cuda": 8}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}  # in the baseline's favour: small nets lose time with more

Row = dict[str, Any]


def networks_of(config: dict[str, Any]) -> list[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Every architecture of a study with the block of the grid that it is in and the first recipe of that."""
    return [
        (block, arch, config["recipes"][as_list(block["recipe"])[0]])
        for block in config["grid"]
        for arch in block["arch"]
    ]


def demo() -> Iterator[Row]:
    """Whole runs of the demo study: a process a run against a pack a network, start-up and all."""
    config = load("demo", ROOT)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "digits"
        datasets.prepare("digits", config["datasets"]["digits"], data)
        for block, arch, recipe in networks_of(config):
            points = [(lr, wd) for lr in block["lr"] for wd in block["wd"]]
            settings = settings_of(config["datasets"]["digits"], recipe, config["archs"][arch])
            lr, wd = points[len(points) // 2]
            command = [sys.executable, BASELINE, "--settings", json.dumps(settings), "--data", data]
            row: Row = {"network": arch, "published loop": measured([*command, "--lr", lr, "--wd", wd], 1)}
            for engine in ("serial", "fused"):
                records = [Run("digits", engine, arch, digest_of(settings), *point, 0).path for point in points]
                command = [sys.executable, "-m", "decay_atlas.training", "--settings", json.dumps(settings)]
                command += ["--data", data, "--engine", engine, "--device", "cpu"]
                paths = [str(Path(folder) / path) for path in records]
                row[engine] = measured([*command, *paths], len(points))
            yield row


def measured(command: list[Any], runs: int) -> dict[str, float]:
    """What `runs` runs made by one command cost, a run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True, capture_output=True, env=ENVIRONMENT)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    core = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall / runs, "core": core / runs}


def cifar() -> Iterator[Row]:
    """Steps a second of the published networks on random images of CIFAR's shape, in the published recipe."""
    config = load("coupling", ROOT)
    device = choose_device("auto")
    peak = matmul_peak(device)
    with tempfile.TemporaryDirectory() as folder:
        random_images(Path(folder), config["datasets"]["cifar100"])
        for arch in config["grid"][0]["arch"]:
            recipe = config["recipes"]["published-cifar"]
            settings = settings_of(config["datasets"]["cifar100"], recipe, config["archs"][arch])
            steps = STEPS[device.type]
            command = [sys.executable, BASELINE, "--settings", json.dumps(settings), "--data", folder]
            row: Row = {"network": arch, "peak": peak}
            row["published loop"] = asked([*command, "--lr", 1e-3, "--wd", 0.01, "--steps", steps])
            for engine in ("serial", "fused"):
                command = [sys.executable, __file__, "steps", "--settings", json.dumps(settings), "--data", folder]
                row[engine] = asked([*command, "--engine", engine])
            yield row


def asked(command: list[Any]) -> dict[str, float]:
    """The JSON that a command prints last."""
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def steps(settings: dict[str, Any], folder: Path, engine: str) -> Row:
    """Steps a second of all members together, the operations of one and the memory of all."""
    device = choose_device("auto")
    torch.set_num_threads(os.cpu_count() or 1)
    data = Data(datasets.load(folder, settings["recipe"]), settings, device, threads=1)
    count = MEMBERS[device.type] if engine == "fused" else 1
    members = [EnsembleRun(1e-3, 0.01 * (number + 1), 0) for number in range(count)]
    learner: Learner
    if engine == "fused":
        learner = Ensemble(settings, members, data, device, DistributedContext())
    else:
        learner = SerialTrainer(settings, members[0], data, device, DistributedContext())
    taken = learner.train_epoch()
    next(taken)
    if engine == "serial":
        operations = operations_of(lambda: next(taken))
    else:
        next(taken)
        operations = 0
    wait(device)
    began = time.perf_counter()
    for _ in range(STEPS[device.type]):
        next(taken)
    wait(device)
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device.type == "cuda":
        memory = torch.cuda.max_memory_allocated(device)
    return {"steps_per_second": count * STEPS[device.type] / seconds, "operations": operations, "memory": memory}


def operations_of(work: Callable[[], Any]) -> int:
    """Floating-point operations of products and convolutions; torch by itself counts those of a grouped
    convolution's weight gradients as if it were dense, which makes a depthwise one dearer by its channels."""

    def backward(
        out_gradient: list[int], images: list[int], weights: list[int], *rest: Any, out_shape: Any = None
    ) -> int:
        """As many as the forward pass, for either gradient that is asked for."""
        transposed, wanted = rest[4], rest[7]
        return conv_flop_count(images, weights, out_gradient, transposed) * (wanted[0] + wanted[1])

    with FlopCounterMode(display=False, custom_mapping={torch.ops.aten.convolution_backward: backward}) as counter:
        work()
    return int(counter.get_total_flops())


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matmul_peak(device: torch.device) -> float:
    """Operations a second of one large matrix product in the precision the networks use."""
    size = 8192 if device.type == "cuda" else 2048
    torch.set_num_threads(os.cpu_count() or 1)
    matrix = torch.randn(size, size, device=device, dtype=torch.bfloat16 if device.type == "cuda" else torch.float32)
    best = 0.0
    for _ in range(6):
        wait(device)
        began = time.perf_counter()
        matrix @ matrix
        wait(device)
        best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best


def random_images(folder: Path, entry: dict[str, Any], n: int = 50_000) -> None:
    """A prepared data set of noise in the shape of an entry's."""
    chance = np.random.default_rng(0)
    shape = (len(entry["mean"]), entry["image_size"], entry["image_size"])
    parts = [
        part
        for size in (n, 1000)
        for part in (chance.integers(0, 256, (size, *shape), np.uint8), chance.integers(0, entry["classes"], size))
    ]
    names = [str(number) for number in range(entry["classes"])]
    datasets.store("noise", entry, Arrays(parts[0], parts[1], parts[2], parts[3], names), folder)


def inputs() -> Iterator[Row]:
    """Images a second: augmentation of whole batches against one image at a time, and decoding a tree."""
    config = load("coupling", ROOT)
    device = choose_device("auto")
    entry = config["datasets"]["cifar100"]
    images = torch.randint(0, 256, (4096, 3, 32, 32), dtype=torch.uint8)
    for family, names in config["recipes"]["published-cifar"]["augment"].items():
        single = transform_of({"dataset": entry}, names)
        pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images[:512]]
        theirs = rate(lambda single=single, pictures=pictures: [single(picture) for picture in pictures], 512)
        moved = images.to(device)
        draw = BatchRandom(generator(0, AUGMENT), len(images))
        ours = rate(lambda moved=moved, names=names, draw=draw: augment.augmented(moved, names, draw), len(images))
        yield {"what": f"augmentation, {family}", "one by one": theirs, "ours": ours}
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "raw"
        files = jpeg_tree(tree)
        cores = os.cpu_count() or 1
        with ThreadPoolExecutor(cores) as pool:
            limit = rate(lambda: list(pool.map(lambda file: pixels(file, 3).shape, files)), len(files))
        entry = {**config["datasets"]["imagenet"], "path": str(tree), "classes": 8}
        datasets.prepare("imagenet", entry, Path(folder) / "data")
        recipe = {**config["recipes"]["published-imagenet"], "augment": ["resized_crop", "flip"]}
        split = datasets.load(Path(folder) / "data", recipe)
        source = Data(split, {"dataset": entry, "recipe": recipe}, device, cores).train
        cut = transforms.Compose([transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()])
        scale = [transforms.ToTensor(), transforms.Normalize(entry["mean"], entry["std"])]
        usual = ImageFolder(tree / "train", transforms.Compose([cut, *scale]))
        loader = DataLoader(usual, batch_size=128, shuffle=True, num_workers=4)
        epoch = Epoch(seed=0, number=0, batch_size=128, images=len(files))
        yield {
            "what": "a JPEG tree at 224 px",
            "limit": limit,
            "one by one": rate(lambda: list(loader), len(files)),
            "ours": rate(lambda: list(source.training(epoch)), len(files)),
        }


class Stopwatch:
    """Processor seconds spent in calls of what it wraps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, its time added up here."""

        def call(*arguments: Any) -> Any:
            began = time.process_time()
            done = work(*arguments)
            self.seconds += time.process_time() - began
            return done

        return call


def recording() -> Iterator[Row]:
    """What the history costs: at every step loss, right answers and DoG's norms, once an epoch the row and its norms.

    In processor time of one thread, which other work on the machine hardly changes.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as folder:
        demo = load("demo", ROOT)
        datasets.prepare("digits", demo["datasets"]["digits"], Path(folder) / "digits")
        engines = (("serial", 1), ("fused", 10))
        for (_, arch, recipe), (engine, members) in itertools.product(networks_of(demo), engines):
            settings = settings_of(demo["datasets"]["digits"], recipe, demo["archs"][arch])
            yield {"network": arch, "engine": engine} | recorded(settings, Path(folder) / "digits", members, epochs=10)
        published = load("coupling", ROOT)
        entry, recipe = published["datasets"]["cifar100"], published["recipes"]["published-cifar"]
        (Path(folder) / "cifar").mkdir()
        random_images(Path(folder) / "cifar", entry, 8 * recipe["batch_size"])
        for arch in published["grid"][0]["arch"]:
            settings = settings_of(entry, recipe, published["archs"][arch])
            found = recorded(settings, Path(folder) / "cifar", 1, epochs=1, images=50_000)
            yield {"network": f"{arch}, CIFAR's size", "engine": "serial"} | found


def recorded(settings: dict[str, Any], folder: Path, members: int, epochs: int, images: int | None = None) -> Row:
    """Times of some epochs' steps, of an epoch of so many `images` where that is not the data set's number."""
    device = choose_device("auto")
    data = Data(datasets.load(folder, settings["recipe"]), settings, device, threads=1)
    own = [EnsembleRun(1e-3, 0.01 * (number + 1), 0) for number in range(members)]
    learner: Any = SerialTrainer(settings, own[0], data, device, DistributedContext())
    if members > 1:
        learner = Ensemble(settings, own, data, device, DistributedContext())
    step, dog, epoch = Stopwatch(), Stopwatch(), Stopwatch()
    sums, row = epoch.timed(learner.sums), epoch.timed(loop._row)
    gradients = epoch.timed(member_norms if members > 1 else get_total_norm)
    scores = (loop.Scores(1.0, 50.0),) * 2
    for number in range(epochs + 1):
        if number == 1:  # the first one warms up
            began, epoch.seconds = time.process_time(), 0.0
        learner._tally.add = step.timed(learner._tally.add)  # a new epoch has new ones
        learner._dog.add = dog.timed(learner._dog.add)
        learner.step = sum(1 for _ in learner.train_epoch()) * 0
        gradients([parameter.detach() for parameter in learner._parameters])  # beside the one in the last step
        for member, found in zip(own, sums(), strict=True):
            member.history.append(row(member, number, 1e-3, found, scores))
        step.seconds *= number > 0
        dog.seconds *= number > 0
    wait(device)
    trained = epochs * learner.course.steps
    steps = -(-images // learner.course.batch_size) if images else learner.course.steps
    seldom = epoch.seconds / epochs / steps
    everything = (time.process_time() - began - epoch.seconds) / trained + seldom
    share, own = (step.seconds + dog.seconds) / trained + seldom, dog.seconds / trained
    return {
        **{"steps": steps, "step": everything * 1e3, "recording": share * 1e6, "share": share / everything},
        **{"dog": own * 1e6, "dog share": own / everything},
    }


def jpeg_tree(root: Path, classes: int = 8, each: int = 96) -> list[Path]:
    """Training and validation folders of noise-like photographs of ImageNet's usual size, 500 × 375."""
    chance = np.random.default_rng(0)
    files = []
    for number in range(classes * (each + 4)):
        part, name = ("train" if number < classes * each else "val"), f"n{number % classes:08d}"
        coarse = Image.fromarray(chance.integers(0, 256, (24, 32, 3), np.uint8)).resize(
            (500, 375), Image.Resampling.BICUBIC
        )
        path = root / part / name / f"{number}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse.save(path, quality=90)
        files += [path] if part == "train" else []
    return files


def rate(work: Callable[[], Any], n: int) -> float:
    """Images a second, the best of three."""
    best = 0.0
    for _ in range(3):
        began = time.perf_counter()
        work()
        best = max(best, n / (time.perf_counter() - began))
    return best


def gain(row: Row, engine: str, figure: str) -> str:
    """How many times better than the published loop; less is better where seconds are counted."""
    ratio = row[engine][figure] / row["published loop"][figure]
    return f"{1 / ratio if figure == 'core' else ratio:.1f}×"


WAYS = ("published loop", "serial", "fused")
COLUMNS: dict[str, dict[str, Callable[[Row], str]]] = {
    "demo": {
        "network": lambda row: row["network"],
        **{f"{way}, core seconds a run": lambda row, way=way: f"{row[way]['core']:.2f}" for way in WAYS},
        **{f"{way}, wall": lambda row, way=way: f"{row[way]['wall']:.2f}" for way in WAYS},
        **{f"{way}, runs an hour and core": lambda row, way=way: f"{3600 / row[way]['core']:,.0f}" for way in WAYS},
        **{f"{way} gains": lambda row, way=way: gain(row, way, "core") for way in WAYS[1:]},
    },
    "cifar": {
        "network": lambda row: row["network"],
        **{f"{way}, steps a second": lambda row, way=way: f"{row[way]['steps_per_second']:.2f}" for way in WAYS},
        **{f"{way} gains": lambda row, way=way: gain(row, way, "steps_per_second") for way in WAYS[1:]},
        **{
            f"{way}, share of the matmul peak": lambda row, way=way: (
                f"{row['serial']['operations'] * row[way]['steps_per_second'] / row['peak']:.0%}"
            )
            for way in WAYS
        },
        **{f"{way}, GiB": lambda row, way=way: f"{row[way]['memory'] / 2**30:.1f}" for way in WAYS},
    },
    "input": {
        "what": lambda row: row["what"],
        "one by one": lambda row: f"{row['one by one']:,.0f}",
        "ours": lambda row: f"{row['ours']:,.0f}",
        "ratio": lambda row: f"{row['ours'] / row['one by one']:.2f}×",
        "decoding alone, all cores": lambda row: f"{row['limit']:,.0f}" if "limit" in row else "",
    },
    "recording": {
        "network": lambda row: row["network"],
        "engine": lambda row: row["engine"],
        "steps of an epoch": lambda row: str(row["steps"]),
        "ms a step": lambda row: f"{row['step']:.2f}",
        "of it recording, µs": lambda row: f"{row['recording']:.0f}",
        "share": lambda row: f"{row['share']:.2%}",
        "of it DoG, µs": lambda row: f"{row['dog']:.0f}",
        "its share": lambda row: f"{row['dog share']:.2%}",
    },
}
PROGRAMS = {"demo": demo, "cifar": cifar, "input": inputs, "recording": recording}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=(*PROGRAMS, "steps"), help="steps is for the program itself")
    parser.add_argument("--settings", type=json.loads)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--engine")
    options = parser.parse_args()
    if options.what == "steps":
        print(json.dumps(steps(options.settings, options.data, options.engine)))
        return
    columns = COLUMNS[options.what]
    print(f"{device_name(choose_device('auto'))}, {os.cpu_count()} cores, torch {torch.__version__}\n")
    print("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns), flush=True)
    for row in PROGRAMS[options.what]():
        print("| " + " | ".join(text(row) for text in columns.values()) + " |", flush=True)


if __name__ == "__main__":
    main()
