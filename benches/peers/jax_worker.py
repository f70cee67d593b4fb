"""JAX on the workloads of README.md. `jax_worker.py THREADS [CORE]`, then lines `WORKLOAD[:MODE] STEPS`.

Modes: `scan` (the default: many steps in one `lax.scan`), `step` (one jitted call a step; convolutions are slow inside
a scan), `vmapK` (K independent trainings in one program; the time is a step of one of them), and of networks that were
described `protocol` and `protocol-step`: a whole training with its evaluations, in scans or in calls.

Networks that were described can have options, `NAME.oh` and `NAME.rbg`: tables multiplied by unit vectors instead of
gathered, and XLA's own random numbers instead of JAX's.
"""

import os
from functools import partial

import protocol

threads = protocol.take_one_core()
one_thread = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1" if threads == 1 else ""
os.environ["XLA_FLAGS"] = f"{one_thread} {os.environ.get('XLA_FLAGS', '')}".strip()
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from networks import Network

rng = np.random.default_rng(0)


def normal(*shape, std=1.0):
    return jnp.asarray((rng.normal(size=shape) * std).astype(np.float32))


def uniform(*shape):
    return jnp.asarray(rng.random(shape, dtype=np.float32))


def integers(below, *shape):
    return jnp.asarray(rng.integers(0, below, shape).astype(np.int32))


def dense(inputs, outputs):
    return {"w": normal(inputs, outputs, std=(2 / (inputs + outputs)) ** 0.5), "b": jnp.zeros(outputs)}


def apply(layer, x):
    return x @ layer["w"] + layer["b"]


def cross_entropy(logits, labels):
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], -1)
    return -chosen.mean()


# A workload is (parameters, data, loss(parameters, data, minibatch indices, key), examples, batch size).


def mlp(sizes, batch, examples):
    params = [dense(*pair) for pair in zip(sizes[:-1], sizes[1:])]
    data = uniform(examples, sizes[0]), integers(sizes[-1], examples)

    def loss(params, data, rows, key):
        images, labels = data
        x = images[rows]
        for layer in params[:-1]:
            x = jax.nn.relu(apply(layer, x))
        return cross_entropy(apply(params[-1], x), labels[rows])

    return params, data, loss, examples, batch


