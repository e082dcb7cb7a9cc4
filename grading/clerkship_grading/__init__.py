"""Clerkship: grading."""
