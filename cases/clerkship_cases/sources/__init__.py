"""Where image files come from. So far: files inside installed packages."""