def convolution(batch=64, examples=2000):
    channels = [3, 32, 64, 64]
    kernels = [
        {"w": normal(3, 3, i, o, std=(2 / (9 * i)) ** 0.5), "b": jnp.zeros(o)} for i, o in zip(channels, channels[1:])
    ]
    params = {"conv": kernels, "out": dense(64, 10)}
    data = uniform(examples, 32, 32, 3), integers(10, examples)

    def loss(params, data, rows, key):
        images, labels = data
        x = images[rows]
        for layer in params["conv"]:
            x = lax.conv_general_dilated(x, layer["w"], (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = jax.nn.relu(x + layer["b"])
        return cross_entropy(apply(params["out"], x.mean((1, 2))), labels[rows])

    return params, data, loss, examples, batch


def lstm(table=False, one_hot=False, one_hot_loss=False, unroll=1, batch=64, examples=4000):
    """`table`: multiply the whole embedding by the input weights once; `one_hot`: embed by a product, not a gather;
    `one_hot_loss`: the cross-entropy likewise. The same function in each case."""
    steps, vocabulary, width, hidden = 64, 256, 64, 128
    params = {
        "embed": normal(vocabulary, width, std=0.1),
        "wx": dense(width, 4 * hidden),
        "wh": dense(hidden, 4 * hidden)["w"],
        "out": dense(hidden, vocabulary),
    }
    data = integers(vocabulary, examples, steps + 1)

    def look_up(rows, tokens):
        return jax.nn.one_hot(tokens, vocabulary) @ rows if one_hot else rows[tokens]

    def loss(params, data, rows, key):
        tokens = data[rows].T  # [step, batch]
        if table:
            inputs = look_up(apply(params["wx"], params["embed"]), tokens[:-1])
        else:
            inputs = apply(params["wx"], look_up(params["embed"], tokens[:-1]))

        def cell(carry, gates):
            h, c = carry
            i, f, g, o = jnp.split(gates + h @ params["wh"], 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros((batch, hidden))
        _, outputs = lax.scan(cell, (zeros, zeros), inputs, unroll=unroll)
        logits = apply(params["out"], outputs)
        if one_hot_loss:
            return -(jax.nn.one_hot(tokens[1:], vocabulary) * jax.nn.log_softmax(logits)).sum(-1).mean()
        return cross_entropy(logits, tokens[1:])

    return params, data, loss, examples, batch


def quadratic():
    data = normal(100, 100), normal(100)

    def loss(x, data, rows, key):
        a, b = data
        return jnp.mean((a @ x - b) ** 2)

    return jnp.zeros(100), data, loss, 1, 1


def vae(batch=64, examples=10_000):
    params = {"e1": dense(784, 64), "e2": dense(64, 64), "d1": dense(32, 64), "d2": dense(64, 1568)}
    data = uniform(examples, 784)

    def loss(p, data, rows, key):
        x = data[rows]
        mean, log_std = jnp.split(apply(p["e2"], jax.nn.relu(apply(p["e1"], x))), 2, -1)
        z = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
        x_mean, x_log_std = jnp.split(apply(p["d2"], jax.nn.relu(apply(p["d1"], z))), 2, -1)
        log_2pi = float(np.log(2 * np.pi))
        log_p = (-0.5 * ((x - x_mean) * jnp.exp(-x_log_std)) ** 2 - x_log_std - 0.5 * log_2pi).sum(-1)
        kl = (0.5 * (jnp.exp(2 * log_std) + mean * mean - 1) - log_std).sum(-1)
        return (kl - log_p).mean()

    return params, data, loss, examples, batch


def network(name):
    """A described network, and its minibatches from examples in memory."""
    name, *options = name.split(".")
    if set(options) - {"oh", "rbg"}:
        raise ValueError(f"no option {options}: oh, rbg")
    batch, text = protocol.described[name]
    model = Network(text, one_hot="oh" in options)
    if model.of_tokens:
        examples = 4000
        inputs = integers(model.vocabulary, examples, model.length)
    else:
        examples = min(10_000, 60_000_000 // model.numbers)
        inputs = jnp.asarray(rng.integers(0, 256, (examples, model.numbers)).astype(np.uint8))
    data = inputs, integers(max(2, model.outputs), examples, model.labels_per_row)

    def loss(params, data, rows, key):
        inputs, labels = data
        x = inputs[rows] if model.of_tokens else inputs[rows].astype(jnp.float32) / 255
        return model.loss(params, x, labels[rows], model.noise(key, batch))

    return model.init(jax.random.PRNGKey(0)), data, loss, examples, batch


# Each workload and how many steps one scan holds; a described network's scans hold 10.
WORKLOADS = {
    "W0": (lambda: mlp([8, 8, 8, 10], 4, 1000), 500),
    "W1": (lambda: mlp([784, 32, 32, 10], 16, 10_000), 200),
    "W2": (lambda: mlp([3072, 128, 128, 128, 10], 128, 2000), 25),
    "W3": (convolution, 5),
    "W4": (lstm, 5),
    "W4ox": (lambda: lstm(one_hot_loss=True), 5),
    "W4oh": (lambda: lstm(one_hot=True, one_hot_loss=True), 5),
    "W4t": (lambda: lstm(table=True, one_hot_loss=True), 5),
    "W4u4": (lambda: lstm(one_hot=True, one_hot_loss=True, unroll=4), 5),
    "W5": (quadratic, 500),
    "W6": (vae, 100),
}

adam = optax.scale_by_adam()

EVALUATE_EVERY, SPLITS, MINIBATCHES = 200, 4, 50
# Steps of a scan in whole trainings.
SCAN = 100


def whole_training(params, data, loss, step, examples, batch, new_key, in_scans):
    """A training from its start, whose loss is evaluated on four splits before it, every 200 steps and at its end."""

    @partial(jax.jit, donate_argnums=0)
    def train(carry, many_rows, data):
        return lax.scan(lambda carry, rows: step(carry, rows, data), carry, many_rows)

    @jax.jit
    def mean_loss(params, data, many_rows, keys):
        return lax.map(lambda batch: loss(params, data, *batch), (many_rows, keys)).mean()

    one_step, one_loss = jax.jit(step, donate_argnums=0), jax.jit(loss)
    rows_of = lambda n: rng.integers(0, examples, (n, batch)).astype(np.int32)

    def evaluate(params, at):
        means = []
        for split in range(SPLITS):
            rows, keys = rows_of(MINIBATCHES), jax.random.split(jax.random.fold_in(new_key(), SPLITS * at + split), MINIBATCHES)
            if in_scans:
                means.append(float(mean_loss(params, data, rows, keys)))
            else:
                means.append(float(np.mean([one_loss(params, data, *batch) for batch in zip(rows, keys)])))
        return means[0]

    def run(steps):
        """So many steps, in whole scans, which are all compiled by the first call."""
        copy = jax.tree.map(jnp.copy, params)
        carry = (copy, adam.init(copy), jnp.float32(1e-3), new_key())
        value, done = evaluate(carry[0], 0), 0
        while done < steps:
            if in_scans:
                carry, _ = train(carry, rows_of(SCAN), data)
            else:
                for rows in rows_of(SCAN):
                    carry, _ = one_step(carry, rows, data)
            done += SCAN
            if done % EVALUATE_EVERY == 0 or done >= steps:
                value = evaluate(carry[0], done)
        return done, value

    return run


def build(workload):
    name, _, mode = workload.partition(":")
    make, length = WORKLOADS.get(name, (partial(network, name), 10))
    params, data, loss, examples, batch = make()
    noisy = name == "W6" or name not in WORKLOADS
    new_key = lambda: jax.random.key(0, impl="unsafe_rbg" if ".rbg" in name else "threefry2x32")

    def step(carry, rows, data):
        params, state, learning_rate, key = carry
        key, used = jax.random.split(key) if noisy else (key, key)
        value, gradients = jax.value_and_grad(loss)(params, data, rows, used)
        updates, state = adam.update(gradients, state)
        params = jax.tree.map(lambda p, u: p - learning_rate * u, params, updates)
        return (params, state, learning_rate, key), value

    if mode in ("protocol", "protocol-step"):
        return whole_training(params, data, loss, step, examples, batch, new_key, mode == "protocol")
    trainings = int(mode.removeprefix("vmap")) if mode.startswith("vmap") else 1
    if trainings > 1:
        length = max(1, length // (4 if length > 10 else 1))
    many_rows = integers(examples, length, trainings, batch)
    carry = (params, adam.init(params), jnp.float32(1e-3), new_key())

    if mode in ("", "scan"):
        many_rows = many_rows[:, 0]
        call = lambda carry, rows, data: lax.scan(lambda c, r: step(c, r, data), carry, rows)
    elif mode == "step":
        many_rows = list(np.asarray(many_rows[:, 0]))
        call = step
    elif trainings > 1:
        copies = jax.tree.map(lambda x: jnp.repeat(x[None], trainings, 0), carry)
        rates, keys = jnp.logspace(-4, -2, trainings, dtype=jnp.float32), jax.random.split(carry[3], trainings)
        carry = (copies[0], copies[1], rates, keys)
        lockstep = jax.vmap(step, in_axes=(0, 0, None))
        call = lambda carry, rows, data: lax.scan(lambda c, r: lockstep(c, r, data), carry, rows)
    else:
        raise ValueError(f"no mode {mode}: scan, step, vmapK, protocol or protocol-step")
    call = partial(jax.jit, donate_argnums=0)(call)

    def run(steps):
        nonlocal carry
        if mode == "step":
            for i in range(steps):
                carry, value = call(carry, many_rows[i % length], data)
            return steps, float(value)
        calls = max(1, steps // (length * trainings))
        for _ in range(calls):
            carry, values = call(carry, many_rows, data)
        return calls * length * trainings, float(values[-1].mean())

    return run


protocol.serve(f"jax {jax.__version__}, {threads} thread(s)", build)
