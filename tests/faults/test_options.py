"""What a plan can know: options, models, parts and devices that cannot be trained with are refused before any job."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from decay_atlas.execution.devices import shortage
from decay_atlas.execution.preflight import MEMORY, asked, refusal
from decay_atlas.study.config import ConfigError, load
from decay_atlas.training import optimizers, preflight
from decay_atlas.training.data import parts, sources
from decay_atlas.training.networks import models
from decay_atlas.training.optimizers import libraries

ROOT = Path(__file__).parents[2]
RECIPE = {"epochs": 2, "batch_size": 8, "optimizer": {"name": "sgd"}, "schedule": {"name": "constant"}}
STUDY: dict[str, Any] = {
    "study": "mine",
    "grid": [{"dataset": "digits", "recipe": "short", "arch": "net", "lr": 0.1, "wd": 0, "seed": 0}],
    "archs": {"net": {"model": "resnet18", "family": "cnn"}},
    "recipes": {"short": RECIPE},
}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"name": "adamw", "epsilon": 1e-8}, "unknown option 'epsilon'; there are betas, eps. Did you mean 'eps'?"),
        ({"name": "adamw", "betas": [0.9, 1.0]}, "betas[1]"),
        ({"name": "adamw", "betas": [-0.1, 0.9]}, "betas[0]"),
        ({"name": "adamw", "betas": 0.9}, "betas must be two numbers"),
        ({"name": "adamw", "betas": [0.9, 0.99, 0.999]}, "betas must be two numbers"),
        ({"name": "adamw", "betas": {"a": 1}}, "betas must be two numbers"),
        ({"name": "adamw", "eps": 0}, "eps must be a number greater than 0"),
        ({"name": "adamw", "eps": None}, "eps must be a number"),
        ({"name": "adamw", "eps": True}, "eps must be a number"),
        ({"name": "sgd", "momentum": 1}, "momentum must be a number at least 0 and less than 1"),
        ({"name": "sgd", "nesterov": 1}, "nesterov must be true or false"),
        ({"name": "sgd", "momentum": 0, "nesterov": True}, "nesterov needs a momentum"),
        ({"name": "lion", "momentum": 0.9}, "unknown option 'momentum'; there are betas"),
        ({"name": "awd", "smoothing": 1}, "smoothing"),
        ({"name": "sam", "rho": -1}, "rho"),
        ({"name": "sam", "base": {"name": "sgd", "momentum": 2}}, "momentum"),
        ({"name": "sam", "base": {"name": "sam"}}, "base must be the entry of an optimizer"),
        ({"name": "asam", "base": {"name": "sdg"}}, "Did you mean 'sgd'?"),
        ({"name": "torch.Nadam"}, "Did you mean 'torch.NAdam'?"),
        ({"name": "torch.NAdam", "betas": [0.9, 2]}, "torch.NAdam"),
        ({"name": "torch.NAdam", "momentum": 0.9}, "unknown option 'momentum'"),
        ({"name": "torch.Adam", "betas": 3}, "torch.Adam"),
        ({"name": "torch.SGD", "momentum": "much"}, "torch.SGD"),
        ({"name": "torch.RMSprop", "alpha": {}}, "torch.RMSprop"),
        ({"name": "torch.LBFGS"}, "unknown name 'torch.LBFGS'"),
        ({"name": "timm.addan"}, "Did you mean 'timm.adan'?"),
        ({"name": "timm.adan", "betas": [0.9]}, "timm.adan"),
        ({"name": "timm.adan", "epsilon": 1}, "unknown option 'epsilon'"),
        ({"name": "timm.lion", "betas": "many"}, "timm.lion"),
    ],
)
def test_an_option_that_an_optimizer_does_not_take_is_named(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="optimizer") as raised:
        optimizers.check(entry)
    assert said in str(raised.value)


@pytest.mark.parametrize("name", [*optimizers.OPTIMIZERS, *libraries.known("torch"), *libraries.known("timm")])
def test_every_optimizer_on_offer_passes_with_its_defaults(name: str) -> None:
    optimizers.check({"name": name})


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("resnet81", "there is no model 'resnet81'; timm.list_models() lists those there are. Did you mean 'resnet"),
        ("vit_smal_patch16_224", "Did you mean 'vit_small_patch16_224'?"),
        (
            "torchvision.resnet81",
            "torchvision.models.list_models() lists those there are. Did you mean 'torchvision.res",
        ),
        ("wide_resnt", "Did you mean 'wide_resnet"),
        ("", "there is no model ''"),
        ("Linear", "there is no model 'Linear'"),
    ],
)
def test_a_model_that_no_library_has_is_named_with_the_one_that_was_meant(model: str, said: str) -> None:
    with pytest.raises(ValueError, match="there is no model") as raised:
        models.check({"model": model, "family": "cnn"})
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "arch",
    [
        {"model": "resnet18"},
        {"model": "MlpMixer"},
        {"model": "torchvision.resnet18"},
        {"model": "linear"},
        {"model": "wide_resnet", "kwargs": {"depth": 28, "width": 10}},
        {"model": "cifar_resnet", "kwargs": {"depth": 32}},
    ],
)
def test_models_of_every_library_pass(arch: dict[str, Any]) -> None:
    models.check({"family": "cnn", **arch})


DIGITS = {"source": "digits", "image_size": 8, "classes": 10, "mean": [0.3], "std": [0.4]}
RIDGE = {"source": "ridge", "samples": 40, "features": 5, "columns": "gaussian", "noise": 0.1}
COLOURED = {**DIGITS, "mean": [0.5] * 3, "std": [0.5] * 3}
MIXER = {"img_size": 8, "patch_size": 4, "embed_dim": 8, "num_blocks": 1}


def said_of(capsys: pytest.CaptureFixture[str], model: str, dataset: dict[str, Any], **kwargs: Any) -> str:
    """What is said of a network that a study gives these arguments; nothing where it can be built."""
    network = {"name": "net", "arch": {"model": model, "family": "cnn", "kwargs": kwargs}, "dataset": dataset}
    status = preflight.main(json.dumps({"recipes": {}, "networks": [network]}))
    said = capsys.readouterr().out
    assert (status, said.startswith("key archs.net: ")) in ((2, True), (0, False))
    return said.strip()


@pytest.mark.parametrize(
    ("model", "kwargs", "said"),
    [
        ("resnet18", {"dephts": [1]}, "timm's resnet18 does not take {'dephts': [1]}: "),
        ("resnet18", {"norm_layer": "bathcnorm"}, "timm's resnet18 does not take"),
        ("resnet18", {"block": 3}, "timm's resnet18 does not take"),
        ("ResNet", {"layers": [1, 1]}, "timm's ResNet does not take"),
        ("MlpMixer", {**MIXER, "patch_size": 0}, "timm's MlpMixer does not take"),
        ("MlpMixer", {**MIXER, "embed_dims": 8}, "unexpected keyword argument 'embed_dims'"),
        ("vit_small_patch16_224", {"embed_dim": 10, "num_heads": 3}, "does not take"),
        ("swin_tiny_patch4_window7_224", {"img_size": "small"}, "does not take"),
        ("torchvision.googlenet", {"aux_logits": False, "init": True}, "unexpected keyword argument 'init'"),
        ("torchvision.googlenet", {}, "has auxiliary outputs; build it without"),
        ("linear", {"img_sise": 8}, "linear does not take {'img_sise': 8}: "),
        ("wide_resnet", {"depth": 28}, "wide_resnet takes depth and width"),
    ],
)
def test_arguments_that_a_network_does_not_take_are_named(
    capsys: pytest.CaptureFixture[str], model: str, kwargs: dict[str, Any], said: str
) -> None:
    assert said in said_of(capsys, model, COLOURED, **kwargs)


@pytest.mark.parametrize(
    ("model", "kwargs", "said"),
    [
        ("vit_tiny_patch16_224", {"patch_size": 4}, "write among its kwargs\n\n    img_size: image_size"),
        ("linear", {"img_size": 9}, "linear takes no images of 8 pixels a side"),
        ("VGG", {"cfg": [4, *["M"] * 4]}, "choose another image_size for the data set, or another model"),
    ],
)
def test_images_that_a_network_does_not_take_are_named(
    capsys: pytest.CaptureFixture[str], model: str, kwargs: dict[str, Any], said: str
) -> None:
    assert said in said_of(capsys, model, COLOURED, **kwargs)


def test_a_network_of_colours_takes_no_grey_images(capsys: pytest.CaptureFixture[str]) -> None:
    said = said_of(capsys, "torchvision.resnet18", DIGITS)
    assert "torchvision.resnet18 takes images of 3 channels, and these have 1" in said


@pytest.mark.parametrize(
    ("model", "dataset", "kwargs"),
    [
        ("resnet18", DIGITS, {"drop_path_rate": 0.1}),
        ("MlpMixer", DIGITS, MIXER),
        ("vit_giant_patch14_224", {**COLOURED, "image_size": 224}, {}),  # four gigabytes, were it built in memory
        ("torchvision.googlenet", {**COLOURED, "image_size": 64}, {"aux_logits": False, "init_weights": True}),
        ("cifar_resnet", DIGITS, {"depth": 32}),
        ("linear", RIDGE, {}),
    ],
)
def test_networks_of_every_kind_and_size_are_found_right(
    capsys: pytest.CaptureFixture[str], model: str, dataset: dict[str, Any], kwargs: dict[str, Any]
) -> None:
    begun = time.process_time()
    assert said_of(capsys, model, dataset, **kwargs) == ""
    assert time.process_time() - begun < 5


def test_the_libraries_are_asked_once_and_say_all_that_is_wrong(tmp_path: Path) -> None:
    network = {"name": "net", "arch": {"model": "resnt18"}, "dataset": DIGITS}
    wrong = {"recipes": {"short": {"name": "adamw", "epsilon": 1}}, "networks": [network, network]}
    said = refusal(wrong, [sys.executable], tmp_path)
    assert said is not None
    assert "key recipes.short.optimizer: optimizer adamw: unknown option 'epsilon'" in said
    assert said.count("key archs.net: there is no model 'resnt18'") == 1
    assert not (tmp_path / MEMORY).exists()
    right = {"recipes": {"short": {"name": "adamw"}}, "networks": []}
    assert refusal(right, [sys.executable, "-c", "pass"], tmp_path) is None, "asked of one who agrees at once"
    assert refusal(right, ["/no/such/interpreter"], tmp_path) is None
    (tmp_path / "asked").mkdir()
    asks = [sys.executable, "-c", "import pathlib, sys; pathlib.Path('asked/again').touch(); sys.exit(1)"]
    here = Path.cwd()
    try:
        os.chdir(tmp_path)
        assert refusal(right, asks, tmp_path) is None
        assert not Path("asked/again").exists(), "what was found right is remembered"
        assert refusal(wrong, asks, tmp_path) is None, "a failure that is not the study's is left to training"
        assert Path("asked/again").exists()
    finally:
        os.chdir(here)


def project(root: Path, **changes: Any) -> Path:
    (root / "studies").mkdir()
    (root / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    (root / "studies/mine.yaml").write_text(yaml.safe_dump({**copy.deepcopy(STUDY), **changes}))
    return root


def test_only_what_the_grid_uses_is_asked(tmp_path: Path) -> None:
    study = load("mine", project(tmp_path))
    assert asked(study) == {
        "recipes": {"short": {"name": "sgd"}},
        "networks": [
            {
                "name": "net",
                "arch": {"model": "resnet18", "family": "cnn", "kwargs": {}},
                "dataset": study["datasets"]["digits"],
            }
        ],
    }


@pytest.mark.parametrize(
    ("dataset", "recipe", "said"),
    [
        (DIGITS, {"val_fraction": 1e-4}, "val_fraction 0.0001 of 1078 images holds out 0"),
        (DIGITS, {"val_fraction": 0.9999}, "val_fraction 0.9999 of 1078 images holds out 1078"),
        (DIGITS, {"train_size": 1079}, "train_size 1079 does not fit; 1078 images less 0 for validation leave 1078"),
        (DIGITS, {"train_size": 1000, "val_fraction": 0.1}, "less 108 for validation leave 970"),
        (DIGITS, {"batch_size": 2000}, "batch_size 2000 is more than the 1078 images"),
        (DIGITS, {"batch_size": 64, "train_size": 32}, "batch_size 64 is more than the 32 images"),
        ({**DIGITS, "test_fraction": 1e-5}, {}, "no images to test on"),
        ({**DIGITS, "test_fraction": 0.99999}, {}, "no images to train on"),
        (RIDGE, {"batch_size": 41}, "batch_size 41 is more than the 40 images"),
        (RIDGE, {"val_fraction": 0.01}, "of 40 images holds out 0"),
        ({"source": "cifar10", "image_size": 32, "classes": 10, "mean": [0.5], "std": [0.5]},
         {"train_size": 50_001}, "50000 images"),
    ],
)  # fmt: skip
def test_more_than_a_data_set_has_is_refused_with_what_it_has(
    tmp_path: Path, dataset: dict[str, Any], recipe: dict[str, Any], said: str
) -> None:
    study = project(tmp_path, datasets={"mine": dataset}, recipes={"short": {**RECIPE, **recipe}})
    grid = [{**STUDY["grid"][0], "dataset": "mine"}]
    (study / "studies/mine.yaml").write_text(
        yaml.safe_dump(
            {**STUDY, "grid": grid, "datasets": {"mine": dataset}, "recipes": {"short": {**RECIPE, **recipe}}}
        )
    )
    with pytest.raises(ConfigError, match=r"key recipes\.short, used with data set mine: ") as raised:
        load("mine", study)
    assert said in str(raised.value)


@pytest.mark.parametrize("entry", [DIGITS, {**DIGITS, "test_fraction": 0.25}, RIDGE])
def test_the_counts_are_those_of_the_data(entry: dict[str, Any]) -> None:
    data = sources.SOURCES[entry["source"]]("mine", entry)
    assert parts.known(entry, "nowhere") == (len(data.train_labels), len(data.test_labels))


def test_of_folders_the_manifest_tells_and_a_damaged_one_nothing(tmp_path: Path) -> None:
    entry = {"source": "image_folder"}
    assert parts.known(entry, tmp_path) is None
    (tmp_path / "manifest.json").write_text(json.dumps({"train": 7, "test": 3}))
    assert parts.known(entry, tmp_path) == (7, 3)
    for damaged in ("", "[]", "{}", '{"train": "x", "test": 1}', "\0"):
        (tmp_path / "manifest.json").write_text(damaged)
        assert parts.known(entry, tmp_path) is None


@pytest.mark.parametrize(
    ("device", "gpus", "listed", "said"),
    [
        ("cuda", {}, "", "there is no GPU that jobs may use here"),
        ("cuda", {}, "-1", "there is no GPU that jobs may use here"),
        ("cuda", {"big": 4}, "0,1", "key execution.gpus.big: 4 GPUs, and jobs may use 2 here; write\n\n    big: 2"),
        ("cuda", {"big": 2}, "0,1", None),
        ("auto", {"big": 4}, "0", None),
        ("cpu", {}, "", None),
    ],
)
def test_a_device_that_this_machine_lacks_is_named(
    device: str, gpus: dict[str, int], listed: str, said: str | None
) -> None:
    found = shortage(device, gpus, {"CUDA_VISIBLE_DEVICES": listed})
    assert found == said if said is None else said in str(found)


@pytest.mark.skipif(sys.platform == "darwin", reason="this machine has mps")
def test_apples_devices_are_only_apples() -> None:
    assert "write\n\n    device: auto" in str(shortage("mps", {}, {}))


def test_the_plan_says_it(tmp_path: Path) -> None:
    """Through Snakemake, in a dry run: the optimizer's option, before any job."""
    for part in ("Snakefile", "profiles", "workflow", "envs"):
        (tmp_path / part).symlink_to(ROOT / part)
    project(tmp_path, recipes={"short": {**RECIPE, "optimizer": {"name": "adamw", "epsilon": 1e-8}}})
    command = [sys.executable, "-m", "snakemake", "-n", "--cores", "1", "--configfile", "studies/mine.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert "key recipes.short.optimizer: optimizer adamw: unknown option 'epsilon'" in done.stdout + done.stderr
