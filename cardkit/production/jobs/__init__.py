"""Work that any machine may do: imports, data preparation and reports, queued in the store's own PostgreSQL."""
