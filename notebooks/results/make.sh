#!/usr/bin/env bash
# The stored results that the notebooks show, made anew. Needs the real MNIST in $RSBD_DATA; more than ten minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

store() {
    local name=$1 command=$2
    shift 2
    python -m rsbd "$command" --dataset mnist --classes 1 7 --device cpu "$@" --out "$work/$name"
    cp "$work/$name/result.json" "notebooks/results/$name.json"
}

store mnist-tied certify --points 1000 --rows 100 --keep 0.8 --models 1000
store mnist-bags certify --defence bags --models 4000
store mnist-apart certify --keep-features 0.6 --keep-labels 0.6 --keep-test 0.8 --models 4000
store mnist-compare compare --points 500 --learner linear --models 2000 --poisoned 1 5 10 50 100 300 650 \
    --pixels 1 4 9 --relabel
python .ci/mnist_labels.py notebooks/results/mnist-labels.json
