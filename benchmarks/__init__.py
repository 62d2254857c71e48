"""Speed of mi_nb as ratios against named peers, measured side by side: `python -m benchmarks`."""
