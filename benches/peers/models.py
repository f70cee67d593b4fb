"""Models of six sampled families in JAX, built from a task's configuration alone.

Written from the description of upstream's code, without a look at the Rust implementation: two independent readings
that agree are the point of `final_losses.py`. A model is `Model(init, noise, loss)`: `init(key) -> parameters`,
`noise(key, batch) -> the random numbers of a minibatch, a tuple of arrays`, and `loss(parameters, images [batch, height,
width, channels] in [0, 1], labels [batch], noise) -> mean loss in nats` (squared or absolute error for auto-encoders).
"""

from typing import Callable, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

CLASSES = {"mnist": 10, "fashion_mnist": 10, "cifar10": 10}
SHAPES = {"mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
LOG_2PI = float(np.log(2 * np.pi))
# Standard deviation of a standard normal that is redrawn until it lies within two standard deviations.
TRUNCATED_STD = 0.87962566103423978

ACTIVATIONS = {
    "relu": jax.nn.relu,
    "leaky_relu1": lambda x: jnp.where(x > 0, x, 0.1 * x),
    "leaky_relu2": lambda x: jnp.where(x > 0, x, 0.2 * x),
    "leaky_relu4": lambda x: jnp.where(x > 0, x, 0.4 * x),
    "elu": jax.nn.elu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "swish": jax.nn.swish,
    "cos": jnp.cos,
}


class Model(NamedTuple):
    init: Callable
    noise: Callable
    loss: Callable


def no_noise(key, batch):
    return ()


def draw(initializer, key, shape):
    """A weight tensor; `initializer` is `[name, parameter or null]`, the last axis of `shape` is the output."""
    name, value = initializer
    outputs, receptive = shape[-1], int(np.prod(shape[:-2]))
    fan_in, fan_out = receptive * shape[-2], receptive * outputs
    if name == "orthogonal":
        rows = int(np.prod(shape[:-1]))
        q, r = jnp.linalg.qr(jax.random.normal(key, (max(rows, outputs), min(rows, outputs))))
        q = q * jnp.sign(jnp.diag(r))
        return value * (q.T if rows < outputs else q).reshape(shape)
    if name == "random_uniform":
        return jax.random.uniform(key, shape, minval=-value, maxval=value)
    if name in ("random_normal", "truncated_normal"):  # Upstream's truncated_normal is not truncated.
        return value * jax.random.normal(key, shape)
    variance = {
        "he_normal": 2 / fan_in,
        "he_uniform": 2 / fan_in,
        "glorot_normal": 2 / (fan_in + fan_out),
        "glorot_uniform": 2 / (fan_in + fan_out),
        "variance_scaling": (value or 0) / fan_in,
    }[name]
    if name.endswith("uniform"):
        limit = (3 * variance) ** 0.5
        return jax.random.uniform(key, shape, minval=-limit, maxval=limit)
    return variance**0.5 / TRUNCATED_STD * jax.random.truncated_normal(key, -2, 2, shape)


def init_mlp(initializer, key, sizes):
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        {"w": draw(initializer, k, (inputs, outputs)), "b": jnp.zeros(outputs)}
        for k, inputs, outputs in zip(keys, sizes[:-1], sizes[1:])
    ]


def mlp(layers, activation, x):
    for layer in layers[:-1]:
        x = activation(x @ layer["w"] + layer["b"])
    return x @ layers[-1]["w"] + layers[-1]["b"]


def flat(images):
    return images.reshape(len(images), -1)


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], -1).mean()


def centred(config, images):
    return 2 * images - 1 if config["center_data"] else images


def mlp_family(config, shape, classes):
    activation = ACTIVATIONS[config["activation"]]
    sizes = [int(np.prod(shape)), *config["layer_sizes"], classes]

    def loss(params, images, labels, noise):
        return cross_entropy(mlp(params, activation, flat(centred(config, images))), labels)

    return Model(lambda key: init_mlp(config["w_init"], key, sizes), no_noise, loss)


