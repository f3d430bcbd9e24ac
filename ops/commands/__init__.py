"""The groups of `escalon`'s commands, a file each."""
