"""The pages' own scripts by the checker of TypeScript: `python -m tests.script_types`, a part of `make lint`.

The checker is fetched by npm, as package-lock.json pins it; where that fails nothing is checked, and it is said.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from seismo_site import assets


def main() -> int:
    """The exit status of the checker; 0 where it is missing."""
    assets.main(["--dev"])
    checker, node = assets.NODE_FOLDER / "node_modules" / "typescript" / "bin" / "tsc", shutil.which("node")
    if node is None or not checker.is_file():
        print("The scripts were not checked: node or the checker is missing.")
        return 0
    return subprocess.run([node, str(checker), "-p", "jsconfig.json"], cwd=assets.ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
