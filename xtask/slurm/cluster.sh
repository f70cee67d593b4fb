#!/usr/bin/env bash
#
# A real Slurm with two nodes, n1 and n2, on this one machine.
#
#   cluster.sh start [DIR]            start it; prints a line to set SLURM_CONF
#   cluster.sh kill-node DIR NODE     the node loses its power, with all that runs on it
#   cluster.sh revive-node DIR NODE   the node is switched on again
#   cluster.sh stop DIR               stop everything; DIR stays, with the logs
#
# Slurm must be installed. On Debian: apt-get install slurm-wlm munge
#
# It must run as root. It needs neither systemd nor an account for Slurm, so a container will do.
# Everything lies in DIR (without it: in a new temporary directory): configuration, logs, state, and
# a munge daemon (with which the parts of Slurm trust each other) with its own key and its own socket.
# Nothing outside of DIR is written, and a Slurm that runs here already is left alone.
#
# Both nodes share this machine's cores. So each has as many CPUs as we say: CPUS_PER_NODE (2).
# There are two partitions: "main", and "urgent", whose jobs preempt those of "main".

set -euo pipefail

readonly NODES=(n1 n2)
readonly CPUS_PER_NODE=${CPUS_PER_NODE:-2}
readonly FIRST_PORT=${FIRST_PORT:-17817}
readonly PROGRAM=${0##*/}

# Debian keeps daemons here, which is not in everyone's PATH.
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s: %s\n' "$PROGRAM" "$*" >&2; }
fail() {
    say "$*"
    exit 1
}
usage() {
    sed -n '3,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# Runs a command once every 0.2 s until it succeeds, or for so many seconds.
wait_for() {
    local seconds=$1 end
    shift
    end=$((SECONDS + seconds))
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.2
    done
}

# ---------------------------------------------------------------------------------------------
# The directory

# Sets DIR and what is derived from it.
use_directory() {
    # A path without links, since we recognise our processes by it.
    DIR=$(realpath -- "$1")
    # Slurm's configuration has no quotes, and it replaces %n and the like in file names.
    [[ $DIR =~ ^[A-Za-z0-9/._+-]+$ ]] || fail "the directory's path may have letters, digits and ._+- only: $DIR"
    export SLURM_CONF=$DIR/slurm.conf
}

use_started_directory() {
    [[ -f $1/slurm.conf ]] || fail "no cluster was started in $1"
    use_directory "$1"
}

need_node() {
    local node
    for node in "${NODES[@]}"; do
        [[ $node != "$1" ]] || return 0
    done
    fail "there is no node $1; the nodes are ${NODES[*]}"
}

# ---------------------------------------------------------------------------------------------
# Processes

# The first process id in a file, if that process lives and is one of this cluster.
# (All daemons have the path of DIR among their arguments. Otherwise the number has a new owner.)
daemon_in() {
    local pid
    { read -r pid <"$1"; } 2>/dev/null || return 1
    grep -qsaF -- "$DIR/" "/proc/$pid/cmdline" || return 1
    printf '%s\n' "$pid"
}

# Whether a process has ended. (One that has ended, but that nobody has asked about, has no arguments any more.)
has_ended() { ! grep -qs . "/proc/$1/cmdline"; }

# The processes of Slurm that care for one job step each ("slurmstepd") on a node. They are no children
# of the node's daemon, and nothing in their arguments says to which node they belong. But they hold the
# node's log open.
step_daemons_of() {
    local log=$DIR/log/$1.log process
    for process in /proc/[0-9]*; do
        [[ $(cat "$process/comm" 2>/dev/null) == slurmstepd ]] || continue
        # The process may end while we look.
        if [[ -n $(find "$process/fd" -lname "$log" 2>/dev/null || true) ]]; then
            printf '%s\n' "${process##*/}"
        fi
    done
}

# The processes of the jobs on a node: the descendants of the given daemons of its steps, and all to which Slurm gave
# this node's name. (The parent of the latter may be dead, so that they are no descendants.)
job_processes_of() {
    local node=$1 process
    shift
    for process in /proc/[0-9]*; do
        if grep -qsazxF -- "SLURMD_NODENAME=$node" "$process/environ" &&
            grep -qsazxF -- "SLURM_CONF=$SLURM_CONF" "$process/environ"; then
            printf '%s\n' "${process##*/}"
        fi
    done
    ps -e -o pid= -o ppid= | awk -v ancestors="$*" '
        { parent[$1] = $2 }
        END {
            split(ancestors, list)
            for (i in list) ancestor[list[i]]
            for (pid in parent)
                for (p = parent[pid]; p in parent; p = parent[p])
                    if (p in ancestor) { print pid; break }
        }'
}

kill_at_once() {
    (($# == 0)) || kill -KILL "$@" 2>/dev/null || true
}

# Ends everything of a node as a power failure would: nothing can report its end or clean up. So the daemons
# are killed before the jobs: a step's daemon that sees its job end would tell the controller.
kill_node() {
    local node=$1 daemon steps jobs
    while true; do
        daemon=$(daemon_in "$DIR/run/$node.pid" || true)
        mapfile -t steps < <(step_daemons_of "$node")
        mapfile -t jobs < <(job_processes_of "$node" "${steps[@]}")
        # shellcheck disable=SC2086 # no daemon: no argument
        kill_at_once $daemon "${steps[@]}"
        kill_at_once "${jobs[@]}"
        # A process that was just being started may have been missed: look again until there is none.
        [[ -n $daemon || ${#steps[@]} -gt 0 || ${#jobs[@]} -gt 0 ]] || break
        sleep 0.1
    done
}

# ---------------------------------------------------------------------------------------------
# The configuration

port_is_free() {
    ! (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# The first of as many free ports in a row as asked for.
free_ports() {
    local number=$1 first port
    for ((first = FIRST_PORT; first < 32000; first += number)); do
        for ((port = first; port < first + number; port++)); do
            port_is_free "$port" || continue 2
        done
        printf '%s\n' "$first"
        return
    done
    fail "no $number free ports from $FIRST_PORT on"
}

write_configuration() {
    local port index
    port=$(free_ports $((1 + ${#NODES[@]})))
    cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmUser=root
SlurmdUser=root
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$port

# Everything in our directory. %n is the node's name.
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/%n.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/%n.log

# Our own munge. A requeued job may start again when the permission (credential) of its first start has
# expired. Slurm's default is two minutes.
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket=$DIR/munge/socket,cred_expire=5

# What a container can do: no control groups, no accounting, no mail.
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
MpiDefault=none

SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
# The nodes have what we say, not what the machine has.
SlurmdParameters=config_overrides

# A job whose node died is queued again, and a node that comes back is used again.
JobRequeue=1
ReturnToService=2

# A dead node is noticed, and a job started, within seconds.
SlurmdTimeout=10
SlurmctldTimeout=10
BatchStartTimeout=10
KillWait=10
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2

# Jobs of "urgent" make jobs of "main" go back into the queue.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE

END
    for index in "${!NODES[@]}"; do
        printf 'NodeName=%s NodeHostname=localhost NodeAddr=127.0.0.1 Port=%d CPUs=%d RealMemory=8192\n' \
            "${NODES[index]}" $((port + 1 + index)) "$CPUS_PER_NODE"
    done >>"$SLURM_CONF"
    cat >>"$SLURM_CONF" <<END
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE PriorityTier=2 PreemptMode=OFF
END
}

# ---------------------------------------------------------------------------------------------
# Commands

start() {
    local program node
    ((EUID == 0)) || fail "this must run as root"
    for program in munged mungekey slurmctld slurmd sbatch squeue sinfo; do
        command -v "$program" >/dev/null || fail "$program is not installed; on Debian: apt-get install slurm-wlm munge"
    done
    if (($# == 0)); then
        use_directory "$(mktemp -d "${TMPDIR:-/tmp}/slurm.XXXXXX")"
    else
        mkdir -p -- "$1"
        use_directory "$1"
    fi
    [[ ! -e $SLURM_CONF ]] || fail "$DIR has a cluster already: stop it and take a new directory"

    mkdir -p "$DIR"/{munge,state,spool,run,log}
    write_configuration

    if ! start_daemons; then
        stop_everything
        fail "the cluster did not start: see $DIR/log"
    fi
    say "started in $DIR"
    printf 'export SLURM_CONF=%s\n' "$SLURM_CONF"
}

start_daemons() {
    local node
    mungekey --create --keyfile="$DIR/munge/key" || return
    # By force: munge would rather have a directory that every user can enter, but we have only one user.
    munged --force --key-file="$DIR/munge/key" --socket="$DIR/munge/socket" --pid-file="$DIR/run/munged.pid" \
        --log-file="$DIR/log/munged.log" --seed-file="$DIR/munge/seed" || return
    slurmctld -f "$SLURM_CONF" || return
    for node in "${NODES[@]}"; do
        slurmd -f "$SLURM_CONF" -N "$node" || return
    done
    wait_for 60 all_nodes_are_idle
}

all_nodes_are_idle() {
    [[ $(sinfo --noheader --Node --partition main --format %t 2>/dev/null | grep -cx idle) == "${#NODES[@]}" ]]
}

# Whether the controller has one of these opinions of a node's state. (We ask about all nodes: asked about one, Slurm
# 22.05 may answer with what it knew when somebody last asked about all.)
node_is() {
    sinfo --noheader --Node --partition main --format '%N %t' 2>/dev/null | grep -xE "$1 ($2)" >/dev/null
}

# A node that comes back within seconds would confuse the controller: it believes that a job which started there a
# moment ago runs on. No real machine is that quick. So first it has to notice the loss.
revive_node() {
    local node=$1
    [[ -z $(daemon_in "$DIR/run/$node.pid" || true) ]] || fail "node $node is alive"
    wait_for 120 node_is "$node" 'down.*' || fail "nobody has noticed in 120 s that node $node is dead: see $DIR/log"
    slurmd -f "$SLURM_CONF" -N "$node" || fail "node $node does not start: see $DIR/log/$node.log"
    wait_for 60 node_is "$node" 'idle|mix|alloc' || fail "node $node is not back after 60 s: see $DIR/log"
}

stop_everything() {
    local node daemon pid signal
    for node in "${NODES[@]}"; do
        kill_node "$node"
    done
    for daemon in slurmctld munged; do
        pid=$(daemon_in "$DIR/run/$daemon.pid") || continue
        for signal in TERM KILL; do
            kill "-$signal" "$pid" 2>/dev/null || true
            wait_for 10 has_ended "$pid" && break
        done
    done
}

main() {
    local command=${1:-} node
    (($# == 0)) || shift
    case $command:$# in
    start:[01])
        start "$@"
        ;;
    kill-node:2)
        use_started_directory "$1"
        need_node "$2"
        kill_node "$2"
        say "node $2 is dead"
        ;;
    revive-node:2)
        use_started_directory "$1"
        need_node "$2"
        revive_node "$2"
        say "node $2 is back"
        ;;
    stop:1)
        use_started_directory "$1"
        stop_everything
        say "stopped; the logs are in $DIR/log"
        ;;
    *)
        usage
        ;;
    esac
}

main "$@"
