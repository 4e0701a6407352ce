"""No plugin: what stores on disks and in object stores share, which is zip files, and what tells whose a file is."""
