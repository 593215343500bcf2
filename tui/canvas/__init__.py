"""One image with its regions: where it lies in the view, what is drawn over it, and the tools that change it."""
