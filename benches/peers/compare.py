"""The same tasks trained here in JAX and by `taskset-rs`, on real data: final losses over seeds, as a markdown table.

    compare.py --taskset-rs target/release/taskset-rs --data DIR [TASK …]

Same configuration, protocol and optimizer (`adam_lr_-3.00`: Adam, learning rate 1e-3), but neither the same random
numbers nor the same carving of the data: the losses of the two must come from one distribution, which the spread over
seeds shows. "Inside": our mean lies between the smallest and the largest of the peer's.
"""

import argparse
import json
import os
import subprocess
import sys
import zlib

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

import models
from images import Splits

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

    def train(self, task, steps, replica):
        """`{split: (initial loss, final loss)}`."""
        protocol = ["--steps", str(steps), "--eval-every", str(steps), "--replica", str(replica)]
        curve = self.call("train", task, OPTIMIZER, *protocol, "--data", self.data, *self.extra)
        if curve["data"] == "synthetic":
            raise RuntimeError(f"{task} was trained on a stand-in, not on real data")
        return {split: (curve[split][0], curve[split][-1]) for split in SPLITS}


class Peer:
    """A model trained in JAX; compiled once for all seeds."""

    def __init__(self, model, dataset, data):
        self.model, self.dataset, self.data = model, dataset, data
        self.adam = optax.adam(1e-3, eps=1e-8)
        self.step = jax.jit(self._step)
        self.mean_loss = jax.jit(self._mean_loss)

    def _loss(self, params, examples, rows, key):
        images, labels = examples
        return self.model.loss(params, images[rows].astype(jnp.float32) / 255, labels[rows], key)

    def _step(self, params, state, examples, rows, key):
        gradients = jax.grad(self._loss)(params, examples, rows, key)
        updates, state = self.adam.update(gradients, state)
        return optax.apply_updates(params, updates), state

    def _mean_loss(self, params, examples, many_rows, keys):
        return lax.map(lambda batch: self._loss(params, examples, *batch), (many_rows, keys)).mean()

    def train(self, steps, seed):
        """`{split: (initial loss, final loss)}` of one training."""
        splits = Splits(self.dataset, self.data, seed)
        examples = jnp.asarray(splits.images), jnp.asarray(splits.labels)
        init_key, step_key, *evaluation_keys = jax.random.split(jax.random.PRNGKey(seed), 4)
        params = self.model.init(init_key)

        def evaluate(params, key):
            keys = np.asarray(jax.random.split(key, (len(SPLITS), EVALUATION_BATCHES)))
            rows = {split: splits.batches(splits.feeds[split], EVALUATION_BATCHES) for split in SPLITS}
            return {split: float(self.mean_loss(params, examples, rows[split], k)) for split, k in zip(SPLITS, keys)}

        initial = evaluate(params, evaluation_keys[0])
        state = self.adam.init(params)
        for rows, key in zip(splits.batches(splits.training, steps), np.asarray(jax.random.split(step_key, steps))):
            params, state = self.step(params, state, examples, rows, key)
        final = evaluate(params, evaluation_keys[1])
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
    peer = [jax_model.train(arguments.steps, first_seed + i) for i in range(arguments.seeds)]
    try:
        mine = [ours.train(task, arguments.steps, replica) for replica in range(arguments.seeds)]
        why = None
    except RuntimeError as error:
        mine, why = [], error
    agree = True
    # At step 0 the test split, which both carve alike: differences are those of the initial parameters.
    for when, splits in ((0, ("test",)), (1, SPLITS)):
        for split in splits:
            theirs = [run[split][when] for run in peer]
            cells = [task, config["dataset"][0], f"{split}, step {arguments.steps if when else 0}", *spread(theirs)]
            if mine:
                here = [run[split][when] for run in mine]
                inside = min(theirs) <= np.mean(here) <= max(theirs)
                agree &= inside or not (when and split.startswith("valid"))
                standard_error = np.sqrt((np.var(theirs, ddof=1) + np.var(here, ddof=1)) / len(here))
                distance = (np.mean(here) - np.mean(theirs)) / standard_error
                cells += [*spread(here), "yes" if inside else "no", f"{distance:+.1f}"]
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
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--option", action="append", default=[], help="passed on to `taskset-rs train`")
    arguments = parser.parse_args()
    ours = Ours(arguments.taskset_rs, arguments.data, arguments.option)
    print("| task | data | loss | JAX, mean | min to max | taskset-rs, mean | min to max | inside | σ apart |")
    print("|---|---|---|---|---|---|---|---|---|")
    agree = [compare(task, ours, arguments) for task in arguments.tasks]
    sys.exit(0 if all(agree) else 1)


if __name__ == "__main__":
    main()
