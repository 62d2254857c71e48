"""The `mi-nb` command: `mi-nb demo` shows a model thinking, `mi-nb tutorials` copies the notebooks into a folder."""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

PROMPT = "When Mary and John went to the store, John gave a drink to"
HEADS = ("prediction", "2nd", "3rd", "4th")  # what the terminal shows of each layer
WIDEST = 14  # characters of a token in the terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status, 1 after an error whose words say what to do."""
    parser = argparse.ArgumentParser(prog="mi-nb", description="Mechanistic interpretability in the notebook.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo_command = commands.add_parser("demo", help="the logit lens on a prompt: a table here, an interactive page")
    demo_command.add_argument("--prompt", default=PROMPT)
    demo_command.add_argument("--model", default="mini", help="a bundled name, a Hugging Face id or a local folder")
    demo_command.add_argument("--output", type=Path, default=Path("demo.html"), help="the page that is written")
    tutorials_command = commands.add_parser("tutorials", help="copies the tutorials")
    tutorials_command.add_argument("folder", type=Path, nargs="?", default=Path("tutorials"))
    options = parser.parse_args(arguments)
    try:
        if options.command == "demo":
            demo(options.prompt, options.model, options.output)
        else:
            tutorials(options.folder)
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, LookupError, RuntimeError) as error:
        print(f"mi-nb: {error}", file=sys.stderr)
        return 1
    return 0


def demo(prompt: str, model_name: str, output: Path) -> None:
    """Reads a prompt with the logit lens, prints what each layer would say next, and writes the interactive page.

    Raises:
        OSError: the model cannot be found or the page cannot be written.
        ValueError: the prompt cannot be read by this model.
    """
    import mi_nb as mi

    model = mi.load(model_name)
    lens = mi.logit_lens(model, prompt)
    print(f"{model.name}, {model.n_layers} layers. What each layer would say after: {escaped(prompt)}\n")
    print(terminal_table(lens.data))
    lens.to_html(output)
    print(f"\nThe whole grid, to click through: {output.resolve().as_uri()}")
    checkout = Path("tutorials/00_start_here.ipynb").exists() and Path("Makefile").exists()
    print("Go on:", "make lab" if checkout else "mi-nb tutorials && jupyter lab tutorials/00_start_here.ipynb")


def terminal_table(data: pd.DataFrame) -> str:
    """The predictions at the last position, a line per layer, the most probable first."""
    last = data.loc[(data["position"] == data["position"].max()) & (data["rank"] < len(HEADS))]
    lines = [["layer", "entropy", *HEADS]]
    for layer, rows in last.sort_values("rank").groupby("layer"):
        shares = [math.exp(log_prob) for log_prob in rows["log_prob"]]
        cells = [f"{visible(token)} {percent(share)}" for token, share in zip(rows["prediction"], shares, strict=True)]
        lines.append([str(layer), f"{rows['entropy'].iloc[0]:.2f}", *cells])
    columns = [[len(line[i]) for line in lines if i < len(line)] for i in range(len(lines[0]))]
    widths = [max(column) for column in columns]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines) + "\nentropy in nats"


def percent(share: float) -> str:
    """A probability in whole percent, in which only certainty is 100% and only the impossible 0%."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def visible(token: str) -> str:
    """A token in a terminal: spaces alone are shown, control characters escaped, long tokens cut."""
    text = escaped(token) if token.strip(" ") else token.replace(" ", "\u2423") or "(empty)"
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "\u2026"


def escaped(text: str) -> str:
    """Text on one line, in which nothing can steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def tutorials(folder: Path) -> None:
    """Copies the tutorials that came with the package; files that are already there stay as they are.

    Raises:
        FileNotFoundError: this installation has no tutorials.
        NotADirectoryError: a file of that name is in the way.
    """
    package = Path(__file__).resolve().parent
    source = next((place for place in (package / "tutorials", package.parent / "tutorials") if place.is_dir()), None)
    if source is None:
        raise FileNotFoundError("this installation has no tutorials; pip install --force-reinstall mi-nb brings them")
    copied = kept = 0
    for path in sorted(source.rglob("*.ipynb")):
        target = folder / path.relative_to(source)
        if ".ipynb_checkpoints" in path.parts:
            continue
        if target.exists():
            kept += 1
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        copied += 1
    print(f"{copied} notebooks copied to {folder.resolve()}" + (f", {kept} kept as they were" if kept else ""))
    print(f"Go on: jupyter lab {folder / '00_start_here.ipynb'}")


if __name__ == "__main__":
    sys.exit(main())
