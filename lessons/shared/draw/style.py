"""One look for all drawings: yes is red, no is blue, and black is what is computed by hand."""

from __future__ import annotations

YES, NO = "#c0392b", "#2471a3"
DIVERGING = "RdBu_r"  # blue: 0 or negative; red: 1 or positive
COLORS = ["#2471a3", "#c0392b", "#1e8449", "#b9770e", "#7d3c98", "#5d6d7e", "#117a65", "#a04000"]
GREY = "#5d6d7e"
