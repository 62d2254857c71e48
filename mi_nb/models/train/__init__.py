"""Recipes that train the bundled models from scratch: `python -m mi_nb.models.train mini --seed 0`."""
