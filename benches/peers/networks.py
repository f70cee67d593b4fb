"""Any network of ours in JAX, from the text that describes it.

`Network::description` of taskset-nn prints a network as Rust prints values for programmers, for example
`Network { input: Features(4), layers: [Dense(Dense { outputs: 3 })], loss: SoftmaxCrossEntropy, weights: GlorotNormal }`;
`parse` reads such a text, and `Network` computes what it says: `init(key)` draws a list of parameters in our order,
`noise(key, rows)` the random numbers of a minibatch (a list of arrays in our order), and
`loss(parameters, inputs, labels, noise)` is the loss. Inputs are `[rows, numbers]` or tokens `[rows, length]`.

Written from the equations in the documentation of our layers. `losses_and_gradients.py` compares losses and gradients with ours.
"""

import math
import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

TOKEN = re.compile(r"\s*([A-Za-z_]\w*|-?inf|-?[\d.]+(?:e-?\d+)?|[{}()\[\]:,])")


class Value:
    """`Name`, `Name(value, …)` or `Name { field: value, … }`. A thing of one part that has its name is that part."""

    def __init__(self, name, parts=(), fields=None):
        self.name, self.parts, self.fields = name, list(parts), fields or {}

    def __getattr__(self, field):
        try:
            return self.__dict__["fields"][field]
        except KeyError:
            raise AttributeError(f"{self.name} has no field {field}") from None


def parse(text):
    tokens = TOKEN.findall(text)
    at = 0

    def take(expected=None):
        nonlocal at
        token = tokens[at]
        if expected and token != expected:
            raise ValueError(f"{expected} is expected, not {token}, near {' '.join(tokens[max(0, at - 5) : at + 5])}")
        at += 1
        return token

    def items(end, item):
        found = []
        while tokens[at] != end:
            found.append(item())
            if tokens[at] == ",":
                take()
        take(end)
        return found

    def pair():
        key = value()
        take(":")
        return (key.name if isinstance(key, Value) else key), value()

    def value():
        token = take()
        if token == "[":
            return items("]", value)
        if token == "{":
            return dict(items("}", pair))
        if re.fullmatch(r"-?(inf|[\d.].*)", token):
            return float(token) if re.search(r"[.e]|inf", token) else int(token)
        if token in ("true", "false"):
            return token == "true"
        if tokens[at : at + 1] == ["{"]:
            take()
            return Value(token, fields=dict(items("}", pair)))
        if tokens[at : at + 1] == ["("]:
            take()
            parts = items(")", value)
            if len(parts) == 1 and isinstance(parts[0], Value) and parts[0].name == token:
                return parts[0]
            if token == "Some":
                return parts[0]
            return Value(token, parts)
        return None if token == "None" else Value(token)

    return value()


ACTIVATIONS = {
    "Relu": jax.nn.relu,
    "LeakyRelu1": lambda x: jnp.where(x > 0, x, 0.1 * x),
    "LeakyRelu2": lambda x: jnp.where(x > 0, x, 0.2 * x),
    "LeakyRelu4": lambda x: jnp.where(x > 0, x, 0.4 * x),
    "Elu": jax.nn.elu,
    "Tanh": jnp.tanh,
    "Sigmoid": jax.nn.sigmoid,
    "Swish": jax.nn.swish,
    "Cos": jnp.cos,
}
IMAGES = ("NHWC", "HWIO", "NHWC")


def activation_of(value):
    """Of `Relu` or `Activation(Relu)`."""
    return ACTIVATIONS[value.parts[0].name if value.parts else value.name]


def dense(x, w, b):
    return x @ w + b


def convolution(x, w, stride, padding):
    return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=IMAGES)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def transposed_convolution(x, w, stride):
    """The gradient of a convolution with respect to its input. JAX's own gradient of that with respect to the kernel takes XLA
    five times as long on a processor as the gradient of the convolution, which is the same."""
    rows, height, width, _ = x.shape
    larger = jnp.zeros((rows, stride * height, stride * width, w.shape[2]), x.dtype)
    return jax.vjp(lambda y: convolution(y, w, stride, "SAME"), larger)[1](x)[0]


def transposed_forward(x, w, stride):
    return transposed_convolution(x, w, stride), (x, w)


def transposed_backward(stride, saved, dy):
    x, w = saved
    return convolution(dy, w, stride, "SAME"), jax.vjp(lambda w: convolution(dy, w, stride, "SAME"), w)[1](x)[0]


transposed_convolution.defvjp(transposed_forward, transposed_backward)


