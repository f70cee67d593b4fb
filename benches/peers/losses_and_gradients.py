"""Are `networks.py` and our networks the same functions? Losses and gradients of both on the same random minibatches.

    losses_and_gradients.py EXECUTABLE [TASK …]

EXECUTABLE is the benchmark `steps` of taskset-train, whose worker writes minibatches of at most 16 rows with our losses and
gradients in f32 (`cargo xtask bench --same-loss` builds it and calls this). JAX computes in double precision. Without tasks,
those that `--peers` and `--protocol` time. The exit code is 1 if anything is apart.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

from networks import Network

# Relative distances that rounding in f32 may make: of the loss, and of the gradient as a vector.
LOSS, GRADIENT = 1e-5, 1e-4


def split(values, shapes):
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    assert ends[-1] == len(values), f"{len(values)} numbers, {ends[-1]} expected"
    return [part.reshape(shape) for part, shape in zip(np.split(values, ends[:-1]), shapes)]


def compare(worker, task, folder):
    """Prints a line; whether the two agree."""
    worker.stdin.write(f"sample {task} {folder}\n")
    worker.stdin.flush()
    answer = worker.stdout.readline().strip()
    if answer.startswith("error"):
        print(f"| {task} | {answer} | | |", flush=True)
        return False
    ours, rows, description = answer.split(" ", 2)
    ours, rows = float(ours), int(rows)
    read = lambda name, kind: np.fromfile(Path(folder) / name, kind)
    worst = []
    for one_hot in (False, True):
        network = Network(description, one_hot)
        shapes = [shape for of_layer in network.shapes for shape in of_layer]
        params = [jnp.asarray(x, jnp.float64) for x in split(read("parameters.f32", "<f4"), shapes)]
        inputs = read("tokens.u32", "<u4") if network.of_tokens else read("features.f32", "<f4").astype("f8")
        labels = jnp.asarray(read("labels.u32", "<u4").reshape(rows, -1).astype("i8"))
        drawn = [array.shape for array in jax.eval_shape(lambda key: network.noise(key, rows), jax.random.PRNGKey(0))]
        noise = [jnp.asarray(x, jnp.float64) for x in split(read("noise.f32", "<f4"), drawn)] if drawn else []
        loss, gradients = jax.value_and_grad(network.loss)(params, jnp.asarray(inputs.reshape(rows, -1)), labels, noise)
        theirs = np.concatenate([np.ravel(x) for x in gradients])
        mine = read("gradients.f32", "<f4").astype("f8")
        apart = np.linalg.norm(mine - theirs) / np.linalg.norm(theirs)
        worst.append((abs(ours / float(loss) - 1), apart, float(loss)))
    of_loss, of_gradient, loss = (max(column) for column in zip(*worst))
    agree = of_loss <= LOSS and of_gradient <= GRADIENT
    print(f"| {task} | {ours:.6g} | {of_loss:.0e} | {of_gradient:.0e} |{'' if agree else ' apart'}", flush=True)
    return agree


def main():
    executable, *tasks = sys.argv[1:]
    worker = subprocess.Popen([executable, "--worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    worker.stdout.readline()
    print("| task | loss | relative distance | that of the gradient |")
    print("|---|---|---|---|")
    agree = []
    for task in tasks:
        with tempfile.TemporaryDirectory() as folder:
            agree.append(compare(worker, task, folder))
    worker.stdin.close()
    worker.wait()
    sys.exit(0 if agree and all(agree) else 1)


if __name__ == "__main__":
    main()
