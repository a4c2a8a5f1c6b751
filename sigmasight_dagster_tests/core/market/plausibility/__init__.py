"""Plausibility of market rows."""
