"""Alembic migrations of the production store, run when a store is opened."""
