#!/bin/sh
# On a machine with a GPU, in one call: the tests that need one, and the bench into benchmarks/results/NAME.json.
#
#     benchmarks/gpu.sh NAME
set -e
name=${1:?say a name for the results, of the card and the date}
cd "$(dirname "$0")/.."
REQUIRE_GPU=1 python -m pytest -m gpu
mkdir -p benchmarks/results
python -m videostyle bench --device cuda --json "benchmarks/results/$name.json"
python benchmarks/make_report.py
