"""Chapter classify: networks that learn to name what is in a picture."""
