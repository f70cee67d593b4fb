"""MNIST and CIFAR-10 from their original files, carved and served as TaskSet's sampled tasks do, in NumPy."""

import functools
import gzip
from pathlib import Path

import numpy as np

HELD_OUT = 5000  # Examples of valid_inner and of valid_outer.
SHUFFLE_BUFFER = 10_000


@functools.cache
def load(name, root):
    """Training and test split, read once: images `[n, height, width, channels]` uint8, labels `[n]`."""
    folder = Path(root) / name
    if name in ("mnist", "fashion_mnist"):
        return [
            (idx(folder / f"{part}-images-idx3-ubyte.gz")[..., None], idx(folder / f"{part}-labels-idx1-ubyte.gz"))
            for part in ("train", "t10k")
        ]
    if name == "cifar10":
        return [cifar(folder, [f"data_batch_{i}.bin" for i in range(1, 6)]), cifar(folder, ["test_batch.bin"])]
    raise ValueError(f"the comparison reads mnist, fashion_mnist and cifar10, not {name}")


def idx(path):
    data = gzip.decompress(path.read_bytes())
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", dimensions, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def cifar(folder, files):
    records = np.concatenate([np.fromfile(folder / file, np.uint8).reshape(-1, 3073) for file in files])
    return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0]


class Splits:
    """The four splits after a shuffle that belongs to the seed, each an endless stream of minibatches.

    Every seed carves anew, so that the spread over seeds includes that of the choice of validation images.
    """

    def __init__(self, dataset, root, seed):
        name, options, augmentation = dataset
        if augmentation is not None:
            raise ValueError("tasks with augmentation are not compared")
        (train, train_labels), (test, test_labels) = load(name, root)
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(train))
        test_order = len(train) + rng.permutation(len(test))
        rest = order[2 * HELD_OUT :]
        if options["num_train"]:
            rest = rest[: options["num_train"]]
        indices = {
            "train": rest,
            "valid_inner": order[:HELD_OUT],
            "valid_outer": order[HELD_OUT : 2 * HELD_OUT],
            "test": test_order,
        }
        self.images = np.concatenate([train, test])
        self.labels = np.concatenate([train_labels, test_labels]).astype(np.int32)
        self.batch = options["bs"]
        self.feeds = {split: shuffled(indices[split], np.random.default_rng(rng.integers(2**63))) for split in indices}
        self.training = shuffled(rest, np.random.default_rng(rng.integers(2**63)))

    def batches(self, feed, count):
        """Example numbers of the next minibatches, `[count, batch]`."""
        rows = np.fromiter(feed, np.int32, count * self.batch)
        return rows.reshape(count, self.batch)


class GivenSplits(Splits):
    """The minibatches that `taskset-rs` takes, from the files of its example `start`."""

    def __init__(self, dataset, root, start):
        super().__init__(dataset, root, 0)
        stream = lambda name: iter(np.fromfile(start / f"{name}.u32", "<u4"))
        self.feeds = {split: stream(split) for split in self.feeds}
        self.training = stream("training")


def given_noise(start, feed, shapes):
    """The noise of a feed's minibatches as that example wrote it: a tuple of arrays `[minibatches, *shape]`."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    numbers = np.memmap(start / f"{feed}.f32", "<f4", "r").reshape(-1, sum(sizes))
    parts = np.split(numbers, np.cumsum(sizes)[:-1], axis=1)
    return tuple(part.reshape(-1, *shape) for part, shape in zip(parts, shapes))


def shuffled(indices, rng):
    """The examples repeated for ever, through a shuffle buffer: emit a random element, refill its place."""
    indices = indices.tolist()
    buffer = [indices[i % len(indices)] for i in range(SHUFFLE_BUFFER)]
    position = SHUFFLE_BUFFER
    while True:
        for slot in rng.integers(0, SHUFFLE_BUFFER, 4096).tolist():
            yield buffer[slot]
            buffer[slot] = indices[position % len(indices)]
            position += 1