def mlp(x, params, activation):
    for w, b in zip(params[:-2:2], params[1:-2:2]):
        x = activation(dense(x, w, b))
    return dense(x, *params[-2:])


def mlp_shapes(widths):
    return [shape for pair in zip(widths, widths[1:]) for shape in (pair, pair[1:])]


def one_hot_cross_entropy(logits, labels):
    """Of each row. By a product with unit vectors: the gradient of a choice by number is slow on processors."""
    return -(jax.nn.one_hot(labels, logits.shape[-1]) * jax.nn.log_softmax(logits)).sum(-1)


def lstm(params, x, h, step_input):
    w, b = params
    inputs = len(w) - len(b) // 4
    x = step_input(w[:inputs], b)

    def cell(state, gates):
        h, c = state
        i, j, f, o = jnp.split(gates + h @ w[inputs:], 4, -1)
        c = jax.nn.sigmoid(f + 1) * c + jax.nn.sigmoid(i) * jnp.tanh(j)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return lax.scan(cell, h, x)[1]


def gru(params, x, h, step_input):
    wz, uz, bz, wr, ur, br, wh, uh, bh = params
    units = len(bz)
    x = step_input(jnp.concatenate([wz, wr, wh], -1), jnp.concatenate([bz, br, bh]))
    gates = jnp.concatenate([uz, ur], -1)

    def cell(state, x):
        (h,) = state
        z, r = jnp.split(jax.nn.sigmoid(x[:, : 2 * units] + h @ gates), 2, -1)
        h = (1 - z) * h + z * jnp.tanh(x[:, 2 * units :] + (r * h) @ uh)
        return (h,), h

    return lax.scan(cell, h, x)[1]


def vrnn(params, x, h, step_input, activation):
    w, b, u, c = params
    x = step_input(w, b + c)

    def cell(state, x):
        h = activation(x + state[0] @ u)
        return (h,), h

    return lax.scan(cell, h, x)[1]


