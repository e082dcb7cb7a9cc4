"""Clerkship: widgets."""
