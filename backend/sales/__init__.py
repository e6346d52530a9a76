"""Selling: leads, opportunities and the pipelines they move along."""
