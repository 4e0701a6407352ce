"""Object stores as places of pyramids: S3 and what speaks its language, Azure, Google Cloud Storage, and memory."""
