#!/usr/bin/env bash
# The stored results that the notebooks show, made anew. Needs the real MNIST in $RSBD_DATA; two minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

store() {
    local name=$1
    shift
    python -m rsbd certify --dataset mnist --classes 1 7 --points 1000 --device cpu "$@" --out "$work/$name"
    cp "$work/$name/result.json" "notebooks/results/$name.json"
}

store mnist-tied --rows 100 --keep 0.8 --models 1000
store mnist-apart --keep-features 0.6 --keep-labels 0.6 --keep-test 0.8 --models 4000
python -m rsbd.lessons.mnist_labels notebooks/results/mnist-labels.json
