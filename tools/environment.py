"""Makes a virtual environment with the pinned packages: `python tools/environment.py .venv dev`.

Standard library only, since it runs before anything is installed. Torch for Linux comes from PyPI with gigabytes of
CUDA; where there is no NVIDIA GPU and PyTorch's index of CPU builds answers, that index is offered to pip as well. Set
TORCH_INDEX to another index, or to nothing, to decide yourself.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

ROOT = Path(__file__).resolve().parent.parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OLDEST, NEWEST = (3, 10), (3, 13)
BUILD = ["hatchling", "editables", "setuptools"]  # setuptools: TransformerLens wants a package that has no wheel


def torch_index():
    """The extra package index to look for torch in, or nothing for pip's own configuration alone."""
    if "TORCH_INDEX" in os.environ:
        return os.environ["TORCH_INDEX"]
    if not sys.platform.startswith("linux") or shutil.which("nvidia-smi") or Path("/proc/driver/nvidia").exists():
        return ""
    try:
        with urllib.request.urlopen(urllib.request.Request(CPU_INDEX + "/torch/", method="HEAD"), timeout=3):
            return CPU_INDEX
    except OSError:
        return ""


def bootstrap_pip(python):
    """Puts pip into an environment made without it: Debian's Python has no ensurepip before python3-venv."""
    listing = "https://pypi.org/pypi/pip/json"
    with urllib.request.urlopen(listing, timeout=30) as answer:
        wheel = next(file for file in json.load(answer)["urls"] if file["packagetype"] == "bdist_wheel")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, wheel["filename"])
        with urllib.request.urlopen(urljoin(listing, wheel["url"]), timeout=60) as answer:
            path.write_bytes(answer.read())
        subprocess.run([python, str(path / "pip"), "install", "--quiet", "--no-index", str(path)], check=True)


def create(folder):
    """Creates the environment where it is not there or is broken, and returns its Python."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if python.exists() and subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return str(python)
    print("creating", folder, flush=True)
    if subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], capture_output=True).returncode != 0:
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)
        bootstrap_pip(str(python))
    return str(python)


def install(python, extras, editable=True):
    """Installs the project with its extras at the versions of constraints.txt."""
    index = torch_index()
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--progress-bar", "off"]
    pip += ["--constraint", str(ROOT / "constraints.txt")]
    print("installing the pinned packages; the first time this takes some minutes", flush=True)
    subprocess.run([*pip, *BUILD], check=True)
    project = str(ROOT) + ("[" + ",".join(extras) + "]" if extras else "")
    pip += ["--no-build-isolation", *(["--extra-index-url", index] if index else [])]
    subprocess.run([*pip, *(["--editable"] if editable else []), project], check=True)


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("extras", nargs="*")
    arguments = parser.parse_args()
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        found = "{} is {}.{}".format(sys.executable, *sys.version_info[:2])
        sys.exit("mi_nb needs Python 3.10 to 3.13, and " + found + ". Name another: make PYTHON=python3.12 ...")
    try:
        install(create(arguments.folder), arguments.extras)
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"could not set up {arguments.folder}: {error}")


if __name__ == "__main__":
    main()
