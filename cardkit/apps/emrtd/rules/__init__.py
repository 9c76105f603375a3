"""What must hold of a travel document, and what is checked of it."""
