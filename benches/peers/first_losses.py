"""The same tasks from the same start in JAX and by `taskset-rs`: how far losses are apart after the first steps.

    first_losses.py --taskset-rs target/release/taskset-rs --start target/release/examples/training_start --data DIR [TASK …]

Equal initial parameters, minibatches and noise: losses agree to rounding at first, until rounding has grown to what every
training makes of it. The measure is JAX in double precision. Printed are the largest relative distances from it, over the
four splits, of our losses and, behind a stroke, of JAX's in single precision. The exit code is 1 if at one of the first
steps ours is far and JAX's is not: that is no rounding.
"""

import argparse
import math
import sys
import tempfile

import jax
import jax.numpy as jnp

import models
from final_losses import SPLITS, TASKS, Ours, Peer

jax.config.update("jax_enable_x64", True)

STEPS = (0, 1, 2, 4, 8, 16, 32, 64)
# Few: their noise is written to files.
EVALUATION_BATCHES = 5
# After at most so many steps our losses may be so far from double precision, or so many times as far as JAX's.
FIRST, TOLERANCE, TIMES = 4, 1e-5, 10


def distance(here, there):
    """Relative; none between losses that are not finite (which are null in JSON)."""
    finite = here is not None and math.isfinite(here)
    if finite != math.isfinite(there):
        return math.inf
    return abs(here / there - 1) if finite else 0.0


def distances(task, ours, arguments):
    """For each number of steps the largest distances: ours, JAX's."""
    described = ours.describe(task)
    model, dataset = models.model(described["family"], described["config"]), described["config"]["dataset"]
    single, double = (Peer(model, dataset, arguments.data, dtype) for dtype in (jnp.float32, jnp.float64))
    apart = {}
    for steps in arguments.steps:
        protocol = (max(steps, 1), arguments.replica)
        with tempfile.TemporaryDirectory() as folder:
            start = ours.start(arguments.start, task, *protocol, folder, EVALUATION_BATCHES)
            exact, theirs = (peer.train(protocol[0], 0, start, EVALUATION_BATCHES) for peer in (double, single))
        here = ours.train(task, *protocol, EVALUATION_BATCHES)
        when = 1 if steps else 0
        largest = lambda run: max(distance(run[split][when], exact[split][when]) for split in SPLITS)
        apart[steps] = largest(here), largest(theirs)
    return apart


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=TASKS, help="sampled tasks without augmentation")
    parser.add_argument("--taskset-rs", default="target/release/taskset-rs", metavar="BINARY")
    parser.add_argument("--start", default="target/release/examples/training_start", metavar="PROGRAM")
    parser.add_argument("--data", required=True, help="folder with mnist/ and cifar10/ in their original files")
    parser.add_argument("--replica", type=int, default=0)
    parser.add_argument("--steps", nargs="+", type=int, default=STEPS, metavar="N")
    parser.add_argument("--option", action="append", default=[], help="passed on to `taskset-rs train`")
    arguments = parser.parse_args()
    ours = Ours(arguments.taskset_rs, arguments.data, arguments.option)
    print("| task | " + " | ".join(f"step {steps}" for steps in arguments.steps) + " |")
    print("|---" * (len(arguments.steps) + 1) + "|")
    agree = True
    for task in arguments.tasks:
        apart = distances(task, ours, arguments)
        first = [apart[steps] for steps in arguments.steps if steps <= FIRST]
        agree &= all(here <= max(TOLERANCE, TIMES * theirs) for here, theirs in first)
        cells = [f"{here:.0e} / {theirs:.0e}" for here, theirs in apart.values()]
        print(f"| {task} | {' | '.join(cells)} |", flush=True)
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
