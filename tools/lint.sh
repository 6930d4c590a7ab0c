#!/bin/sh
# Every linter, quiet or fatal.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
PATH=$PWD/$bin:$PATH # cython-lint calls pycodestyle

$bin/ruff check --quiet .
$bin/ruff format --quiet --check .
$bin/mypy --no-error-summary
mkdir -p build
$bin/lint-imports --no-cache >build/lint-imports.log || { cat build/lint-imports.log; exit 1; }
$bin/cython-lint cython_src
git ls-files '*.c' '*.h' '*.cu' '*.cuh' | xargs -r $bin/clang-format --dry-run --Werror
if command -v cppcheck >/dev/null; then
    # That >> of a negative number is arithmetic is asserted at compile time, in qe_fixedpoint.h.
    cppcheck --quiet --error-exitcode=1 --std=c99 --inline-suppr \
        --enable=warning,performance,portability --suppress=shiftTooManyBitsSigned \
        -Ifirmware_templates/kernels/include -Ifirmware_templates/runtime \
        -Ifirmware_templates/boards/_common firmware_templates
else
    echo "lint: cppcheck is not installed, its checks did not run" >&2
fi
echo "lint: clean"
