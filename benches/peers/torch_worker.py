"""PyTorch on the workloads of README.md. `torch_worker.py THREADS [CORE]`, then lines `WORKLOAD[:compile] STEPS`.

With the environment variable TFTZ=1 denormals are flushed to zero. `:compile` sends the model through `torch.compile`.
"""

import math
import os

import protocol

threads = protocol.take_one_core()
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(threads)
torch.manual_seed(0)
flush = bool(os.environ.get("TFTZ"))
if flush and not torch.set_flush_denormal(True):
    raise SystemExit("this processor cannot flush denormals; run without TFTZ")


class Classifier(nn.Module):
    def __init__(self, network, images, classes, batch):
        super().__init__()
        self.network, self.images, self.batch = network, images, batch
        self.labels = torch.randint(0, classes, (len(images),))

    def minibatches(self, count):
        return torch.randint(0, len(self.images), (count, self.batch))

    def forward(self, rows):
        return F.cross_entropy(self.network(self.images[rows]), self.labels[rows])


def mlp(sizes, batch, examples):
    layers = []
    for inputs, outputs in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return Classifier(nn.Sequential(*layers[:-1]), torch.rand(examples, sizes[0]), sizes[-1], batch)


class ConvolutionStack(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, 2, 1) for i, o in ((3, 32), (32, 64), (64, 64)))
        self.out = nn.Linear(64, 10)

    def forward(self, x):
        for layer in self.convolutions:
            x = F.relu(layer(x))
        return self.out(x.mean((2, 3)))


def convolution(memory_format=torch.contiguous_format):
    images = torch.rand(2000, 3, 32, 32).to(memory_format=memory_format)
    return Classifier(ConvolutionStack().to(memory_format=memory_format), images, 10, 64)


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = torch.randint(0, 256, (4000, 65))
        self.embed, self.lstm, self.out = nn.Embedding(256, 64), nn.LSTM(64, 128), nn.Linear(128, 256)

    def minibatches(self, count):
        return torch.randint(0, len(self.tokens), (count, 64))

    def forward(self, rows):
        tokens = self.tokens[rows].t()
        outputs, _ = self.lstm(self.embed(tokens[:-1]))
        return F.cross_entropy(self.out(outputs).flatten(0, 1), tokens[1:].flatten())


