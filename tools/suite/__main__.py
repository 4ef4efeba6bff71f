"""The parts of ./test, in order, with the seconds that each takes and one count at the end."""

import argparse
import sys
import time

from parts import PARTS, Options
from steps import Tally, stop_children

TAIL_LINES = 40


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./test", description=__doc__)
    parser.add_argument("--full", action="store_true", help="add what is long")
    parser.add_argument("--only", metavar="PART", action="append", help="run this (repeatable)")
    parser.add_argument("--list", action="store_true", help="print the parts and end")
    parser.add_argument("--install-ms", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = set(arguments.only or []) - {part.name for part in PARTS}
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}: see ./test --list")
    return arguments


def run_part(part, options):
    """The part's tally; what its code throws is one more failure, not the end of the run."""
    try:
        tally = part.run(options)
    except Exception as error:  # A broken part must not hide the results of the others.
        tally = Tally()
        tally.fail(f"{part.name} (the part itself)", f"{type(error).__name__}: {error}")
    if tally.passed == 0 and tally.failed == 0 and not tally.nothing_to_do:
        tally.fail(part.name, "found no tests where there should be some")
    return tally


def print_failures(tally):
    for name, text in tally.failures:
        print(f"\n  FAILED {name}")
        for line in text.rstrip().splitlines()[-TAIL_LINES:]:
            print(f"    {line}")


def main():
    arguments = parse_arguments()
    if arguments.list:
        for part in PARTS:
            print(f"{part.name:10} {part.what}")
        return 0

    options = Options(full=arguments.full)
    total = Tally()
    start = time.monotonic()
    print(f"{'install':10} {arguments.install_ms / 1000:7.1f} s", flush=True)
    for part in PARTS:
        if arguments.only and part.name not in arguments.only:
            continue
        if part.full_only and not options.full:
            total.left_out.append(f"{part.name}: {part.what}")
            continue
        print(f"{part.name:10} ...", end="\r" if sys.stdout.isatty() else "\n", flush=True)
        began = time.monotonic()
        tally = run_part(part, options)
        seconds = time.monotonic() - began
        skipped = f", {tally.skipped} skipped" if tally.skipped else ""
        print(f"{part.name:10} {seconds:7.1f} s  {tally.passed} passed, {tally.failed} failed"
              f"{skipped}{'  ' + tally.note if tally.note else ''}", flush=True)
        print_failures(tally)
        total.add(tally)

    print(f"{'total':10} {time.monotonic() - start + arguments.install_ms / 1000:7.1f} s")
    if total.failures:
        print("\nFailed:")
        for name, _ in total.failures:
            print(f"  {name}")
    for line in total.left_out:
        print(f"left out (./test --full runs it): {line}")
    if arguments.only:
        others = [part.name for part in PARTS if part.name not in arguments.only]
        print(f"left out (--only): {', '.join(others)}")
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or total.passed == 0 else 0


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:
        status = 130
    finally:
        stop_children()
    sys.exit(status)
