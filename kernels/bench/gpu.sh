#!/usr/bin/env bash
# Everything that needs a GPU, on a host without a network: installs, tests the kernels, benchmarks and trains a tier.
#
#   bash kernels/bench/gpu.sh OUTPUT [SECONDS] [TIER]
#
# Run in the root of the tree, which must contain `gpu-bundle/` (make gpu-bundle). OUTPUT: a folder for reports and
# results. SECONDS: when to stop training (540). TIER: a file of config/ (config/multi30k.yaml). A second call continues
# from the last checkpoints. Each part writes OUTPUT/<part>.log; failed parts are named at the end and set the status.
set -uo pipefail

output=${1:?usage: bash kernels/bench/gpu.sh OUTPUT [SECONDS] [TIER]}
limit=${2:-540}
tier=${3:-config/multi30k.yaml}
began=$SECONDS
bundle=${BUNDLE:-gpu-bundle}
site=$PWD/.gpu/site
failed=()
mkdir -p "$output" .gpu

say() { printf '%4d s  %s\n' $((SECONDS - began)) "$*"; }

part() { # name, command …
    local name=$1
    shift
    say "$name"
    "$@" > "$output/$name.log" 2>&1 || { failed+=("$name"); say "$name failed: $(tail -n 1 "$output/$name.log")"; }
}

install() {
    [ -e .gpu/installed ] && return
    python3 -m pip install -q --no-index --no-deps --no-compile --upgrade --target "$site" "$bundle"/wheels/*.whl &&
        MAX_JOBS=$(nproc) python3 -m pip install -q --no-index --no-deps --no-build-isolation --target "$site" \
            "$bundle"/source/*.tar.gz &&
        touch .gpu/installed
}

train() {
    local left=$((limit - (SECONDS - began) - 20))
    timeout --signal=INT "$left" python3 -m snakemake --cores all --scheduler greedy paper_tables \
        --configfile "$tier" --config mirror="$bundle/multi30k" --rerun-incomplete --keep-going
    local status=$?
    [ $status = 124 ] && { echo "stopped after $left s; run again to go on"; return 0; }
    return $status
}

keep() { # results without checkpoints, in one file
    tar -czf "$output/results.tgz" --exclude='*.pt' --exclude=bin results logs
}

export PYTHONPATH=$PWD:$site${PYTHONPATH:+:$PYTHONPATH} PATH=$site/bin:$PATH TRITON_DEFAULT_FP_FUSION=1
part install install
[ ${#failed[@]} = 0 ] || exit 1
part kernel-tests python3 -m pytest -q -p no:cacheprovider tests/kernels tests/golden
part bench python3 -m janus.bench --device cuda --output "$output/bench"
part train train
part keep keep
[ ${#failed[@]} = 0 ] && say "done" && exit 0
say "failed: ${failed[*]}"
exit 1
