#!/bin/sh
# Measure this machine, which should do nothing else, into benchmarks/results/NAME.json, and make the report anew.
#
#     benchmarks/run.sh NAME [--quick] [--sizes 256x144 640x360] [--device cuda]
set -e
name=${1:?say a name for the results, of the machine and the date}
shift
cd "$(dirname "$0")/.."
mkdir -p benchmarks/results
python -m videostyle bench --json "benchmarks/results/$name.json" --overwrite "$@"
python benchmarks/make_report.py
