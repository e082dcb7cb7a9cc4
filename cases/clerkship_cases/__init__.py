"""Clerkship: cases."""
