#!/bin/sh
# On a machine with a GPU, in one call: the tests that need one, and then `run.sh`.
#
#     benchmarks/gpu.sh NAME
set -e
cd "$(dirname "$0")/.."
REQUIRE_GPU=1 python -m pytest -m gpu
benchmarks/run.sh "${1:?say a name for the results, of the card and the date}" --device cuda
