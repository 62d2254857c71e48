"""Pictures that a notebook shows, one class per kind of picture.

A widget is handed arrays, labels and callables. It never sees a model and never computes a technique: results build
their own in `Result.widget()`. Every widget shares one `selection` (a list of `{axis: value}` records), `link` keeps
the shared axes of several together, and `export_html` writes one offline page.
"""

from mi_nb.widgets.acting import Cancelled, Progress
from mi_nb.widgets.export import export_html
from mi_nb.widgets.heatmap import Heatmap
from mi_nb.widgets.kit import Widget
from mi_nb.widgets.linking import link
from mi_nb.widgets.token_grid import TokenGrid

__all__ = ["Cancelled", "Heatmap", "Progress", "TokenGrid", "Widget", "export_html", "link"]
