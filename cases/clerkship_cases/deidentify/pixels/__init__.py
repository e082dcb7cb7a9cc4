"""Pixels: find and blank the text that is burned into images, and remove faces from head volumes."""

from clerkship_cases.deidentify.pixels.cleaning import clean_pixels
from clerkship_cases.deidentify.pixels.outcome import Box, PixelOutcome

__all__ = ["Box", "PixelOutcome", "clean_pixels"]
