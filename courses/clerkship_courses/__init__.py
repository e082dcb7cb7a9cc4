"""Clerkship: courses."""
