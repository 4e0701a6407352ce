"""No plugin: what stores on disks, object stores and the server share: zip files, whose a file is, and media types."""
