#!/usr/bin/env python
"""Seismo's command line in a checkout. Every command explains itself with --help."""

import sys

from seismo_site.command_line import main

if __name__ == "__main__":
    sys.exit(main())
