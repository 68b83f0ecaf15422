#!/usr/bin/env bash
# A Slurm of one node on this machine, to run the slurm profile on: controller and daemon, no database, no systemd.
#
#   tests/workflow/slurm_one_node.sh start [FOLDER]   # root; apt-get install slurm-wlm munge
#   tests/workflow/slurm_one_node.sh stop [FOLDER]
#
# FOLDER keeps its state and logs. The GPU is a pretended one: /dev/null under the name of a model.
set -euo pipefail

action=${1:?start or stop}
folder=${2:-${TMPDIR:-/tmp}/one-node-slurm}
node=$(hostname -s)
memory=$(awk '/^MemTotal/ {print int($2 / 1024 * 0.8)}' /proc/meminfo)

configure() {
    mkdir -p "$folder"/{controller,daemon} /etc/slurm
    # Without a default a job that names no memory takes the whole node, and all others wait.
    # Finished jobs stay in memory for a day, since there is no database to ask for them.
    cat > /etc/slurm/slurm.conf <<CONF
ClusterName=one-node
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/controller
SlurmdSpoolDir=$folder/daemon
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2
DefMemPerCPU=500
MinJobAge=86400
ReturnToService=2
GresTypes=gpu
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(getconf _NPROCESSORS_ONLN) RealMemory=$memory Gres=gpu:h200:1 State=UNKNOWN
PartitionName=batch Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
    echo "NodeName=$node Name=gpu Type=h200 File=/dev/null" > /etc/slurm/gres.conf
}

start() {
    configure
    install -d -o munge -g munge /run/munge
    if ! [ -S /run/munge/munge.socket.2 ]; then
        runuser -u munge -- /usr/sbin/munged
    fi
    slurmctld
    slurmd
    for _ in $(seq 30); do
        if [ "$(sinfo --noheader --format=%T)" = idle ]; then
            echo "Slurm is up on $node; its logs are in $folder."
            return
        fi
        sleep 1
    done
    echo "Slurm did not come up within 30 seconds; see $folder/*.log" >&2
    return 1
}

stop() {
    scontrol shutdown
    for _ in $(seq 10); do
        [ -e "$folder/slurmctld.pid" ] || break
        sleep 1
    done
    if [ -r /run/munge/munged.pid ]; then
        kill "$(cat /run/munge/munged.pid)"
    fi
}

case $action in
    start) start ;;
    stop) stop ;;
    *) echo "usage: $0 start|stop [FOLDER]" >&2; exit 2 ;;
esac
