#!/usr/bin/env bash
#
# Trains a sweep on a real Slurm with two nodes, of which one loses its power on the way.
#
#   check.sh BINARY [DIR]     BINARY is taskset-rs; DIR is for all files (default: a new temporary directory)
#
# What is checked:
#   - `sweep submit` makes an array job that runs on both nodes, and prints its id;
#   - when a node dies, Slurm queues the node's tasks again, they start again, and all end well;
#   - `sweep status` counts the stored trials at any time, and the count never falls;
#   - the curves equal those of an undisturbed run without Slurm;
#   - a script of one's own that divides the shards by the array index hears of an index that is too large, empty or missing.
#
# It takes several minutes. It needs root, Slurm, munge and jq. On Debian: apt-get install slurm-wlm munge jq
# The variable STEPS changes the length of the long trials; LIMIT is the longest wait for anything, in seconds.

set -euo pipefail

readonly TASKS=4
readonly STEPS=${STEPS:-3000}
readonly LIMIT=${LIMIT:-1200}
readonly PROGRAM=${0##*/}
CLUSTER=$(dirname -- "$(realpath -- "$0")")/cluster.sh
readonly CLUSTER

say() { printf '%s: %4d s: %s\n' "$PROGRAM" "$SECONDS" "$*" >&2; }
fail() {
    say "FAILED: $*"
    exit 1
}
quote() { sed 's/^/    /' >&2; }

# Runs a command every 0.5 s until it succeeds. The first argument says in words what is awaited.
wait_for() {
    local what=$1 end=$((SECONDS + LIMIT))
    shift
    until "$@"; do
        ((SECONDS < end)) || fail "after $LIMIT s, still no sign of this: $what"
        sleep 0.5
    done
}

# Whatever happened, no process stays behind. After a failure, the files stay for a look.
clean_up() {
    local status=$?
    trap - EXIT
    [[ ! -f $DIR/cluster/slurm.conf ]] || "$CLUSTER" stop "$DIR/cluster" || status=1
    if ((status != 0)); then
        tail -n 20 "$DIR"/sweep/slurm/*.log 2>/dev/null | quote || true
        say "all files, with the logs of Slurm, are in $DIR"
    elif [[ -n $TEMPORARY ]]; then
        rm -rf -- "$DIR"
    fi
    exit "$status"
}

# ---------------------------------------------------------------------------------------------
# What the sweep and the queue say

# The numbers of stored and of planned trials, and a check that the first has not fallen.
STORED=0
PLANNED=0
read_status() {
    local before=$STORED json
    json=$("$BINARY" sweep status "$DIR/sweep" --json) || fail "\`sweep status\` ended with exit code $?"
    read -r STORED PLANNED < <(jq -r '"\(.trials.done) \(.trials.total)"' <<<"$json") || true
    [[ $STORED =~ ^[0-9]+$ && $PLANNED =~ ^[0-9]+$ ]] ||
        fail "\`sweep status --json\` has no numbers \`trials.done\` and \`trials.total\`: $json"
    ((STORED >= before)) || fail "$before trials were stored, and now \`sweep status\` counts $STORED"
    ((STORED == before)) || say "$STORED of $PLANNED trials are stored"
}

# The tasks of the job, one a line: id, state, node, reason. Arguments are options of squeue.
tasks() { squeue --noheader --array --jobs "$JOB" --format '%i|%t|%N|%r' "$@"; }

running_on() { tasks --states R --nodelist "$1" | cut -d '|' -f 1; }

restarts() { scontrol --oneliner show job "$1" | grep -oE 'Restarts=[0-9]+' | cut -d = -f 2; }

both_nodes_train() {
    read_status
    # Later it would be too late.
    ((STORED < PLANNED)) || fail "all trials were stored before a node could be killed: give more STEPS than $STEPS"
    [[ $STORED -gt 0 && -n $(running_on n1) && -n $(running_on n2) ]]
}

# Whether the tasks given by their ids have been taken from the dead node and queued again.
are_requeued() {
    local task
    read_status
    for task in "$@"; do
        ! tasks --states NODE_FAIL | grep "^$task|" >/dev/null ||
            fail "Slurm gave task $task up when its node died: \`sweep submit\` should use --requeue"
        (($(restarts "$task") > 0)) || return 1
    done
}

job_is_over() {
    local left
    # First the queue: a trial may be stored after the count, and before the job ends.
    left=$(tasks) || return
    read_status
    [[ -z $left ]]
}

# ---------------------------------------------------------------------------------------------
# The parts of the check

write_plan() {
    cat >"$DIR/plan.toml" <<END
# Short trials, which are stored at once.
[[trials]]
tasks = ["TwoD_Bowl1", "TwoD_Ackley"]
optimizers = ["adam_lr_*"]
replicas = 2
steps = 2000
eval_every = 500
eval_batches = 5
data = "synthetic"

# Trials of some seconds each: a node dies while they are trained.
[[trials]]
tasks = ["FixedMLP_mnist_ce_128x128x128_relu_bs128"]
optimizers = ["adam_lr_*"]
replicas = 2
steps = $STEPS
eval_every = 500
eval_batches = 5
data = "synthetic"
END
}

plan() { "$BINARY" sweep plan "$DIR/plan.toml" --out "$1" --data synthetic >&2; }

submit() {
    local output
    output=$("$BINARY" sweep submit "$DIR/sweep" --scheduler slurm --array "$TASKS" --jobs 1 -- --job-name check)
    quote <<<"$output"
    # Ours is the only job of this cluster.
    JOB=$(squeue --noheader --array --name check --format %F | sort -u)
    [[ $JOB =~ ^[0-9]+$ ]] || fail "there should be one job named \`check\`, and there is: ${JOB:-none}"
    grep -qw -- "$JOB" <<<"$output" || fail "\`sweep submit\` does not print the id of the job, $JOB"
    (($(tasks | wc -l) == TASKS)) || fail "the job should have $TASKS tasks: $(tasks)"
    [[ -f $DIR/sweep/slurm/job.sh ]] || fail "there is no $DIR/sweep/slurm/job.sh"
}

lose_a_node() {
    local lost
    "$CLUSTER" kill-node "$DIR/cluster" n2
    # What the controller still takes for running there was cut off.
    mapfile -t lost < <(running_on n2)
    ((${#lost[@]} > 0)) || fail "nothing ran on node n2 when it was killed"
    say "tasks ${lost[*]} were cut off; waiting until Slurm notices"
    wait_for "tasks ${lost[*]} in the queue again" are_requeued "${lost[@]}"
    tasks | quote
    "$CLUSTER" revive-node "$DIR/cluster" n2
    LOST=("${lost[@]}")
}

all_ended_well() {
    local ended
    ended=$(tasks --states all)
    quote <<<"$ended"
    (($(grep -c '|CD|' <<<"$ended") == TASKS)) || fail "not all tasks of the job have completed"
    ((STORED == PLANNED)) || fail "the job is over, and $STORED of $PLANNED trials are stored"
}

# A run must fail and name the variable. The first argument says in words what is wrong with the index.
refuses() {
    local what=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    quote <<<"$output"
    ((status != 0)) || fail "an array index that is $what should be an error"
    grep -q SLURM_ARRAY_TASK_ID <<<"$output" ||
        fail "with an array index that is $what, the error should name SLURM_ARRAY_TASK_ID"
    say "an array index that is $what: exit code $status and a message that names the variable"
}

# Runs a script with another index, as a job of Slurm. Prints what the job printed.
run_as_task() {
    local output=$DIR/index.out status=0
    sbatch --quiet --wait --array "$1" --output "$output" "$DIR/by-hand.sh" || status=$?
    cat "$output"
    return "$status"
}

# The script that a user would write, who divides the shards by the index.
check_indices() {
    local job=$DIR/by-hand.sh
    cat >"$job" <<END
#!/bin/bash
exec "$BINARY" sweep run "$DIR/sweep" --shard "\$SLURM_ARRAY_TASK_ID/$TASKS"
END
    refuses "too large" run_as_task "$TASKS"
    refuses "empty" env SLURM_ARRAY_TASK_ID= bash "$job"
    refuses "not a number" env SLURM_ARRAY_TASK_ID=one bash "$job"
    refuses "missing" env -u SLURM_ARRAY_TASK_ID bash "$job"
}

compare() {
    plan "$DIR/undisturbed"
    "$BINARY" sweep run "$DIR/undisturbed" >&2
    "$BINARY" curves diff "$DIR/undisturbed/shards" "$DIR/sweep/shards" >&2 ||
        fail "the curves differ from those of an undisturbed run"
}

main() {
    local program
    if (($# < 1 || $# > 2)); then
        sed -n '3,5s/^# \{0,1\}//p' "$0" >&2
        exit 2
    fi
    BINARY=$(realpath -- "$1")
    [[ -x $BINARY ]] || fail "$BINARY is not a program"
    for program in jq sbatch squeue scontrol; do
        command -v "$program" >/dev/null || fail "$program is not installed; on Debian: apt-get install slurm-wlm munge jq"
    done
    if (($# == 2)); then
        TEMPORARY=
        mkdir -p -- "$2"
        DIR=$(realpath -- "$2")
        [[ ! -e $DIR/sweep && ! -e $DIR/cluster ]] || fail "$DIR has an earlier check; take a new directory"
    else
        TEMPORARY=yes
        DIR=$(mktemp -d "${TMPDIR:-/tmp}/slurm-check.XXXXXX")
    fi
    trap clean_up EXIT
    trap 'exit 130' INT TERM

    "$CLUSTER" start "$DIR/cluster" >/dev/null
    export SLURM_CONF=$DIR/cluster/slurm.conf
    sinfo | quote

    write_plan
    plan "$DIR/sweep"
    submit
    say "job $JOB has $TASKS tasks; waiting until both nodes train"
    wait_for "running tasks on both nodes and a stored trial" both_nodes_train
    tasks | quote
    # Into the middle of the long trials.
    sleep 5
    lose_a_node
    wait_for "the end of job $JOB" job_is_over
    all_ended_well
    say "training once more without Slurm, to compare"
    compare
    check_indices

    say "PASSED"
    cat <<END
A job of $TASKS tasks trained $PLANNED trials on two nodes. Node n2 died on the way: tasks ${LOST[*]} were cut off, queued again,
and ended well. All curves equal those of an undisturbed run. Wrong array indices are refused.
END
}

main "$@"