class Network:
    """A network; `one_hot` multiplies tables by unit vectors instead of gathering their rows, which is the same."""

    def __init__(self, text, one_hot=False):
        network = parse(text)
        self.layers, self.loss_kind, self.one_hot = network.layers, network.loss, one_hot
        shape, self.shapes, self.noises = network.input, [], []
        self.of_tokens = shape.name == "Tokens"
        if self.of_tokens:
            self.length, self.vocabulary = shape.length, shape.vocabulary
            self.steps = self.length
        self.image = (shape.height, shape.width, shape.channels) if shape.name == "Image" else None
        numbers = None if self.of_tokens else int(np.prod(self.image)) if self.image else shape.parts[0]
        self.numbers, self.first, self.labels_per_row = numbers, 0, 1
        if self.loss_kind.name == "NextToken":
            self.steps -= 1  # What stands behind the last token is never read.
        elif self.loss_kind.name == "SequenceCrossEntropy":
            self.first, self.labels_per_row = self.loss_kind.first, self.loss_kind.steps
            self.steps = self.first + self.labels_per_row
        here = self.image or (numbers,)
        for layer in self.layers:
            here = self._plan(layer, here)
        self.outputs = here[-1]
        if self.loss_kind.name == "GaussianLikelihood" and self.loss_kind.dequantize is not None:
            self.noises.append(lambda key, rows: jax.random.uniform(key, (rows, numbers)))

    def _plan(self, layer, shape):
        """Remembers parameters and noise of a layer; the shape behind it, without rows and time steps."""
        kind, params = layer.name, []
        count = int(np.prod(shape)) if None not in shape else None
        if kind == "Dense":
            params, shape = mlp_shapes([shape[-1], layer.outputs]), (layer.outputs,)
        elif kind in ("Conv", "ConvTranspose"):
            k, s, o = layer.kernel, layer.stride, layer.outputs
            params = [(k, k, shape[-1], o) if kind == "Conv" else (k, k, o, shape[-1])] + [(o,)] * layer.bias
            if kind == "ConvTranspose":
                size = lambda n: n * s
            else:
                size = lambda n: -(-n // s) if layer.padding.name == "Same" else (n - k) // s + 1
            shape = (size(shape[0]), size(shape[1]), o)
        elif kind in ("BatchNorm", "FrozenBatchNorm"):
            params = [shape[-1:]]
        elif kind == "LayerNorm":
            params = [shape[-1:]] * 2
        elif kind in ("Flatten", "SplitChannels"):
            shape = (count,)
        elif kind == "Unflatten":
            shape = (layer.height, layer.width, layer.channels)
        elif kind == "SpatialPool":
            shape = shape[-1:]
        elif kind == "Latent":
            shape = (count // 2,)
            self.noises.append(lambda key, rows: jax.random.normal(key, (rows, count // 2)))
        elif kind == "GaussianNoise":
            self.noises.append(lambda key, rows: layer.std * jax.random.normal(key, (rows, count)))
        elif kind == "Dropout":
            keep = layer.keep
            self.noises.append(lambda key, rows: jax.random.bernoulli(key, keep, (rows, count)).astype("f4") / keep)
        elif kind == "Coupling":
            known = count // 2
            params = mlp_shapes([known, *layer.hidden, 2 * (count - known)])
        elif kind == "Autoregressive":
            params = mlp_shapes([count, *layer.hidden, 2 * count])
        elif kind == "Embed":
            params, shape = [(self.vocabulary, layer.width)], (layer.width,)
        elif kind == "OneHot":
            shape = (self.vocabulary,)
        elif kind == "Recurrent":
            core, inputs, n = layer.core, shape[-1], layer.core.units
            params = [(1, n)] * (layer.trainable_init * (2 if core.name == "Lstm" else 1))
            params += {
                "Lstm": [(inputs + n, 4 * n), (4 * n,)],
                "Gru": [(inputs, n), (n, n), (n,)] * 3,
                "Vrnn": [(inputs, n), (n,), (n, n), (n,)],
            }[core.name]
            shape = (n,)
        elif kind not in ("Activation", "Permutation", "TimePool"):
            raise ValueError(f"networks.py knows no layer {kind}")
        self.shapes.append([tuple(shape) for shape in params])
        return tuple(shape)

    def init(self, key):
        """A list of arrays: weights normal by the fan-in, biases zero. Only `losses_and_gradients.py` needs our initial values."""
        shapes = [shape for of_layer in self.shapes for shape in of_layer]
        draw = lambda key, s: jax.random.normal(key, s) / math.prod(s[:-1]) ** 0.5 if len(s) > 1 else jnp.zeros(s)
        return [draw(key, shape) for key, shape in zip(jax.random.split(key, len(shapes)), shapes)]

    def noise(self, key, rows):
        if not self.noises:
            return []
        return [draw(key, rows) for draw, key in zip(self.noises, jax.random.split(key, len(self.noises)))]

    def _rows_of(self, table, tokens):
        return jax.nn.one_hot(tokens, len(table)) @ table if self.one_hot else table[tokens]

    def loss(self, params, inputs, labels, noise):
        params, noise, added = list(params), list(noise), 0.0
        rows = len(inputs)
        x = inputs if self.of_tokens or not self.image else inputs.reshape(rows, *self.image)
        if self.of_tokens:
            x = inputs[:, : self.steps].T  # [step, row]
        last = max((i for i, layer in enumerate(self.layers) if layer.name == "Dense"), default=None)
        tokens = x
        for i, (layer, shapes) in enumerate(zip(self.layers, self.shapes)):
            p, params = params[: len(shapes)], params[len(shapes) :]
            kind = layer.name
            if kind == "Dense":
                # Only the outputs that the loss reads.
                x = dense(x[self.first :] if i == last else x, *p)
            elif kind == "Activation":
                x = activation_of(layer)(x)
            elif kind == "Conv":
                x = convolution(x, p[0], layer.stride, layer.padding.name.upper())
                x = x + p[1] if layer.bias else x
            elif kind == "ConvTranspose":
                x = transposed_convolution(x, p[0], layer.stride)
                x = x + p[1] if layer.bias else x
            elif kind == "BatchNorm":
                axes = tuple(range(x.ndim - 1))
                x = (x - x.mean(axes)) * lax.rsqrt(x.var(axes) + 1e-3) + p[0]
            elif kind == "FrozenBatchNorm":
                x = x * (1.001**-0.5) + p[0]
            elif kind == "LayerNorm":
                centred = x - x.mean(-1, keepdims=True)
                x = centred * lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + 1e-5) * p[0] + p[1]
            elif kind == "Flatten":
                x = x.reshape(rows, -1)
            elif kind == "SplitChannels":
                x = jnp.concatenate([half.reshape(rows, -1) for half in jnp.split(x, 2, -1)], -1)
            elif kind == "Unflatten":
                x = x.reshape(rows, layer.height, layer.width, layer.channels)
            elif kind == "SpatialPool":
                pools = {"Mean": lambda x: x.mean((1, 2)), "Max": lambda x: x.max((1, 2))}
                pools["SquaredMean"] = lambda x: jnp.square(x).mean((1, 2))
                x = pools[layer.parts[0].name](x)
            elif kind == "Latent":
                mean, log_std = jnp.split(x, 2, -1)
                x = mean + jnp.exp(log_std) * noise.pop(0)
                added += (0.5 * jnp.square(mean) + 0.5 * (jnp.exp(2 * log_std) - 1) - log_std).sum(-1)
            elif kind == "GaussianNoise":
                x = x + noise.pop(0).reshape(x.shape)
            elif kind == "Dropout":
                x = x * noise.pop(0)
            elif kind == "Coupling":
                known = x.shape[-1] // 2
                shift, log_scale = jnp.split(mlp(x[:, :known], p, activation_of(layer.activation)), 2, -1)
                x = jnp.concatenate([x[:, :known], (x[:, known:] - shift) * jnp.exp(-log_scale)], -1)
                added += log_scale.sum(-1)
            elif kind == "Autoregressive":
                net = mlp(x, p, activation_of(layer.activation)).reshape(rows, -1, 2)
                shift, raw = net[..., 0], net[..., 1]
                log_scale = raw + lax.stop_gradient(jnp.clip(raw, -5, 3) - raw)
                x = (x - shift) * jnp.exp(-log_scale)
                added += log_scale.sum(-1)
            elif kind == "Permutation":
                x = x[:, np.asarray(layer.parts[0])]
            elif kind == "Embed":
                x = self._rows_of(p[0], x)
            elif kind == "Recurrent":
                core = layer.core
                states = len(p) - {"Lstm": 2, "Gru": 9, "Vrnn": 4}[core.name]
                zeros = jnp.zeros((rows, core.units))
                state = tuple(s + zeros for s in p[:states]) or (zeros,) * (2 if core.name == "Lstm" else 1)
                by_token = i > 0 and self.layers[i - 1].name == "OneHot"
                step_input = lambda w, b: (self._rows_of(w, tokens) if by_token else x @ w) + b
                run = {"Lstm": lstm, "Gru": gru}.get(core.name)
                if run:
                    x = run(p[states:], x, state, step_input)
                else:
                    x = vrnn(p[states:], x, state, step_input, activation_of(core.activation))
            elif kind == "TimePool":
                x = {"Last": lambda x: x[-1], "Mean": lambda x: x.mean(0), "Max": lambda x: x.max(0)}[layer.parts[0].name](x)
        return self._loss(x, inputs, labels, noise) + jnp.mean(added)

    def _loss(self, x, inputs, labels, noise):
        loss = self.loss_kind
        if loss.name == "SoftmaxCrossEntropy":
            return one_hot_cross_entropy(x, labels[:, 0]).mean()
        if loss.name == "SigmoidSquaredError":
            return jnp.square(jax.nn.one_hot(labels[:, 0], x.shape[-1]) - jax.nn.sigmoid(x)).mean()
        if loss.name == "NextToken":
            return one_hot_cross_entropy(x, inputs[:, 1:].T).mean()
        if loss.name == "SequenceCrossEntropy":
            # 65535 labels a position that has no label.
            counts = (labels < 65535).T
            return (one_hot_cross_entropy(x, labels.T) * counts).sum() / counts.sum()
        if loss.name == "StandardNormal":
            return (0.5 * jnp.square(x).sum(-1)).mean() + 0.5 * x.shape[-1] * math.log(2 * math.pi)
        if loss.name == "Reconstruction":
            output = {"Sigmoid": jax.nn.sigmoid, "Tanh": jnp.tanh, "Linear": lambda x: x}[loss.output.name]
            error = {"Squared": jnp.square, "Absolute": jnp.abs}[loss.distance.name](output(x) - inputs)
            return error.mean() if loss.reduction.name == "Mean" else error.sum(-1).mean()
        if loss.name == "GaussianLikelihood":
            bin_width = loss.dequantize
            mean, log_std = jnp.split(jnp.clip(x, -loss.clip, loss.clip), 2, -1)
            target = inputs if bin_width is None else inputs + bin_width * (noise.pop(0) - 0.5)
            terms = 0.5 * jnp.square((target - mean) * jnp.exp(-log_std)) + log_std
            constant = 0.5 * math.log(2 * math.pi) - math.log(bin_width or 1)
            return terms.sum(-1).mean() + constant * inputs.shape[-1]
        raise ValueError(f"networks.py knows no loss {loss.name}")
