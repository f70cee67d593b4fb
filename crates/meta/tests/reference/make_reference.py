"""Writes reference.json: a small case of every experiment of this crate, computed with NumPy, SciPy and scikit-learn.

Nothing of the crate is used. The random streams are programmed again from the documentation of `taskset-rng`, so the
splits are those that the crate draws. Run it again with

    pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    python make_reference.py > reference.json
"""

import hashlib
import json
import math

import numpy as np
from scipy.spatial.distance import pdist, squareform
from scipy.stats import pearsonr, spearmanr
from sklearn.manifold import TSNE, _t_sne

TASKS, CONFIGS, RESAMPLINGS, K = 12, 15, 6, 5
MASK = (1 << 64) - 1


class StreamId:
    """A path of labels and indices, hashed with SHA-256."""

    def __init__(self, key=bytes(32)):
        self.key = key

    def extend(self, tag, number, label=b""):
        return StreamId(hashlib.sha256(self.key + tag + number.to_bytes(8, "little") + label).digest())

    def child(self, label):
        return self.extend(b"L", len(label), label.encode())

    def index(self, index):
        return self.extend(b"I", index)

    def stream(self):
        return Stream(self.key)


class Stream:
    """xoshiro256++ and the distributions that the experiments use."""

    def __init__(self, key):
        self.s = [int.from_bytes(key[i : i + 8], "little") for i in range(0, 32, 8)]

    def next(self):
        def rotate(x, k):
            return ((x << k) | (x >> (64 - k))) & MASK

        s = self.s
        result = (rotate((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)
        return result

    def below(self, n):
        product = self.next() * n
        if (product & MASK) < n:
            threshold = ((1 << 64) - n) % n
            while (product & MASK) < threshold:
                product = self.next() * n
        return product >> 64

    def shuffled(self, items):
        items = list(items)
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items

    def sample(self, n, k):
        pool = list(range(n))
        for i in range(k):
            j = i + self.below(n - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:k]


ROOT = StreamId().child("reference")


def greedy(valid, tasks, candidates, k):
    """Equations 3 to 5 of the paper: always the candidate with the lowest sum of minima."""
    chosen = []
    while len(chosen) < min(k, len(candidates)):
        left = [c for c in sorted(candidates) if c not in chosen]
        loss = {c: math.fsum(min(valid[t][i] for i in chosen + [c]) for t in tasks) for c in left}
        chosen.append(min(left, key=lambda c: (loss[c], c)))
    return chosen


def j_curve(valid, test, tasks, order):
    """J of the first 1, 2, … configurations: picked by validation, reported on test."""
    curve = []
    for k in range(1, len(order) + 1):
        picked = [min(order[:k], key=lambda c: valid[t][c]) for t in tasks]
        curve.append(math.fsum(test[t][c] for t, c in zip(tasks, picked)) / len(tasks))
    return curve


def halves(items, stream):
    order = stream.shuffled(items)
    half = len(order) // 2
    return sorted(order[:half]), sorted(order[half:])


def random_search(valid, test, tasks, candidates, k, stream):
    k = min(k, len(candidates))
    return j_curve(valid, test, tasks, [candidates[i] for i in stream.sample(len(candidates), k)])


def figure_3(valid, test, table, boxes):
    best = [min(range(CONFIGS), key=lambda c: valid[t][c]) for t in range(TASKS)]
    inside = []
    for low, high in boxes:
        # The first hyperparameter has a logarithmic scale.
        scaled = np.column_stack([np.log(table[:, 0]), table[:, 1]])
        lo, hi = np.quantile(scaled[best], low, axis=0), np.quantile(scaled[best], high, axis=0)
        ok = (scaled >= lo - 1e-12).all(axis=1) & (scaled <= hi + 1e-12).all(axis=1)
        inside.append([int(c) for c in np.flatnonzero(ok)])
    curves = [[] for _ in range(2 + len(boxes))]
    for r in range(RESAMPLINGS):
        train, held_out = halves(range(TASKS), ROOT.child("split").index(r).stream())
        curves[0].append(j_curve(valid, test, held_out, greedy(valid, train, range(CONFIGS), K)))
        stream = ROOT.child("random").child("a").index(r).stream()
        curves[1].append(random_search(valid, test, held_out, range(CONFIGS), K, stream))
        for b, candidates in enumerate(inside):
            stream = ROOT.child("box").index(b).index(r).stream()
            curves[2 + b].append(random_search(valid, test, held_out, candidates, K, stream))
    return {"boxes": boxes, "inside": [len(i) for i in inside], "raw": curves}


def figure_4(valid, test, sizes):
    curves = [[] for _ in sizes]
    for r in range(RESAMPLINGS):
        order = ROOT.child("tasks").index(r).stream().shuffled(range(TASKS))
        for curve, size in zip(curves, sizes):
            curve.append(j_curve(valid, test, order[size:], greedy(valid, order[:size], range(CONFIGS), K)))
    return {"sizes": sizes, "raw": curves}


def figure_5(valid, test, target, train_tasks):
    others = [t for t in range(TASKS) if t not in target]
    curves = []
    for r in range(RESAMPLINGS):
        train = [others[i] for i in ROOT.child("train").index(r).stream().sample(len(others), train_tasks)]
        curves.append(j_curve(valid, test, target, greedy(valid, train, range(CONFIGS), K)))
    best_case = j_curve(valid, test, target, greedy(valid, target, range(CONFIGS), K))
    return {"target": target, "train_tasks": train_tasks, "other_types": curves, "best_case": best_case}


def figures_6_and_13(valid, test, groups, k, mixture_tasks):
    def on_all(train):
        order = greedy(valid, train, range(CONFIGS), k)
        return [j_curve(valid, test, group, order)[-1] for group in groups]

    j = np.array([on_all(group) for group in groups])
    mixture = []
    for r in range(RESAMPLINGS):
        train = []
        for g, group in enumerate(groups):
            stream = ROOT.child("mixture").index(g).index(r).stream()
            rest = stream.sample(len(group), mixture_tasks % len(group))
            train += group * (mixture_tasks // len(group)) + [group[i] for i in rest]
        mixture.append(on_all(train))
    low, high = j.min(axis=0), j.max(axis=0)
    return {
        "groups": groups,
        "k": k,
        "mixture_tasks": mixture_tasks,
        "j": j.tolist(),
        "ratios_of_test_group": (np.diag(j)[None, :] / j).tolist(),
        "ratios_of_train_group": (np.diag(j)[:, None] / j).tolist(),
        "mixture": mixture,
        "rescaled": ((j - low) / (high - low)).tolist(),
    }


def figure_12(valid, test, other, other_rows):
    """Lists of other scores, which exist on some of the tasks only and in another order."""
    common = [t for t in range(TASKS) if t in other_rows]
    curves = []
    for r in range(RESAMPLINGS):
        train, held_out = halves(range(len(common)), ROOT.child("split").index(r).stream())
        rows = [other_rows.index(common[i]) for i in train]
        curves.append(j_curve(valid, test, [common[i] for i in held_out], greedy(other, rows, range(CONFIGS), K)))
    a, b = valid[common], np.array([other[other_rows.index(t)] for t in common])
    return {
        "valid": other.tolist(),
        "tasks": other_rows,
        "raw": curves,
        "pearson": pearsonr(a.ravel(), b.ravel()).statistic,
    }


def figure_15(valid, test, sizes):
    curves = [[] for _ in sizes]
    for r in range(RESAMPLINGS):
        train, held_out = halves(range(TASKS), ROOT.child("split").index(r).stream())
        order = ROOT.child("candidates").index(r).stream().shuffled(range(CONFIGS))
        for curve, size in zip(curves, sizes):
            curve.append(j_curve(valid, test, held_out, greedy(valid, train, order[:size], K)))
    return {"sizes": sizes, "raw": curves}


def correlations(valid, groups):
    # Rounded to one decimal, so that there are ties.
    rounded = np.round(valid, 1)
    matrix = spearmanr(rounded, axis=1).statistic
    mean = [[np.mean([matrix[a, b] for a in g for b in h if a != b]) for h in groups] for g in groups]
    return {"rounded": rounded.tolist(), "spearman": matrix.tolist(), "mean": mean}


def bootstrap(values, clusters):
    names = sorted(set(clusters))
    means = []
    for b in range(20):
        stream = ROOT.index(b).stream()
        drawn = [names[stream.below(len(names))] for _ in names]
        of_drawn = [v for name in drawn for v, c in zip(values, clusters) if c == name]
        means.append(math.fsum(of_drawn) / len(of_drawn))
    return {"values": values, "clusters": clusters, "replicates": sorted(means)}


def tsne(valid, perplexity, rng):
    p = _t_sne._joint_probabilities(squareform(pdist(valid, "sqeuclidean")), perplexity, 0)
    map_ = rng.normal(size=(TASKS, 2))
    divergence, _ = _t_sne._kl_divergence(map_.ravel(), p, 1, TASKS, 2)
    # Twelve random starts, of which some end in worse minima.
    starts = [TSNE(perplexity=perplexity, method="exact", init="random", random_state=s) for s in range(12)]
    return {
        "perplexity": perplexity,
        "lowest_divergence": min(float(start.fit(valid).kl_divergence_) for start in starts),
        "joint_probabilities": squareform(p).ravel().tolist(),
        "map": map_.tolist(),
        "kl_divergence": float(divergence),
    }


def main():
    rng = np.random.default_rng(7)
    valid = np.minimum(1.0, 0.6 * rng.random(CONFIGS) + 0.6 * rng.random((TASKS, CONFIGS)))
    test = valid + 0.05 * rng.normal(size=valid.shape)
    table = np.column_stack([10 ** rng.uniform(-6, 0, CONFIGS), rng.uniform(-1, 1, CONFIGS)])
    groups = [[0, 3, 6, 9, 11], [1, 4, 7, 10], [2, 5, 8]]
    other_rows = [10, 2, 0, 7, 5, 11, 4, 1, 9]
    other = valid[other_rows] + 0.3 * rng.random((len(other_rows), CONFIGS))
    result = {
        "valid": valid.tolist(),
        "test": test.tolist(),
        "table": table.tolist(),
        "resamplings": RESAMPLINGS,
        "k": K,
        "greedy": greedy(valid, range(TASKS), range(CONFIGS), CONFIGS),
        "figure_3": figure_3(valid, test, table, [[0.0, 1.0], [0.05, 0.95]]),
        "figure_4": figure_4(valid, test, [3, 8, 11]),
        "figure_5": figure_5(valid, test, [1, 4, 7, 10], 6),
        "figures_6_and_13": figures_6_and_13(valid, test, groups, 2, 4),
        "figure_12": figure_12(valid, test, other, other_rows),
        "figure_15": figure_15(valid, test, [2, 6, 15]),
        "correlations": correlations(valid, groups),
        "bootstrap": bootstrap((test - valid).mean(axis=1).tolist(), [t % 5 for t in range(TASKS)]),
        "tsne": tsne(valid, 3.0, rng),
    }
    print("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in result.items()) + "\n}")


main()
