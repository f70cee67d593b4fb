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


WORKLOADS = {
    "W0": lambda: mlp([8, 8, 8, 10], 4, 1000),
    "W1": lambda: mlp([784, 32, 32, 10], 16, 10_000),
    "W2": lambda: mlp([3072, 128, 128, 128, 10], 128, 2000),
    "W3": convolution,
    "W3cl": lambda: convolution(torch.channels_last),
    "W4": LanguageModel,
    "W5": Quadratic,
    "W6": Vae,
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
