"""Reference data: the file, the topics, and what stands between them."""
