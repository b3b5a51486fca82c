"""Hours in minutes: the whole gate on a real broker while everything around it fails by chance."""