class Quadratic(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.x = torch.randn(100, 100), torch.randn(100), nn.Parameter(torch.zeros(100))

    def minibatches(self, count):
        return torch.zeros(count, 1, dtype=torch.long)

    def forward(self, rows):
        return ((self.a @ self.x - self.b) ** 2).mean()


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.images = torch.rand(10_000, 784)
        self.e1, self.e2, self.d1, self.d2 = (nn.Linear(*s) for s in ((784, 64), (64, 64), (32, 64), (64, 1568)))

    def minibatches(self, count):
        return torch.randint(0, len(self.images), (count, 64))

    def forward(self, rows):
        x = self.images[rows]
        mean, log_std = self.e2(F.relu(self.e1(x))).chunk(2, -1)
        z = mean + log_std.exp() * torch.randn_like(mean)
        x_mean, x_log_std = self.d2(F.relu(self.d1(z))).chunk(2, -1)
        log_p = -0.5 * ((x - x_mean) * (-x_log_std).exp()) ** 2 - x_log_std - 0.5 * math.log(2 * math.pi)
        kl = 0.5 * ((2 * log_std).exp() + mean * mean - 1) - log_std
        return (kl.sum(-1) - log_p.sum(-1)).mean()


def bytes_of(examples, *shape):
    return torch.randint(0, 256, (examples, *shape), dtype=torch.uint8)


class ConvolutionalVae(nn.Module):
    """W7; the last convolution makes a mean and a log deviation for each channel."""

    def __init__(self, memory_format=torch.contiguous_format):
        super().__init__()
        self.images = bytes_of(10_000, 3, 32, 32).to(memory_format=memory_format)
        self.e1, self.e2, self.code = nn.Conv2d(3, 32, 3, 2, 1), nn.Conv2d(32, 64, 3, 2, 1), nn.Linear(64 * 64, 256)
        self.start = nn.Linear(128, 64 * 32)
        self.d1, self.d2 = (nn.ConvTranspose2d(i, o, 3, 2, 1, output_padding=1) for i, o in ((32, 64), (64, 32)))
        self.out = nn.Conv2d(32, 6, 1)
        self.to(memory_format=memory_format)

    def minibatches(self, count):
        return torch.randint(0, len(self.images), (count, 128))

    def forward(self, rows):
        x = self.images[rows].float().mul_(2 / 255).sub_(1)
        mean, log_std = self.code(F.relu(self.e2(F.relu(self.e1(x)))).flatten(1)).chunk(2, -1)
        z = mean + log_std.exp() * torch.randn_like(mean)
        decoded = F.relu(self.d2(F.relu(self.d1(self.start(z).unflatten(1, (32, 8, 8))))))
        x_mean, x_log_std = self.out(decoded).clamp(-10, 10).chunk(2, 1)
        target = x + (torch.rand_like(x) - 0.5) / 255
        log_p = -0.5 * ((target - x_mean) * (-x_log_std).exp()) ** 2 - x_log_std
        constant = x[0].numel() * (0.5 * math.log(2 * math.pi) + math.log(255))
        kl = 0.5 * ((2 * log_std).exp() + mean * mean - 1) - log_std
        return (kl.sum(-1) - log_p.sum((1, 2, 3))).mean() + constant


class NormalisedConvolutions(nn.Module):
    """W8; batch norm without a gain."""

    def __init__(self, memory_format=torch.contiguous_format):
        super().__init__()
        self.images = bytes_of(10_000, 3, 32, 32).to(memory_format=memory_format)
        self.labels = torch.randint(0, 10, (len(self.images),))
        channels = (3, 32, 64, 64)
        strides = (2, 1, 1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(i, o, 3, stride, 1) for i, o, stride in zip(channels, channels[1:], strides)
        )
        self.offsets = nn.ParameterList(torch.zeros(o) for o in channels[1:])
        self.gains = [torch.ones(o) for o in channels[1:]]
        self.out = nn.Linear(64, 10)
        self.to(memory_format=memory_format)

    def minibatches(self, count):
        return torch.randint(0, len(self.images), (count, 128))

    def forward(self, rows):
        x = self.images[rows].float().div_(255)
        for layer, gain, offset in zip(self.convolutions, self.gains, self.offsets):
            x = F.relu(F.batch_norm(layer(x), None, None, gain, offset, training=True, eps=1e-3))
        return F.cross_entropy(self.out(x.mean((2, 3))), self.labels[rows])


class Associative(nn.Module):
    """W9; `nn.LSTM` has a second bias, and no 1 is added to the forget gate: the same work."""

    def __init__(self):
        super().__init__()
        self.tokens, self.labels = torch.randint(0, 52, (4000, 42)), torch.randint(0, 50, (4000,))
        self.lstm, self.out = nn.LSTM(52, 128), nn.Linear(128, 52)

    def minibatches(self, count):
        return torch.randint(0, len(self.tokens), (count, 128))

    def forward(self, rows):
        outputs, _ = self.lstm(F.one_hot(self.tokens[rows].t(), 52).float())
        return F.cross_entropy(self.out(outputs[-1]), self.labels[rows])


class Gru(nn.Module):
    """The reset comes before the product, as in Sonnet; `nn.GRU` has it behind."""

    def __init__(self, inputs, units):
        super().__init__()
        self.x, self.zr, self.c = nn.Linear(inputs, 3 * units), nn.Linear(units, 2 * units, False), nn.Linear(units, units, False)

    def forward(self, x, h):
        outputs = []
        for gates, candidate in zip(*self.x(x).split((2 * h.shape[-1], h.shape[-1]), -1)):
            z, r = torch.sigmoid(gates + self.zr(h)).chunk(2, -1)
            h = torch.lerp(h, torch.tanh(candidate + self.c(r * h)), z)
            outputs.append(h)
        return torch.stack(outputs)


class TextClassifier(nn.Module):
    """W10; with `fused` by `nn.GRU`, which is another function of about the same work."""

    def __init__(self, fused=False):
        super().__init__()
        self.tokens, self.labels = torch.randint(0, 8185, (4000, 32)), torch.randint(0, 2, (4000,))
        self.embed, self.out, self.fused = nn.Embedding(10_000, 64), nn.Linear(64, 2), fused
        self.gru = nn.GRU(64, 64) if fused else Gru(64, 64)
        self.start = nn.Parameter(torch.zeros(1, 64))

    def minibatches(self, count):
        return torch.randint(0, len(self.tokens), (count, 128))

    def forward(self, rows):
        x, start = self.embed(self.tokens[rows].t()), self.start.expand(len(rows), -1)
        outputs = self.gru(x, start[None].contiguous())[0] if self.fused else self.gru(x, start)
        return F.cross_entropy(self.out(outputs.mean(0)), self.labels[rows])


class Nvp(nn.Module):
    """W11."""

    def __init__(self):
        super().__init__()
        self.images = bytes_of(10_000, 784)
        widths = (392, 128, 128, 784)
        mlp = lambda: nn.Sequential(*[part for i, o in zip(widths, widths[1:]) for part in (nn.Linear(i, o), nn.ReLU())][:-1])
        self.couplings = nn.ModuleList(mlp() for _ in range(5))
        self.orders = [torch.randperm(784) for _ in range(4)]

    def minibatches(self, count):
        return torch.randint(0, len(self.images), (count, 64))

    def forward(self, rows):
        x = self.images[rows].float().div_(255)
        x = x + 0.01 * torch.randn_like(x)
        added = 0.0
        for i, coupling in enumerate(self.couplings):
            x = x[:, self.orders[i - 1]] if i else x
            a, b = x.chunk(2, -1)
            shift, log_scale = coupling(a).chunk(2, -1)
            x = torch.cat((a, (b - shift) * (-log_scale).exp()), -1)
            added = added + log_scale.sum(-1)
        return (0.5 * (x * x).sum(-1) + added).mean() + 392 * math.log(2 * math.pi)


WORKLOADS = {
    "W0": lambda: mlp([8, 8, 8, 10], 4, 1000),
    "W1": lambda: mlp([784, 32, 32, 10], 16, 10_000),
    "W2": lambda: mlp([3072, 128, 128, 128, 10], 128, 2000),
    "W3": convolution,
    "W3cl": lambda: convolution(torch.channels_last),
    "W4": LanguageModel,
    "W5": Quadratic,
    "W6": Vae,
    "W7": ConvolutionalVae,
    "W7cl": lambda: ConvolutionalVae(torch.channels_last),
    "W8": NormalisedConvolutions,
    "W8cl": lambda: NormalisedConvolutions(torch.channels_last),
    "W9": Associative,
    "W10": TextClassifier,
    "W10gru": lambda: TextClassifier(fused=True),
    "W11": Nvp,
}


def build(workload):
    name, _, mode = workload.partition(":")
    if mode not in ("", "compile"):
        raise ValueError(f"no mode {mode}: compile or none")
    model = WORKLOADS[name]()
    loss = torch.compile(model) if mode == "compile" else model
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    minibatches = model.minibatches(64)

    def run(steps):
        for i in range(steps):
            adam.zero_grad(set_to_none=True)
            value = loss(minibatches[i % 64])
            value.backward()
            adam.step()
        return steps, value.item()

    return run


protocol.serve(f"torch {torch.__version__}, {threads} thread(s){', denormals flushed' if flush else ''}", build)
