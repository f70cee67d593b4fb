"""The worker's side of the protocol of `cargo xtask bench --peers` (README.md): one core, one question a line."""

import os
import sys
import time


def take_one_core() -> int:
    """Reads `THREADS [CORE]` from the command line, pins the process and limits its threads; returns THREADS.

    To be called before the framework is imported: thread pools are sized at import.
    """
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    core = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    return threads


# Descriptions of networks by name: size of the minibatch, text.
described = {}


def serve(version: str, build) -> None:
    """Answers `WORKLOAD STEPS` with `wall_us cpu_us steps loss` (microseconds a step) until the input ends.

    `build(workload)` returns a function `run(steps) -> (steps really taken, last loss)`; a workload is built, compiled
    and run once before its first measurement. What cannot be built is answered `error REASON`. `describe NAME ROWS TEXT`
    says which network a name stands for; it has no answer.
    """
    running = {}
    print("ready", version, flush=True)
    for line in sys.stdin:
        if line.startswith("describe "):
            _, name, rows, text = line.split(" ", 3)
            described[name] = int(rows), text
            continue
        workload, steps = line.split()
        try:
            if workload not in running:
                running[workload] = build(workload)
                running[workload](1)
            wall, cpu = time.perf_counter(), time.process_time()
            taken, loss = running[workload](int(steps))
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            print(f"{wall / taken * 1e6:.3f} {cpu / taken * 1e6:.3f} {taken} {loss:.6g}", flush=True)
        except Exception as error:  # Whatever a framework raises is an answer: the other workloads go on.
            print("error", " ".join(f"{type(error).__name__}: {error}".split())[:300], flush=True)
