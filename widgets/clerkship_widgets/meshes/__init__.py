"""Where the surfaces of a scene come from, and how they travel to the browser."""
