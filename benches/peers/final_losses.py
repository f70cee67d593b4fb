"""The same tasks trained here in JAX and by `taskset-rs`, on real data: final losses over seeds, as a markdown table.

    final_losses.py --taskset-rs target/release/taskset-rs --data DIR [TASK …]

Same configuration, protocol and optimizer (`adam_lr_-3.00`: TensorFlow's Adam, learning rate 1e-3), but neither the same random
numbers nor the same carving of the data: the losses of the two must come from one distribution, which the spread over
seeds shows. "Inside": our mean lies between the smallest and the largest of the peer's.

With `--start PROGRAM` (the example `training_start` of taskset-train) JAX starts each seed from the initial parameters of ours and
takes the same minibatches and noise (up to half a gigabyte of temporary files). What differs then is what rounding grows to.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

import models
from images import GivenSplits, Splits, given_noise

TASKS = [
    "mlp_family_seed57",
    "mlp_family_seed183",
    "conv_pooling_family_seed137",
    "conv_fc_family_seed30",
    "mlp_ae_family_seed0",
    "mlp_vae_family_seed35",
    "nvp_family_seed556",
]
SPLITS = ("train", "valid_inner", "valid_outer", "test")
OPTIMIZER = "adam_lr_-3.00"
EVALUATION_BATCHES = 50
# Steps whose noise is held in memory.
AT_ONCE = 64


class Start(NamedTuple):
    """What the example `training_start` wrote: initial tensors, here in memory; minibatches and noise in files."""

    folder: Path
    tensors: list


class Ours:
    """The `taskset-rs` binary."""

    def __init__(self, binary, data, extra):
        self.binary, self.data, self.extra = binary, data, extra

    def call(self, *arguments):
        result = subprocess.run([self.binary, *arguments, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if result.returncode != 0:
            raise RuntimeError(" ".join(result.stderr.split()) or f"{self.binary} failed")
        return json.loads(result.stdout)

    def describe(self, task):
        return self.call("tasks", "show", task)

    def start(self, program, task, steps, replica, folder, evaluation_batches=EVALUATION_BATCHES):
        """Writes initial parameters, minibatches and noise to a folder."""
        command = [program, task, folder, "--data", self.data, "--replica", str(replica), "--steps", str(steps)]
        command += ["--eval-batches", str(evaluation_batches)]
        subprocess.run([*command, *(["--allow-partial", "true"] if "--allow-partial" in self.extra else [])], check=True)
        folder = Path(folder)
        values, tensors = np.fromfile(folder / "parameters.f32", "<f4"), []
        for tensor in json.loads((folder / "start.json").read_text())["tensors"]:
            size = int(np.prod(tensor["shape"]))
            tensors.append(values[:size].reshape(tensor["shape"]))
            values = values[size:]
        return Start(folder, tensors)

    def train(self, task, steps, replica, evaluation_batches=EVALUATION_BATCHES):
        """`{split: (initial loss, final loss)}`."""
        protocol = ["--steps", str(steps), "--eval-every", str(steps), "--replica", str(replica)]
        protocol += ["--eval-batches", str(evaluation_batches)]
        curve = self.call("train", task, OPTIMIZER, *protocol, "--data", self.data, *self.extra)
        if curve["data"] == "synthetic":
            raise RuntimeError(f"{task} was trained on a stand-in, not on real data")
        return {split: (curve[split][0], curve[split][-1]) for split in SPLITS}


def tensorflow_adam(learning_rate, b1=0.9, b2=0.999, epsilon=1e-8, most_steps=10_000):
    """Adam as TensorFlow has it, and with it TaskSet: epsilon beside the root of the second moment before its correction.

    Optax, as PyTorch, corrects first, which makes the same epsilon thirty times smaller in the first step. The correction
    is computed in double precision: in single, 1 - b2^t is wrong in the fifth digit, and after fifty steps losses differ by per cents.
    """
    step = np.arange(1, most_steps + 1)
    rates = jnp.asarray(learning_rate * np.sqrt(1 - b2**step) / (1 - b1**step))
    init = lambda params: (0, *(jax.tree.map(jnp.zeros_like, params) for _ in range(2)))

    def update(gradients, state, params=None):
        count, m, v = state
        m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, gradients)
        v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g**2, v, gradients)
        updates = jax.tree.map(lambda m, v: -rates[count].astype(m.dtype) * m / (jnp.sqrt(v) + epsilon), m, v)
        return updates, (count + 1, m, v)

    return optax.GradientTransformation(init, update)


class Peer:
    """A model trained in JAX; compiled once for all seeds."""

    def __init__(self, model, dataset, data, dtype=jnp.float32):
        self.model, self.dataset, self.data, self.dtype = model, dataset, data, dtype
        self.adam = tensorflow_adam(1e-3)
        self.step = jax.jit(self._step)
        self.mean_loss = jax.jit(self._mean_loss)
        self.draw = jax.jit(jax.vmap(self.model.noise, (0, None)), static_argnums=1)

    def _loss(self, params, examples, rows, noise):
        images, labels = examples
        images = images[rows].astype(jnp.float32) / 255
        noise = tuple(array.astype(self.dtype) for array in noise)
        return self.model.loss(params, images.astype(self.dtype), labels[rows], noise)

    def _step(self, params, state, examples, rows, noise):
        gradients = jax.grad(self._loss)(params, examples, rows, noise)
        updates, state = self.adam.update(gradients, state)
        return optax.apply_updates(params, updates), state

    def _mean_loss(self, params, examples, many_rows, noise):
        return lax.map(lambda batch: self._loss(params, examples, *batch), (many_rows, noise)).mean()

    def train(self, steps, seed, start=None, evaluation_batches=EVALUATION_BATCHES):
        """`{split: (initial loss, final loss)}` of one training; `start` is a [`Start`]."""
        given = start is not None
        splits = GivenSplits(self.dataset, self.data, start.folder) if given else Splits(self.dataset, self.data, seed)
        examples = jnp.asarray(splits.images), jnp.asarray(splits.labels)
        init_key, step_key, *evaluation_keys = jax.random.split(jax.random.PRNGKey(seed), 4)
        params = self.model.init(init_key)
        if given:
            params = models.with_values(params, start.tensors)
        params = jax.tree.map(lambda values: values.astype(self.dtype), params)
        shapes = [array.shape for array in jax.eval_shape(lambda key: self.model.noise(key, splits.batch), init_key)]

        def noise(key, feed, first, count):
            """The noise of some minibatches of a feed, from the files or drawn."""
            if given and shapes:
                of_all = given_noise(start.folder, feed, shapes)
                return tuple(array[first : first + count] for array in of_all)
            return self.draw(jax.random.split(key, count), splits.batch)

        def evaluate(params, key, first):
            losses = {}
            for split, key in zip(SPLITS, jax.random.split(key, len(SPLITS))):
                rows = splits.batches(splits.feeds[split], evaluation_batches)
                losses[split] = float(self.mean_loss(params, examples, rows, noise(key, split, first, evaluation_batches)))
            return losses

        initial = evaluate(params, evaluation_keys[0], 0)
        state = self.adam.init(params)
        for at in range(0, steps, AT_ONCE):
            count = min(AT_ONCE, steps - at)
            rows = splits.batches(splits.training, count)
            of_steps = noise(jax.random.fold_in(step_key, at), "training", at, count)
            for i in range(count):
                params, state = self.step(params, state, examples, rows[i], tuple(array[i] for array in of_steps))
        final = evaluate(params, evaluation_keys[1], evaluation_batches)
        return {split: (initial[split], final[split]) for split in SPLITS}


def spread(values):
    return f"{np.mean(values):.4g}", f"{min(values):.4g} to {max(values):.4g}"


def compare(task, ours, arguments):
    """Prints the rows of a task; whether the validation losses are inside."""
    described = ours.describe(task)
    config = described["config"]
    model = models.model(described["family"], config)
    counted = models.parameter_count(model.init(jax.random.PRNGKey(0)))
    if counted != described["num_params"]:
        raise RuntimeError(f"{task} has {counted} parameters in JAX, {described['num_params']} in taskset-rs")
    # Different tasks carve differently, the same task always alike.
    first_seed = zlib.crc32(task.encode()) % 2**20
    jax_model = Peer(model, config["dataset"], arguments.data)
    peer = []
    for i in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            program = arguments.start
            start = ours.start(program, task, arguments.steps, i, folder) if program else None
            peer.append(jax_model.train(arguments.steps, first_seed + i, start))
    try:
        mine = [ours.train(task, arguments.steps, replica) for replica in range(arguments.seeds)]
        why = None
    except RuntimeError as error:
        mine, why = [], error
    agree = True
    # At step 0 the test split, which both carve alike: differences are those of the initial parameters.
    for when, splits in ((0, SPLITS if arguments.start else ("test",)), (1, SPLITS)):
        for split in splits:
            theirs = [run[split][when] for run in peer]
            cells = [task, config["dataset"][0], f"{split}, step {arguments.steps if when else 0}", *spread(theirs)]
            if mine:
                here = [run[split][when] for run in mine]
                inside = min(theirs) <= np.mean(here) <= max(theirs)
                agree &= inside or not (when and split.startswith("valid"))
                if arguments.start:
                    variance = np.var(np.subtract(here, theirs), ddof=1)
                else:
                    variance = np.var(theirs, ddof=1) + np.var(here, ddof=1)
                standard_error = np.sqrt(variance / len(here))
                distance = (np.mean(here) - np.mean(theirs)) / standard_error
                # From the same start the losses of step 0 differ by rounding, which is no matter of chance.
                shown = f"{distance:+.1f}" if when or not arguments.start else "-"
                cells += [*spread(here), "yes" if inside else "no", shown]
            else:
                cells += ["-"] * 4
            print("|", " | ".join(cells), "|", flush=True)
    if why:
        print(f"{task}: {why}", file=sys.stderr)
    return agree and bool(mine)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=TASKS, help="sampled tasks without augmentation")
    parser.add_argument("--taskset-rs", default="target/release/taskset-rs", metavar="BINARY")
    parser.add_argument("--data", required=True, help="folder with mnist/ and cifar10/ in their original files")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--start", metavar="PROGRAM", help="start JAX as ours, on the same minibatches")
    parser.add_argument("--option", action="append", default=[], help="passed on to `taskset-rs train`")
    arguments = parser.parse_args()
    ours = Ours(arguments.taskset_rs, arguments.data, arguments.option)
    print("| task | data | loss | JAX, mean | min to max | taskset-rs, mean | min to max | inside | σ apart |")
    print("|---|---|---|---|---|---|---|---|---|")
    agree = [compare(task, ours, arguments) for task in arguments.tasks]
    sys.exit(0 if all(agree) else 1)


if __name__ == "__main__":
    main()
