"""A pack: the runs that share one job, trained so that nothing finished is ever lost or trained twice."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from decay_atlas.runs.dog import DogError, estimate_for
from decay_atlas.runs.grid import Run, digest_of, number_text
from decay_atlas.runs.packs import claimed, missing_members, put
from decay_atlas.runs.records import RECORD_FORMAT, replacing
from decay_atlas.training import evaluations, optimizers
from decay_atlas.training.checkpoint_timer import CheckpointTimer
from decay_atlas.training.checkpoints import CheckpointError, Checkpoints, Place, discard, furthest_common
from decay_atlas.training.data import datasets
from decay_atlas.training.data.batches import Data
from decay_atlas.training.engine.choosing import ModelProbe, choose, split_to_memory
from decay_atlas.training.engine.distributed import DistributedContext, joined
from decay_atlas.training.engine.ensemble import Ensemble
from decay_atlas.training.engine.environment import about, choose_device
from decay_atlas.training.engine.learner import SPENT_ON, EnsembleRun, Learner, State
from decay_atlas.training.engine.serial import SerialTrainer
from decay_atlas.training.loop import HISTORY, Result, train
from decay_atlas.training.progress import Progress
from decay_atlas.training.settings import recipes

CHECKPOINT_MINUTES = 10.0


def train_pack(
    settings: dict[str, Any],
    paths: Sequence[str | Path],
    data_dir: str | Path,
    engine: str = "auto",
    device: str = "auto",
    threads: int = 1,
    checkpoint_minutes: float = CHECKPOINT_MINUTES,
) -> list[str]:
    """See to it that every record of `paths` is there, and return the paths of those that could not be made.

    A record that is there, whole and of the same settings is kept (see `packs`); a run that was interrupted
    goes on from its checkpoint. Under torchrun its processes train each run together.

    Raises:
        ValueError: the settings, a path, the engine or the device make no sense; nothing has been trained.
        Interrupted: a signal came; what was being trained has a checkpoint.
    """
    evaluations.check(settings["recipe"].get("evaluations", []))
    optimizers.check(settings["recipe"]["optimizer"])
    recipes.check(settings["recipe"])
    torch.set_num_threads(threads)
    chosen = choose_device(device)
    with joined(chosen) as world, claimed(paths if world.first else []):
        missing = world.agreed(missing_members(settings, paths) if world.first else [])
        failed: list[str] = []
        if missing:
            data = Data(datasets.load(data_dir, settings["recipe"]), settings, chosen, threads)
            specimen = ModelProbe(settings, data, chosen)
            specimen.check(missing[0][1].arch)
            engine = choose(engine, specimen, len(missing), world)
            with Progress(len(missing), settings["recipe"]["epochs"], quiet=not world.first) as progress:
                trainer = _Trainer(settings, data, chosen, threads, world, progress)
                with CheckpointTimer(checkpoint_minutes, world, trainer.save) as watch:
                    trainer.train(
                        [Path(path) for path in paths], {path for path, _ in missing}, engine, specimen, watch
                    )
                failed = trainer.failed
        if world.first:
            for path in paths:
                if str(path) not in failed:
                    discard(Path(path))
    return failed


class _Trainer:
    """Trains the members of a pack on data that are loaded once, and keeps what comes of them."""

    def __init__(
        self,
        settings: dict[str, Any],
        data: Data,
        device: torch.device,
        threads: int,
        world: DistributedContext,
        progress: Progress,
    ) -> None:
        self._settings, self._data, self._device = settings, data, device
        self._world, self._progress = world, progress
        self._about = about(device, threads, world.size)
        self._digest = digest_of(settings)
        self._pack: list[Path] = []
        self._missing: set[Path] = set()
        self._engine = ""
        self.failed: list[str] = []

    def train(
        self, pack: list[Path], missing: set[Path], engine: str, specimen: ModelProbe, watch: CheckpointTimer
    ) -> None:
        """Train a pack's missing runs by an engine; one that fails stops no other."""
        self._pack, self._missing = pack, missing
        members = []
        for path in (path for path in pack if path in missing):
            try:
                members.append(member_of(path, self._settings))
            except DogError as error:
                self._fail([EnsembleRun(0, 0, 0, path)], error)
        groups = ([members] if members else []) if engine == "fused" else [[member] for member in members]
        while groups:
            group = groups.pop(0)
            try:
                place = furthest_common([self._checkpoints(member) for member in group])
                whole = self._as_it_was(group, place) if engine == "fused" else group
                self._engine = engine if len(whole) > 1 else "serial"
                for part in split_to_memory(whole, self._engine, specimen):
                    self._train(part, place, watch)
            except CheckpointError as error:  # it is set aside now, or gone with a run that is done: look again
                self._progress.say(str(error))
                paths = [path for path in (member.path for member in group) if path in self._missing]
                self._missing.difference_update(
                    set(paths) - {path for path, _ in missing_members(self._settings, paths)}
                )
                groups[:0] = [left] if (left := self._unfinished(group)) else []
            except Exception as error:  # whatever one group dies of, the others are still to be trained
                if self._world.size > 1:
                    raise  # the other processes wait for this one: torchrun must end them
                left = self._unfinished(group)
                if len(left) > 1 and _is_out_of_memory(error):
                    self._progress.say(f"{_names(left)}: out of memory, so in two halves")
                    half = len(left) // 2
                    groups[:0] = [left[:half], left[half:]]
                else:
                    self._fail(left, error)

    def _fail(self, members: list[EnsembleRun], error: Exception) -> None:
        self.failed += [str(member.path) for member in members]
        self._progress.say(f"{_names(members)}: failed\n{_reason(error, members[0])}")

    def _as_it_was(self, group: list[EnsembleRun], place: Place | None) -> list[EnsembleRun]:
        """With the finished members of an interrupted ensemble: one of another size would round otherwise."""
        finished = (member_of(path, self._settings) for path in self._pack if path not in self._missing)
        beside = [member for member in finished if place in self._checkpoints(member).places()]
        return sorted([*group, *beside], key=lambda member: self._pack.index(member.path or Path()))

    def _safeguard(self, learner: Learner) -> None:
        """Records are written one by one: killed between two, an ensemble is to go on as it was."""
        if len(learner.members) > 1:
            for member, state in learner.states():
                self.save(member, state)

    def save(self, member: EnsembleRun, state: State) -> None:
        """Write a checkpoint; where the disk refuses, training goes on without."""
        if self._world.first:
            try:
                self._checkpoints(member).save(member, state)
            except OSError as error:
                self._progress.say(f"{member.path}: no checkpoint written ({error.strerror}); training goes on")

    def _train(self, members: list[EnsembleRun], place: Place | None, watch: CheckpointTimer) -> None:
        self._progress.start(_names(members))
        learner = self._learner(members)
        if place is None:
            self._loop(learner, watch)
            return
        resumed = False
        try:
            learner.resume([self._resumed(member, place) for member in members])
            resumed = True
            epoch, step = place
            self._progress.say(
                f"{_names(members)}: resumed at epoch {epoch + 1} of {learner.course.epochs}, step {step}"
            )
            self._loop(learner, watch)
        except Exception as error:
            if isinstance(error, CheckpointError) or _is_out_of_memory(error):
                raise
            if resumed and not self._is_to_blame(place, learner, error):
                raise
            reason = f"it does not fit: {type(error).__name__}: {error}"
            refusals = [self._checkpoints(member).refused(place, reason) for member in members]
            raise refusals[0] from None

    def _is_to_blame(self, place: Place, learner: Learner, error: Exception) -> bool:
        """Whether training failed because of the checkpoint: at its first step, which from the beginning succeeds."""
        unmoved = (learner.epoch, learner.step) == place and learner.epoch < learner.course.epochs
        if not unmoved or isinstance(error, OSError) or self._world.size > 1:
            return False
        fresh = self._learner([member_of(member.path, self._settings) for member in learner.members if member.path])
        try:
            next(fresh.train_epoch())
        except Exception:
            return False
        return True

    def _learner(self, members: list[EnsembleRun]) -> Learner:
        if self._engine == "fused":
            return Ensemble(self._settings, members, self._data, self._device, self._world)
        return SerialTrainer(self._settings, members[0], self._data, self._device, self._world)

    def _loop(self, learner: Learner, watch: CheckpointTimer) -> None:
        train(learner, watch, self._progress.epoch, self._done, self._safeguard)

    def _resumed(self, member: EnsembleRun, place: Place) -> State:
        state, fields = self._checkpoints(member).load(place)
        member.history, member.status = fields["history"], fields["status"]
        member.seconds = {name: float(fields["seconds"][name]) for name in SPENT_ON}
        member.best = fields.get("best", {})
        if len(member.history) != place[0] or not all(row.keys() >= set(HISTORY) for row in member.history):
            raise ValueError(f"its history is not that of {place[0]} epochs")
        return state

    def _done(self, member: EnsembleRun, result: Result, network: nn.Module) -> None:
        """A run is finished: the first process keeps what came of it."""
        if member.path in self._missing:
            self._missing.remove(member.path)
            if self._world.first:
                try:
                    self._keep(member, member.path, result, network)
                except Exception as error:
                    if self._world.size > 1:
                        raise
                    self._fail([member], error)

    def _keep(self, member: EnsembleRun, path: Path, result: Result, network: nn.Module) -> None:
        """Stage a run's record and put it into place."""
        run = Run.from_path(str(path))
        record = {
            "format": RECORD_FORMAT,
            "dataset": run.dataset,
            "recipe": run.recipe,
            "arch": run.arch,
            "digest": self._digest,
            "lr": run.lr,
            "wd": run.wd,
            "seed": run.seed,
            "settings": self._settings,
            "data_checksum": self._data.checksum,
            **({"dog": estimate_for(path, self._settings)} if "dog" in self._settings["recipe"] else {}),
            **result,
            **self._about,
            "engine": self._engine,
        }
        if self._settings["recipe"].get("keep_weights"):
            with replacing(path.with_suffix(".pt")) as part:
                torch.save(network.state_dict(), part)
        put(path, record)
        self._progress.finish(_names([member]), result)

    def _checkpoints(self, member: EnsembleRun) -> Checkpoints:
        assert member.path is not None
        return Checkpoints(member.path, self._settings, self._data.checksum)

    def _unfinished(self, members: list[EnsembleRun]) -> list[EnsembleRun]:
        """Fresh members for the runs of a group that have no record yet."""
        return [
            member_of(member.path, self._settings) for member in members if member.path and member.path in self._missing
        ]


def member_of(path: Path, settings: dict[str, Any]) -> EnsembleRun:
    """The run whose record is to lie at `path`, not begun yet.

    Raises:
        DogError: its DoG is to be estimated and there is no estimate.
    """
    run = Run.from_path(str(path))
    dog = estimate_for(path, settings)["dog"] if "dog" in settings["recipe"] else 1.0
    return EnsembleRun(run.lr, run.wd, run.seed, path, dog=dog)


def _names(members: list[EnsembleRun]) -> str:
    """One member's point of the grid, or the first of several."""
    first = members[0]
    assert first.path is not None
    arch = Run.from_path(str(first.path)).arch
    name = f"{arch} lr {number_text(first.lr)} wd {number_text(first.wd)} seed {first.seed}"
    return name if len(members) == 1 else f"{name} and {len(members) - 1} more"


def _reason(error: Exception, member: EnsembleRun) -> str:
    """What to tell of a failure: the way out where it is known, or the traceback."""
    if isinstance(error, DogError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{member.path}: cannot be written ({error.strerror}); make room, then run the same command again"
    if _is_out_of_memory(error):
        return f"out of memory: {error}\nset `accumulate: 2` in the recipe, or more, to take a batch in parts"
    return traceback.format_exc()


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
