"""Labels of whole images: embeddings, clustered pages, a linear head with proven thresholds, and prelabels."""
