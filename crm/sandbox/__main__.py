"""python -m crm.sandbox: the sandbox without Django, for whoever wants it a second sooner."""

from __future__ import annotations

import argparse
import signal
import sys

from crm.sandbox.cli import add_arguments, run

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parser = argparse.ArgumentParser(prog="python -m crm.sandbox")
    add_arguments(parser)
    run(vars(parser.parse_args()))
