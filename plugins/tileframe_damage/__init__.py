"""What damage of a JPEG or PNG counts, in one place for all bundled readers of them. It offers nothing by itself."""
