"""Clerkship: hub."""
