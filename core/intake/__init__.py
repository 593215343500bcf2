"""How files become items: loading, looking for new ones, what people send."""
