"""Trains an adapter: passes over songs, with a look now and then at songs that are kept unseen.

It ends after so many passes, or as soon as unseen songs gain nothing any more, and keeps what was
best for those. What it does follows from the songs and the settings alone, also if it is
interrupted and goes on. Knows no files.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from lyricist.arrays import FloatArray
from lyricist.tuning.adapted_network import AdaptedNetwork

#: Adam's constants, as its authors set them (Kingma and Ba 2015); what all gradients of a step
#: together may amount to.
_MEAN_DECAY, _SQUARE_DECAY, _EPSILON = 0.9, 0.999, 1e-8
_MOST_NORM = 1.0
#: The rate rises over this share of all steps, and falls to this share of itself.
_WARM_UP, _LAST_RATE = 0.1, 0.1
#: Unseen songs are looked at so often in a pass; if they gain nothing so often in a row, it ends.
_LOOKS_A_PASS, _PATIENCE = 2, 3


@dataclass(frozen=True)
class TrainingSettings:
    """How an adapter is trained."""

    #: Most passes over the songs; the highest learning rate.
    passes: int
    rate: float
    seed: int
    #: Positions of a row, and rows of a batch.
    length: int = 512
    rows: int = 2


@dataclass(frozen=True)
class Lesson:
    """What one step learns from."""

    #: The loss as the network stands, a scalar.
    loss: Callable[[], tf.Tensor]
    #: Positions that are read, padding left out.
    used: int
    #: What the loss counts in the mean of several.
    weight: float = 1.0


@dataclass(frozen=True)
class Progress:
    """How far training is."""

    step: int = 0
    #: Mean loss of what is kept unseen (of songs in nats a token): at first, lately, at best.
    first_loss: float = math.inf
    last_loss: float = math.inf
    best_loss: float = math.inf
    best_step: int = 0
    #: Looks in a row that have found no better one.
    vain_looks: int = 0
    is_done: bool = False


class Training:
    """The training of one adapter."""

    def __init__(
        self,
        network: AdaptedNetwork,
        lessons: Sequence[Lesson],
        unseen: Sequence[Lesson],
        settings: TrainingSettings,
    ) -> None:
        self._network, self._settings = network, settings
        self._lessons, self._unseen = lessons, unseen
        self.steps = settings.passes * len(lessons)
        self._look_every = max(1, len(lessons) // _LOOKS_A_PASS)
        self.progress = Progress()
        self._variables = network.variables
        self._means = [tf.Variable(tf.zeros_like(each)) for each in self._variables]
        self._squares = [tf.Variable(tf.zeros_like(each)) for each in self._variables]
        self._best = [each.numpy() for each in self._variables]

    def run(self, on_step: Callable[[int], None]) -> None:
        """Trains to the end, from where it is; `on_step` is told how many tokens a step read."""
        if not self.progress.step and self.progress.first_loss == math.inf:
            loss = self._unseen_loss()
            self.progress = replace(self.progress, first_loss=loss, last_loss=loss, best_loss=loss)
        while not self.progress.is_done:
            step = self.progress.step
            lesson = self._lesson_of(step)
            self._learn(lesson, step)
            self.progress = replace(self.progress, step=step + 1)
            is_last = step + 1 == self.steps
            if is_last or not (step + 1) % self._look_every:
                self._look(is_last)
            on_step(lesson.used)

    def best_factors(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        """The adapter that was best for unseen songs."""
        firsts, seconds = self._best[::2], self._best[1::2]
        return dict(zip(self._network.factors, zip(firsts, seconds, strict=True), strict=True))

    def state(self) -> tuple[dict[str, Any], dict[str, FloatArray]]:
        """All that `go_on_from` needs: numbers, and arrays by name."""
        arrays = {
            f"{kind}.{at}": np.asarray(value)
            for kind, values in self._arrays().items()
            for at, value in enumerate(values)
        }
        return asdict(self.progress), arrays

    def go_on_from(self, numbers: Mapping[str, Any], arrays: Mapping[str, FloatArray]) -> None:
        """Takes up a state that `state` gave. KeyError, TypeError or ValueError if it is none."""
        progress = Progress(**numbers)
        found = {
            kind: [arrays[f"{kind}.{at}"] for at in range(len(values))]
            for kind, values in self._arrays().items()
        }
        self._best = found.pop("best")
        for kind, values in found.items():
            for variable, value in zip(self._arrays()[kind], values, strict=True):
                variable.assign(value)
        self.progress = progress

    def _arrays(self) -> dict[str, list[Any]]:
        return {
            "factor": self._variables,
            "mean": self._means,
            "square": self._squares,
            "best": self._best,
        }

    def _lesson_of(self, step: int) -> Lesson:
        """Each pass has an order of its own."""
        passes, at = divmod(step, len(self._lessons))
        rng = np.random.default_rng([self._settings.seed, passes])
        return self._lessons[int(rng.permutation(len(self._lessons))[at])]

    def _learn(self, lesson: Lesson, step: int) -> None:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._variables)
            loss = lesson.loss()
        gradients = tape.gradient(loss, self._variables)
        gradients, _ = tf.clip_by_global_norm(gradients, _MOST_NORM)
        rate = self._rate(step)
        for variable, mean, square, gradient in zip(
            self._variables, self._means, self._squares, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=_MEAN_DECAY ** (step + 1),
                beta2_power=_SQUARE_DECAY ** (step + 1),
                lr=rate,
                beta1=_MEAN_DECAY,
                beta2=_SQUARE_DECAY,
                epsilon=_EPSILON,
                grad=gradient,
            )

    def _rate(self, step: int) -> float:
        warm_up = max(1, round(_WARM_UP * self.steps))
        if step < warm_up:
            return self._settings.rate * (step + 1) / warm_up
        share = (step - warm_up) / max(1, self.steps - warm_up)
        fallen = _LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * share)) / 2
        return self._settings.rate * fallen

    def _look(self, is_last: bool) -> None:
        loss, progress = self._unseen_loss(), self.progress
        if loss < progress.best_loss:
            self._best = [each.numpy() for each in self._variables]
            progress = replace(progress, best_loss=loss, best_step=progress.step, vain_looks=0)
        else:
            progress = replace(progress, vain_looks=progress.vain_looks + 1)
        is_done = is_last or progress.vain_looks >= _PATIENCE
        self.progress = replace(progress, last_loss=loss, is_done=is_done)

    def _unseen_loss(self) -> float:
        """The mean loss of all unseen targets."""
        losses = [float(lesson.loss()) for lesson in self._unseen]
        return float(np.average(losses, weights=[lesson.weight for lesson in self._unseen]))