def mlp_ae_family(config, shape, classes):
    activation = ACTIVATIONS[config["activation"]]
    pixels = int(np.prod(shape))
    sizes = [pixels, *config["hidden_units"], pixels]
    output = {"tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}.get(config["output_type"], lambda x: x)
    error = {"l2": jnp.square, "l1": jnp.abs}[config["loss_type"]]
    reduce = {"reduce_mean": jnp.mean, "reduce_sum": jnp.sum}[config["reduction_type"]]

    def loss(params, images, labels, noise):
        x = flat(images)
        if config["output_type"] in ("tanh", "linear_center"):
            x = 2 * x - 1
        return reduce(error(output(mlp(params, activation, x)) - x), -1).mean()

    return Model(lambda key: init_mlp(config["w_init"], key, sizes), no_noise, loss)


def normal_log_density(x, mean, log_std):
    std = jnp.exp(log_std)
    return -0.5 * (x / std - mean / std) ** 2 - 0.5 * LOG_2PI - log_std


def kl_from_standard_normal(mean, log_std):
    return 0.5 * mean**2 + 0.5 * (jnp.exp(2 * log_std) - 1) - log_std


def mlp_vae_family(config, shape, classes):
    activation = ACTIVATIONS[config["activation"]]
    pixels = int(np.prod(shape))
    *encoder_hidden, latent = config["enc_hidden_units"]

    def init(key):
        encoder, decoder = jax.random.split(key)
        return {
            "encoder": init_mlp(config["w_init"], encoder, [pixels, *encoder_hidden, 2 * latent]),
            "decoder": init_mlp(config["w_init"], decoder, [latent, *config["dec_hidden_units"], 2 * pixels]),
        }

    def noise(key, batch):
        latent_key, pixel_key = jax.random.split(key)
        return jax.random.normal(latent_key, (batch, latent)), jax.random.uniform(pixel_key, (batch, pixels))

    def loss(params, images, labels, noise):
        epsilon, uniform = noise
        x = flat(images)
        mean, log_std = jnp.split(mlp(params["encoder"], activation, x), 2, -1)
        sample = mean + jnp.exp(log_std) * epsilon
        decoded = jnp.clip(mlp(params["decoder"], activation, sample), -10, 10)
        dequantised = x + (uniform - 0.5) / 255
        log_p = (normal_log_density(dequantised, *jnp.split(decoded, 2, -1)) - np.log(255)).sum(-1)
        return -(log_p - kl_from_standard_normal(mean, log_std).sum(-1)).mean()

    return Model(init, noise, loss)


def init_convolutions(config, key, channels):
    layers = []
    for key, outputs in zip(jax.random.split(key, len(config["hidden_units"])), config["hidden_units"]):
        layer = {"w": draw(config["w_init"], key, (3, 3, channels, outputs))}
        if config["use_bias"]:
            layer["b"] = jnp.zeros(outputs)
        layers.append(layer)
        channels = outputs
    return layers


def convolutions(config, layers, x):
    activation = ACTIVATIONS[config["activation"]]
    for layer, strides, padding in zip(layers, config["strides"], config["padding"]):
        x = lax.conv_general_dilated(x, layer["w"], strides, padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = activation(x + layer["b"] if config["use_bias"] else x)
    return x


def conv_pooling_family(config, shape, classes):
    pool = {
        "mean": lambda x: x.mean((1, 2)),
        "max": lambda x: x.max((1, 2)),
        "squared_mean": lambda x: (x**2).mean((1, 2)),
    }[config["pool_type"]]

    def init(key):
        stack, head = jax.random.split(key)
        return {
            "stack": init_convolutions(config, stack, shape[-1]),
            "head": init_mlp(config["w_init"], head, [config["hidden_units"][-1], classes]),
        }

    def loss(params, images, labels, noise):
        x = pool(convolutions(config, params["stack"], centred(config, images)))
        return cross_entropy(mlp(params["head"], None, x), labels)

    return Model(init, no_noise, loss)


def conv_fc_family(config, shape, classes):
    activation = ACTIVATIONS[config["activation"]]

    def init(key):
        stack, head = jax.random.split(key)
        layers = init_convolutions(config, stack, shape[-1])
        features = jax.eval_shape(lambda x: flat(convolutions(config, layers, x)), jnp.zeros((1, *shape))).shape[-1]
        return {"stack": layers, "head": init_mlp(config["w_init"], head, [features, *config["fc_hidden_units"], classes])}

    def loss(params, images, labels, noise):
        x = flat(convolutions(config, params["stack"], centred(config, images)))
        return cross_entropy(mlp(params["head"], activation, x), labels)

    return Model(init, no_noise, loss)


def real_nvp_to_latent(couplings, activation, permutations, v):
    """Latent `[batch, D]` and log determinant `[batch]` of data `v` `[batch, D]`; the last coupling comes first."""
    known = v.shape[-1] // 2
    log_determinant = 0.0
    for i, coupling in zip(reversed(range(len(couplings))), couplings):
        a, b = v[:, :known], v[:, known:]
        shift, log_scale = jnp.split(mlp(coupling, activation, a), 2, -1)
        v = jnp.concatenate([a, (b - shift) * jnp.exp(-log_scale)], -1)
        log_determinant -= log_scale.sum(-1)
        if i > 0:  # The inverse of out[j] = in[π[j]].
            v = jnp.zeros_like(v).at[:, permutations[i - 1]].set(v)
    return v, log_determinant


def nvp_family(config, shape, classes):
    activation = ACTIVATIONS[config["activation"]]
    pixels = int(np.prod(shape))
    known = pixels // 2
    sizes = [known, *config["hidden_units"], 2 * (pixels - known)]
    couplings = config["num_bijectors"]
    permutations = [np.random.RandomState(seed).permutation(pixels) for seed in range(couplings - 1)]

    def init(key):
        return [init_mlp(config["w_init"], k, sizes) for k in jax.random.split(key, couplings)]

    def noise(key, batch):
        return (0.01 * jax.random.normal(key, (batch, pixels)),)

    def loss(params, images, labels, noise):
        y = flat(images) + noise[0]
        z, log_determinant = real_nvp_to_latent(params, activation, permutations, y)
        return -(-0.5 * (z**2).sum(-1) - pixels / 2 * LOG_2PI + log_determinant).mean()

    return Model(init, noise, loss)


FAMILIES = {
    "mlp_family": mlp_family,
    "mlp_ae_family": mlp_ae_family,
    "mlp_vae_family": mlp_vae_family,
    "conv_pooling_family": conv_pooling_family,
    "conv_fc_family": conv_fc_family,
    "nvp_family": nvp_family,
}


def model(family, config):
    """The model of a configuration, as `taskset-rs tasks show NAME --json` prints it."""
    if family not in FAMILIES:
        raise ValueError(f"{family} is not compared; {', '.join(FAMILIES)} are")
    name = config["dataset"][0]
    return FAMILIES[family](config, SHAPES[name], CLASSES[name])


def parameter_count(params):
    return sum(x.size for x in jax.tree.leaves(params))


def with_values(params, tensors):
    """The same tree with the values of `tensors`, which come in the order of layers, weights before biases."""
    left = list(tensors)

    def fill(tree):
        if isinstance(tree, list):
            return [fill(part) for part in tree]
        # A model's parts in the order in which they stand in `init`; jax.tree would sort them.
        return {name: take(part) if name in ("w", "b") else fill(part) for name, part in tree.items()}

    def take(part):
        if part.shape != left[0].shape:
            raise ValueError(f"a tensor has the shape {left[0].shape}, {part.shape} is expected")
        return jnp.asarray(left.pop(0))

    filled = fill(params)
    if left:
        raise ValueError(f"{len(left)} tensors too many")
    return filled
